#include "rustorch/memory/allocators/block_ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <tuple>
#include <utility>

#include "rustorch/core/shape.h"
#include "rustorch/memory/format_bytes.h"

namespace rustorch {

namespace {

/// Whether a tensor of this shape has that many bytes: a scope may take other blocks too.
bool has_bytes(const Shape& shape, DType dtype, std::size_t bytes) noexcept {
  std::uint64_t product = item_size(dtype);
  for (const std::int64_t dim : shape) {
    const auto size = static_cast<std::uint64_t>(dim);
    if (size != 0 && product > std::numeric_limits<std::uint64_t>::max() / size) return false;
    product *= size;
  }
  return product == bytes;
}

}  // namespace

BlockLedger::~BlockLedger() {
  for (Part& part : parts_) {
    for (Record* record : part.lists) {
      while (record != nullptr) delete std::exchange(record, record->next);
    }
  }
}

BlockLedger::Place BlockLedger::place_of(const void* block) noexcept {
  // Blocks start at multiples of 64, large ones at pages or huge pages: all kinds of bits count.
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  const std::uintptr_t hash = ((address >> 6) ^ (address >> 21)) * 0x9e3779b97f4a7c15U >> 48;
  Part& part = parts_[hash % part_count];
  return {part, part.lists[hash / part_count % list_count]};
}

void BlockLedger::record(void* block, std::size_t bytes, MemoryHint hint) {
  const BlockContext& context = BlockContext::of_this_thread();
  auto record = std::make_unique<Record>();
  record->block = block;
  record->bytes = bytes;
  record->hint = hint;
  record->describe(context);
  if (context.tag != nullptr) count_taken(*context.tag, bytes);
  if (!records(bytes)) small_blocks_.fetch_add(1, std::memory_order_relaxed);
  const Place place = place_of(block);
  const std::lock_guard guard(place.part.lock);
  record->next = place.first;
  place.first = record.release();
}

void BlockLedger::Record::describe(const BlockContext& context) noexcept {
  tag = context.tag;
  if (context.shape == nullptr || context.shape->size() > most_dims ||
      !has_bytes(*context.shape, context.dtype, bytes)) {
    return;
  }
  dtype = context.dtype;
  rank = static_cast<std::uint8_t>(context.shape->size());
  std::copy(context.shape->begin(), context.shape->end(), dims.begin());
}

std::optional<MemoryHint> BlockLedger::forget(void* block) noexcept {
  std::unique_ptr<Record> record;
  {
    const Place place = place_of(block);
    const std::lock_guard guard(place.part.lock);
    Record** found = &place.first;
    while (*found != nullptr && (*found)->block != block) found = &(*found)->next;
    if (*found == nullptr) return std::nullopt;
    record.reset(std::exchange(*found, (*found)->next));
  }
  if (!records(record->bytes)) small_blocks_.fetch_sub(1, std::memory_order_relaxed);
  if (record->tag != nullptr) count_returned(*record->tag, record->bytes);
  return record->hint;
}

void BlockLedger::count_taken(const std::string& tag, std::size_t bytes) {
  const std::lock_guard guard(tags_lock_);
  TagStatistics& statistics = tags_[&tag];
  ++statistics.allocations;
  statistics.live_bytes += bytes;
  statistics.peak_bytes = std::max(statistics.peak_bytes, statistics.live_bytes);
}

void BlockLedger::count_returned(const std::string& tag, std::size_t bytes) noexcept {
  const std::lock_guard guard(tags_lock_);
  const auto found = tags_.find(&tag);
  if (found == tags_.end()) return;
  ++found->second.deallocations;
  found->second.live_bytes -= bytes;
}

std::vector<TagStatistics> BlockLedger::statistics_by_tag() const {
  std::vector<TagStatistics> all;
  {
    const std::lock_guard guard(tags_lock_);
    for (const auto& [name, statistics] : tags_) {
      all.push_back(statistics);
      all.back().tag = *name;
    }
  }
  std::sort(all.begin(), all.end(), [](const TagStatistics& a, const TagStatistics& b) {
    return std::tie(b.live_bytes, b.peak_bytes, a.tag) < std::tie(a.live_bytes, a.peak_bytes, b.tag);
  });
  return all;
}

std::string BlockLedger::Record::to_string() const {
  std::string text = tag != nullptr ? *tag : "no tag";
  if (rank == no_shape) return text + (hint == MemoryHint::pinned ? ", pinned" : "");
  return fmt::format("{} {} {}", text, rustorch::to_string(dtype),
                     Shape(std::span(dims.data(), std::size_t{rank})).to_string());
}

std::string BlockLedger::largest_holders(std::size_t count) const {
  struct Group {
    std::uint64_t bytes = 0;
    std::uint64_t blocks = 0;
    std::string what;
  };
  std::map<std::string, Group> by_description;
  for (const Part& part : parts_) {
    std::vector<Record> records;
    {
      const std::lock_guard guard(part.lock);
      for (const Record* record : part.lists) {
        for (; record != nullptr; record = record->next) records.push_back(*record);
      }
    }
    for (const Record& record : records) {
      Group& group = by_description[record.to_string()];
      group.bytes += record.bytes;
      ++group.blocks;
    }
  }
  std::vector<Group> groups;
  for (auto& [what, group] : by_description) {
    group.what = what;
    groups.push_back(std::move(group));
  }
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return std::tie(b.bytes, a.what) < std::tie(a.bytes, b.what);
  });
  std::string text;
  for (std::size_t i = 0; i < std::min(count, groups.size()); ++i) {
    text += fmt::format("{}{} {} for {} ({})", i == 0 ? "" : ", ", groups[i].blocks,
                        groups[i].blocks == 1 ? "block" : "blocks", groups[i].what,
                        format_bytes(groups[i].bytes));
  }
  if (groups.size() > count) text += fmt::format(", and {} more kinds", groups.size() - count);
  return text;
}

void BlockLedger::before_fork() noexcept {
  for (Part& part : parts_) part.lock.lock();
  tags_lock_.lock();
}

void BlockLedger::after_fork(bool /*in_child*/) noexcept {
  tags_lock_.unlock();
  for (Part& part : parts_) part.lock.unlock();
}

}  // namespace rustorch
