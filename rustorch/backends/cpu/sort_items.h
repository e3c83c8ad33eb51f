#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>

namespace rustorch::cpu {

// What is sorted in place of elements: a key that orders as the element does, and the element's index, by
// which equal keys are told apart. So no two items are equal, every way of sorting is stable, and its result
// is unique.

/// A key of up to 32 bits above an index of 32 bits.
using PackedItem = std::uint64_t;
/// Any key, any index.
struct WideItem {
  std::uint64_t key, index;
  friend auto operator<=>(const WideItem&, const WideItem&) = default;
};

template <class Item, class Key>
Item make_item(Key key, std::uint64_t index) noexcept {
  if constexpr (std::is_same_v<Item, PackedItem>) {
    return (static_cast<std::uint64_t>(key) << 32) | index;
  } else {
    return {static_cast<std::uint64_t>(key), index};
  }
}
inline std::uint64_t index_of(PackedItem item) noexcept { return item & 0xFFFFFFFFu; }
inline std::uint64_t index_of(const WideItem& item) noexcept { return item.index; }
inline std::uint64_t key_of(PackedItem item) noexcept { return item >> 32; }
inline std::uint64_t key_of(const WideItem& item) noexcept { return item.key; }

/// Sorts `n` items that lie in the order of their indices, whose keys have `key_bytes` bytes; `spare` has
/// room for as many. The result is in one of the two places.
template <class Item>
Item* sort_items(Item* items, Item* spare, std::int64_t n, int key_bytes) {
  if (n < 160 * key_bytes) {  // below, a pass over all 256 digits costs more than comparing
    std::sort(items, items + n);
    return items;
  }
  // Radix sort from the lowest byte of the key: each pass is stable, so indices stay in order.
  constexpr std::size_t digits = 256;
  std::array<std::array<std::int64_t, digits>, 8> counts;
  for (int b = 0; b < key_bytes; ++b) counts[static_cast<std::size_t>(b)].fill(0);
  const auto digit = [](const Item& item, int b) {
    return static_cast<std::size_t>((key_of(item) >> (8 * b)) & 0xFFu);
  };
  for (std::int64_t i = 0; i < n; ++i) {
    for (int b = 0; b < key_bytes; ++b) ++counts[static_cast<std::size_t>(b)][digit(items[i], b)];
  }
  for (int b = 0; b < key_bytes; ++b) {
    auto& places = counts[static_cast<std::size_t>(b)];
    if (places[digit(items[0], b)] == n) continue;  // all alike in this byte
    std::int64_t place = 0;
    for (std::int64_t& count : places) {
      const std::int64_t here = count;
      count = place;
      place += here;
    }
    for (std::int64_t i = 0; i < n; ++i) spare[places[digit(items[i], b)]++] = items[i];
    std::swap(items, spare);
  }
  return items;
}

/// How many of `a` are among the first `total` of the merged runs `a` and `b`.
template <class Item>
std::int64_t merge_split(const Item* a, std::int64_t a_count, const Item* b, std::int64_t b_count,
                         std::int64_t total) {
  std::int64_t low = std::max<std::int64_t>(0, total - b_count);
  std::int64_t high = std::min(total, a_count);
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (a[middle] < b[total - middle - 1]) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace rustorch::cpu
