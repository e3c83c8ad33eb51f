#include "rustorch/memory/allocators/large_blocks.h"

#include <algorithm>
#include <new>
#include <tuple>

#include "rustorch/memory/allocators/allocation_counter.h"

namespace rustorch {

namespace {

// A kept block may be this much larger than asked for.
constexpr std::size_t largest_fit(std::size_t bytes) noexcept {
  const std::size_t rounded = round_up(bytes, LargeBlocks::granule);
  return rounded + rounded / 4;
}

bool is_aligned(const std::byte* data, std::size_t alignment) noexcept {
  return reinterpret_cast<std::uintptr_t>(data) % alignment == 0;
}

}  // namespace

void LargeBlocks::reserve_kept() {
  if (kept_.capacity() <= records_.size()) kept_.reserve(2 * records_.size() + 16);
}

void LargeBlocks::add(const Block& block) {
  reserve_kept();
  records_.emplace(block.data, block);
}

const LargeBlocks::Block* LargeBlocks::take(const Request& request) noexcept {
  Block* const block = take_fitting(request);
  return block == nullptr && request.may_be_cut && request.bytes > cut_from_bytes ? cut(request) : block;
}

LargeBlocks::Block* LargeBlocks::take_fitting(const Request& request) noexcept {
  const std::size_t largest = largest_fit(request.bytes);
  for (auto it = place_of(request.bytes, nullptr); it != kept_.end() && (*it)->bytes <= largest; ++it) {
    Block* const block = *it;
    if (block->hint != request.hint || block->bytes > request.most_bytes ||
        !is_aligned(block->data, request.alignment) || (!request.may_be_cut && !block->is_whole())) {
      continue;
    }
    kept_.erase(it);
    block->is_kept = false;
    return block;
  }
  return nullptr;
}

LargeBlocks::Block* LargeBlocks::cut(const Request& request) noexcept {
  const std::size_t bytes = round_up(request.bytes, granule);
  if (bytes > request.most_bytes) return nullptr;
  for (auto it = place_of(bytes + cut_from_bytes, nullptr); it != kept_.end(); ++it) {
    Block* const block = *it;
    if (block->hint != request.hint || !is_aligned(block->data, request.alignment)) continue;
    try {
      reserve_kept();
      Block& rest = records_.emplace(block->data + bytes, *block).first->second;
      unkeep(*block);  // before its size changes, by which it is found
      rest.data = block->data + bytes;
      rest.bytes = block->bytes - bytes;
      rest.before = block;
      if (rest.behind != nullptr) rest.behind->before = &rest;
      keep(rest);
      block->bytes = bytes;
      block->behind = &rest;
      ++splits_;
      return block;
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  return nullptr;
}

LargeBlocks::Block* LargeBlocks::find_live(void* data) noexcept {
  const auto found = records_.find(data);
  return found == records_.end() || found->second.is_kept ? nullptr : &found->second;
}

void LargeBlocks::give_back(Block& block, std::uint32_t generation) noexcept {
  block.generation = generation;
  Block* first = &block;
  if (Block* const behind = block.behind; behind != nullptr && behind->is_kept) {
    unkeep(*behind);
    merge(block);
  }
  if (Block* const before = block.before; before != nullptr && before->is_kept) {
    unkeep(*before);
    first = before;
    merge(*before);
  }
  keep(*first);
}

void LargeBlocks::merge(Block& first) noexcept {
  Block* const second = first.behind;
  first.bytes += second->bytes;
  first.generation = std::max(first.generation, second->generation);
  first.behind = second->behind;
  if (first.behind != nullptr) first.behind->before = &first;
  records_.erase(second->data);
  ++merges_;
}

LargeBlocks::Block LargeBlocks::release_before(std::uint64_t generation) noexcept {
  const auto found = std::find_if(kept_.rbegin(), kept_.rend(), [&](const Block* block) {
    return block->is_whole() && block->generation < generation;
  });
  if (found == kept_.rend()) return {};
  const Block released = **found;
  kept_.erase(std::next(found).base());
  records_.erase(released.data);
  return released;
}

std::vector<LargeBlocks::Block*>::iterator LargeBlocks::place_of(std::size_t bytes,
                                                                 const std::byte* data) noexcept {
  return std::lower_bound(
      kept_.begin(), kept_.end(), std::tie(bytes, data), [](const Block* block, const auto& wanted) {
        return std::tuple<std::size_t, const std::byte*>(block->bytes, block->data) < wanted;
      });
}

void LargeBlocks::keep(Block& block) noexcept {
  block.is_kept = true;
  kept_.insert(place_of(block.bytes, block.data), &block);
}

void LargeBlocks::unkeep(Block& block) noexcept {
  block.is_kept = false;
  kept_.erase(place_of(block.bytes, block.data));
}

}  // namespace rustorch
