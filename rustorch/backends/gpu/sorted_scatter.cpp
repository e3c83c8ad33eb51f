#include "rustorch/backends/gpu/sorted_scatter.h"

#include <bit>

#include "rustorch/backends/gpu/radix_sort.h"

namespace rustorch::gpu {
namespace {

using Nest = IndexedLoops::Nest;

/// What takes time on a large GPU, in nanoseconds, roughly: a thread's read of what an index names and the
/// writing there; a launch; and a block of keys that a group counts and moves, of some thousand at once.
constexpr std::int64_t dependent_step = 800, launch = 5000, block_of_keys = 8;
/// So many threads keep it busy.
constexpr std::int64_t busy_threads = 131072;

/// Where chunks are as long as there are chunks, no thread has much more than the square root to go.
std::int64_t chunk_of(std::int64_t length) {
  constexpr std::int64_t least = 32;
  std::int64_t chunk = least;
  while (chunk * chunk < length) chunk *= 2;
  return chunk;
}

bool index_moves(const Nest& nest, std::size_t dim) {
  for (std::size_t k = 2; k < nest.operands(); ++k) {
    if (nest.stride(k, dim) != 0) return true;
  }
  return false;
}

/// a * b + c, or 0 where that is beyond 2^62.
std::int64_t bounded(std::int64_t a, std::int64_t b, std::int64_t c) {
  std::int64_t product = 0, sum = 0;
  const bool over = __builtin_mul_overflow(a, b, &product) || __builtin_add_overflow(product, c, &sum);
  return over || sum > std::int64_t{1} << 62 ? 0 : sum;
}

}  // namespace

SortedScatter::SortedScatter(const IndexedPlan& of)
    : plan(of),
      lanes(of.operands()),
      columns(of.operands()),
      length(of.ordered.count()),
      chunk(chunk_of(length)),
      chunks((length + chunk - 1) / chunk) {
  for (std::size_t dim = 0; dim < plan.free.rank(); ++dim) {
    Nest::Offsets steps{};
    for (std::size_t k = 0; k < plan.operands(); ++k) steps[k] = plan.free.stride(k, dim);
    (index_moves(plan.free, dim) ? lanes : columns).append(plan.free.size(dim), steps);
  }
  keys = 1;
  if (plan.apart) {
    for (const IndexOperand& operand : plan.indices) keys = bounded(keys, operand.size, 0);
  } else {
    for (std::size_t dim = 0; dim < plan.ordered.rank() && keys != 0; ++dim)
      keys = bounded(plan.ordered.size(dim) - 1, plan.ordered.stride(IndexedLoops::base, dim), keys);
    for (const IndexOperand& operand : plan.indices)
      keys = keys != 0 && operand.size > 0 ? bounded(operand.size - 1, operand.stride * plan.parts, keys) : 0;
  }
  wide_index = plan.wide_index || plan.free.count() > most_narrow_index / length;
}

int SortedScatter::key_bits() const noexcept {
  const std::int64_t largest = plan.indices.empty() ? keys - 1 : keys;
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(largest)));
}

std::int64_t SortedScatter::key_stride(std::size_t k) const noexcept {
  if (!plan.apart) return plan.indices[k].stride * plan.parts;
  std::int64_t stride = 1;
  while (++k < plan.indices.size()) stride *= plan.indices[k].size;
  return stride;
}

bool SortedScatter::pays() const noexcept {
  if (keys == 0 || length > RadixSort::most_length || plan.free.count() >= busy_threads) return false;
  const std::int64_t passes = RadixSort::passes_for(key_bits());
  const std::int64_t launches = passes * RadixSort::launches_of_pass + 3;
  const std::int64_t blocks = passes * lanes.count() * RadixSort::blocks_of(length);
  // Half the time, at least: the host queues more, and more memory is taken.
  return 2 * (launches * launch + blocks * block_of_keys) < length * dependent_step;
}

}  // namespace rustorch::gpu
