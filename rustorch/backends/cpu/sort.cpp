#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/selection_kernels.h"
#include "rustorch/backends/cpu/sort_items.h"
#include "rustorch/backends/loop_nest.h"
#include "rustorch/compute/simd/kernels.h"
#include "rustorch/memory/buffer.h"

namespace rustorch {
namespace {

constexpr std::int64_t grain = 4096;        // elements that are worth a thread
constexpr std::int64_t long_row = 1 << 17;  // from here on the threads share one row
constexpr std::int64_t chunk = 1 << 16;     // of a long row, when a few of its elements are wanted

/// The room that a selection needs for its candidates.
constexpr std::int64_t selection_room(std::int64_t count) { return std::max(2 * count, count + 64); }

/// The unsigned integer that orders as a value does: NaN is largest, and zeros are equal.
template <class T>
auto sort_key(T value) noexcept {
  if constexpr (std::is_same_v<T, bool>) {
    return static_cast<std::uint8_t>(value ? 1 : 0);
  } else if constexpr (std::is_integral_v<T>) {
    using Key = std::make_unsigned_t<T>;
    constexpr Key sign = std::is_signed_v<T> ? static_cast<Key>(Key{1} << (8 * sizeof(T) - 1)) : Key{0};
    return static_cast<Key>(static_cast<Key>(value) ^ sign);
  } else {
    using Key = std::conditional_t<sizeof(T) == 2, std::uint16_t,
                                   std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>;
    constexpr Key sign = static_cast<Key>(Key{1} << (8 * sizeof(T) - 1));
    constexpr auto infinity = std::bit_cast<Key>(static_cast<T>(std::numeric_limits<float>::infinity()));
    const Key bits = std::bit_cast<Key>(value);
    const Key magnitude = bits & static_cast<Key>(~sign);
    if (magnitude > infinity) return std::numeric_limits<Key>::max();
    if (magnitude == 0) return sign;
    return static_cast<Key>((bits & sign) != 0 ? ~bits : bits | sign);
  }
}

/// Makes the items of elements [begin, end) of a row: their order is the order wanted, ties by index.
template <class T, class Item>
void make_items(const std::byte* row, std::int64_t stride, std::int64_t begin, std::int64_t end,
                bool descending, Item* items) {
  const T* const elements = reinterpret_cast<const T*>(row);
  using Key = decltype(sort_key(T{}));
  const auto flip = static_cast<Key>(descending ? ~Key{0} : Key{0});
  for (std::int64_t i = begin; i < end; ++i) {
    const auto key = static_cast<Key>(sort_key(elements[i * stride]) ^ flip);
    *items++ = cpu::make_item<Item>(key, static_cast<std::uint64_t>(i));
  }
}

/// A number that at least `count` of the adjacent elements do not come after, so that the first `count` are
/// not beyond it: of the best elements of more than `count` groups, the one at `count`. NaN where there is
/// none. The groups are 16 lanes of a few strips, so that finding their best is a plain loop over vectors.
template <class T>
T bound_of_first(const T* elements, std::int64_t n, bool descending, std::int64_t count) {
  constexpr std::int64_t lanes = cpu::SelectionKernels<T>::lanes, most_count = 512, shortest = 4;
  const std::int64_t strips = (2 * count + lanes - 1) / lanes;
  const std::int64_t rows = n / (strips * lanes);  // of each strip
  if (count > most_count || rows < shortest) return std::numeric_limits<T>::quiet_NaN();
  std::array<T, 2 * most_count + lanes> best;
  T* const strip_best = best.data() + strips * lanes;
  cpu::selection_kernels(T{}).extremes(elements, strips, rows, descending, best.data());
  if (std::any_of(best.data(), strip_best, [](T value) { return !std::isfinite(value); }))
    return std::numeric_limits<T>::quiet_NaN();
  T* const at = best.data() + count - 1;
  if (descending) {
    std::nth_element(best.data(), at, strip_best, std::greater<T>());
  } else {
    std::nth_element(best.data(), at, strip_best);
  }
  return *at;
}

/// Puts the items of the `count` first elements, in the order wanted, of elements [begin, end) of a row to
/// `items`, which has room for selection_room(count); there may be fewer elements. Returns how many there
/// are, in no order.
template <class T, class Item>
std::int64_t select_items(const std::byte* row, std::int64_t stride, std::int64_t begin, std::int64_t end,
                          bool descending, std::int64_t count, Item* items) {
  const T* const elements = reinterpret_cast<const T*>(row);
  using Key = decltype(sort_key(T{}));
  const auto flip = static_cast<Key>(descending ? ~Key{0} : Key{0});
  const std::int64_t room = selection_room(count);
  // Candidates gather until there is no room; then the best stay, and what does not come before the last of
  // them is passed over from there on: mostly whole blocks, whose keys are compared many at a time.
  constexpr std::int64_t block = 64;
  // Numbers need no keys to be passed over: whatever is not on the far side of the last one that stays is
  // looked at again, NaN too.
  constexpr bool compares = std::is_floating_point_v<T>;
  constexpr std::int64_t compared = 8;
  T last{};
  std::array<Key, block> keys;
  Key limit = std::numeric_limits<Key>::max();
  bool full = false;
  std::int64_t found = 0;
  if constexpr (compares) {
    const T bound = stride == 1 ? bound_of_first(elements + begin, end - begin, descending, count)
                                : std::numeric_limits<T>::quiet_NaN();
    const Key key = static_cast<Key>(sort_key(bound) ^ flip);
    if (std::isfinite(bound) && key != limit) {
      constexpr T infinity = std::numeric_limits<T>::infinity();
      last = std::nextafter(bound, descending ? -infinity : infinity);  // its equals are wanted too
      limit = static_cast<Key>(key + 1);
      full = true;
    }
  }
  std::int64_t n = 0;
  for (std::int64_t i = begin; i < end; i += n) {
    n = std::min(block, end - i);
    const T* const from = elements + i * stride;
    if constexpr (compares) {
      if (full && stride == 1) {
        const std::int64_t skipped = cpu::selection_kernels(T{}).passed_over(from, end - i, last, descending);
        if (skipped != 0) {
          n = skipped;
          continue;
        }
        n = std::min(compared, end - i);
      }
    }
    if (n == block && stride == 1) {
      for (std::size_t j = 0; j < block; ++j) keys[j] = static_cast<Key>(sort_key(from[j]) ^ flip);
    } else {
      for (std::int64_t j = 0; j < n; ++j) {
        keys[static_cast<std::size_t>(j)] = static_cast<Key>(sort_key(from[j * stride]) ^ flip);
      }
    }
    if (full && n == block) {
      unsigned before = 0;
      for (std::size_t j = 0; j < block; ++j) before |= keys[j] < limit ? 1u : 0u;
      if (before == 0) continue;
    }
    for (std::int64_t j = 0; j < n; ++j) {
      const Key key = keys[static_cast<std::size_t>(j)];
      if (full && key >= limit) continue;  // of equal keys the earlier comes first
      items[found++] = cpu::make_item<Item>(key, static_cast<std::uint64_t>(i + j));
      if (found == room) {
        std::nth_element(items, items + count - 1, items + found);
        limit = static_cast<Key>(cpu::key_of(items[count - 1]));
        if constexpr (compares)
          last = elements[static_cast<std::int64_t>(cpu::index_of(items[count - 1])) * stride];
        full = true;
        found = count;
      }
    }
  }
  if (found > count) {
    std::nth_element(items, items + count - 1, items + found);
    found = count;
  }
  return found;
}

/// Sorts the rows of one work. Item: what is sorted in place of the elements.
template <class Item>
class Sorter {
 public:
  using MakeItems = void (*)(const std::byte*, std::int64_t, std::int64_t, std::int64_t, bool, Item*);
  using SelectItems = std::int64_t (*)(const std::byte*, std::int64_t, std::int64_t, std::int64_t, bool,
                                       std::int64_t, Item*);

  Sorter(const Sort& work, MakeItems make, SelectItems select, int key_bytes)
      : work_(work),
        make_items_(make),
        select_items_(select),
        key_bytes_(key_bytes),
        n_(dim_size(work.input, work.dim)),
        count_(dim_size(work.values.data != nullptr ? work.values : work.indices, work.dim)),
        stride_(dim_stride(work.input, work.dim)),
        item_(item_size(work.input.dtype)) {}

  void run() {
    if (count_ == 0) return;
    const LoopNest<3> nest = dims_except<3>(work_.dim, {&work_.input, &work_.values, &work_.indices});
    const std::int64_t rows = nest.count();
    if (rows == 0) return;
    shared_ = n_ >= long_row && rows < 64;
    const auto sort_rows = [&](std::int64_t begin, std::int64_t end) {
      // Sorting needs room for the items and as much again, selecting room for the candidates.
      const std::int64_t room =
          is_selection() ? selection_room(count_) * (shared_ ? 1 + chunks() : 1) : 2 * n_;
      const Buffer items(cpu_allocator(), static_cast<std::size_t>(room) * sizeof(Item));
      Item* const first = static_cast<Item*>(items.data());
      nest.for_each_run(begin, end, [&](const auto& at, std::int64_t length) {
        for (std::int64_t i = 0; i < length; ++i) {
          const std::byte* const row =
              first_byte(work_.input) + (at[0] + i * nest.inner_stride(0)) * static_cast<std::int64_t>(item_);
          const Item* const sorted = shared_ ? sort_shared(row, first) : sort_row(row, first);
          write(row, sorted, at[1] + i * nest.inner_stride(1), at[2] + i * nest.inner_stride(2));
        }
      });
    };
    if (shared_) {
      sort_rows(0, rows);
    } else {
      cpu::parallel_for(0, rows, std::max<std::int64_t>(1, grain / n_), sort_rows);
    }
  }

 private:
  std::int64_t chunks() const noexcept { return (n_ + chunk - 1) / chunk; }
  /// Whether so few are wanted that the rest need not be put in order.
  bool is_selection() const noexcept { return count_ <= n_ / 8 && (!shared_ || count_ <= chunk / 4); }

  const Item* sort_row(const std::byte* row, Item* items) const {
    if (is_selection()) {
      select_items_(row, stride_, 0, n_, work_.descending, count_, items);
      std::sort(items, items + count_);
      return items;
    }
    make_items_(row, stride_, 0, n_, work_.descending, items);
    return cpu::sort_items(items, items + n_, n_, key_bytes_);
  }

  /// One row, by all threads. The items are all different, so its order does not depend on how it is cut.
  const Item* sort_shared(const std::byte* row, Item* items) const {
    if (is_selection()) {
      // The first ones of every chunk, then those of all.
      const std::int64_t room = selection_room(count_);
      const std::int64_t parts = chunks();
      cpu::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t c = begin; c < end; ++c) {
          select_items_(row, stride_, c * chunk, std::min(n_, (c + 1) * chunk), work_.descending, count_,
                        items + (1 + c) * room);
        }
      });
      std::int64_t found = 0;
      for (std::int64_t c = 0; c < parts; ++c) {
        const Item* const own = items + (1 + c) * room;
        const std::int64_t some = std::min({count_, chunk, n_ - c * chunk});
        std::copy(own, own + some, items + found);
        found += some;
        if (found <= count_) continue;
        std::nth_element(items, items + count_ - 1, items + found);
        found = count_;
      }
      std::sort(items, items + count_);
      return items;
    }
    Item* spare = items + n_;
    const std::int64_t parts = num_parts();
    cpu::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t p = begin; p < end; ++p) {
        const std::int64_t from = n_ * p / parts;
        const std::int64_t to = n_ * (p + 1) / parts;
        make_items_(row, stride_, from, to, work_.descending, items + from);
        const Item* const sorted = cpu::sort_items(items + from, spare + from, to - from, key_bytes_);
        if (sorted != items + from) std::copy(sorted, sorted + (to - from), items + from);
      }
    });
    for (std::int64_t width = 1; width < parts; width *= 2) {
      merge_level(items, spare, parts, width);
      std::swap(items, spare);
    }
    return items;
  }

  /// The parts that a row is sorted in: a power of two.
  static std::int64_t num_parts() {
    if (cpu::in_team()) return 1;
    return static_cast<std::int64_t>(std::bit_floor(static_cast<unsigned>(std::max(1, num_threads()))));
  }

  /// Merges neighbouring runs of `width` parts each from `from` to `to`, in pieces of one size that threads
  /// share.
  void merge_level(const Item* from, Item* to, std::int64_t parts, std::int64_t width) const {
    for (std::int64_t p = 0; p < parts; p += 2 * width) {
      const Item* const a = from + n_ * p / parts;
      const Item* const b = from + n_ * (p + width) / parts;
      const Item* const end = from + n_ * (p + 2 * width) / parts;
      Item* const out = to + (a - from);
      constexpr std::int64_t piece = 1 << 15;
      const std::int64_t total = end - a;
      cpu::parallel_for(0, (total + piece - 1) / piece, 1, [&](std::int64_t first, std::int64_t last) {
        const std::int64_t begin = first * piece;
        const std::int64_t stop = std::min(total, last * piece);
        const std::int64_t a_begin = cpu::merge_split(a, b - a, b, end - b, begin);
        const std::int64_t a_stop = cpu::merge_split(a, b - a, b, end - b, stop);
        std::merge(a + a_begin, a + a_stop, b + (begin - a_begin), b + (stop - a_stop), out + begin);
      });
    }
  }

  void write(const std::byte* row, const Item* sorted, std::int64_t values_at,
             std::int64_t indices_at) const {
    if (work_.indices.data != nullptr) {
      auto* const out =
          static_cast<std::int64_t*>(work_.indices.data) + work_.indices.layout->offset + indices_at;
      const std::int64_t step = dim_stride(work_.indices, work_.dim);
      for (std::int64_t i = 0; i < count_; ++i)
        out[i * step] = static_cast<std::int64_t>(cpu::index_of(sorted[i]));
    }
    if (work_.values.data == nullptr) return;
    std::byte* const out = first_byte(work_.values) + values_at * static_cast<std::int64_t>(item_);
    switch (item_) {
      case 1:
        return write_values<1>(row, sorted, out);
      case 2:
        return write_values<2>(row, sorted, out);
      case 4:
        return write_values<4>(row, sorted, out);
      default:
        return write_values<8>(row, sorted, out);
    }
  }
  template <std::size_t Size>
  void write_values(const std::byte* row, const Item* sorted, std::byte* out) const {
    constexpr auto size = static_cast<std::int64_t>(Size);
    const std::int64_t step = dim_stride(work_.values, work_.dim) * size;
    for (std::int64_t i = 0; i < count_; ++i) {
      std::memcpy(out + i * step, row + static_cast<std::int64_t>(cpu::index_of(sorted[i])) * stride_ * size,
                  Size);
    }
  }

  const Sort& work_;
  MakeItems make_items_;
  SelectItems select_items_;
  int key_bytes_;
  std::int64_t n_, count_, stride_;
  std::size_t item_;
  bool shared_ = false;  // whether the threads share rows
};

}  // namespace

void CpuBackend::sort(const Sort& work) {
  if (work.values.data == nullptr && work.indices.data == nullptr) return;
  const std::int64_t n = dim_size(work.input, work.dim);
  visit_dtype(work.input.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (is_complex(dtype_of<T>)) {
      fail(ErrorCode::dtype_mismatch, "op sort does not take {}", work.input.dtype);
    } else {
      constexpr int bytes = sizeof(T);
      if (bytes <= 4 && n <= std::int64_t{std::numeric_limits<std::uint32_t>::max()}) {
        Sorter<cpu::PackedItem>(work, &make_items<T, cpu::PackedItem>, &select_items<T, cpu::PackedItem>,
                                bytes)
            .run();
      } else {
        Sorter<cpu::WideItem>(work, &make_items<T, cpu::WideItem>, &select_items<T, cpu::WideItem>, bytes)
            .run();
      }
    }
  });
}

}  // namespace rustorch
