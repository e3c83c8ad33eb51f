#pragma once

#include "rustorch/memory/allocators/aligned_allocator.h"

namespace rustorch::testing {

/// An upstream with as much memory as a test says.
class SmallMachine final : public MemoryAllocator {
 public:
  explicit SmallMachine(std::uint64_t bytes) { memory_.set_limit(bytes); }
  std::string_view name() const noexcept override { return "small machine"; }
  void* allocate(std::size_t bytes, std::size_t alignment, MemoryHint hint) override {
    return memory_.allocate(bytes, alignment, hint);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept override {
    memory_.deallocate(block, bytes, alignment);
  }
  MemoryStatistics statistics() const override { return memory_.statistics(); }
  void reset_peak() override { memory_.reset_peak(); }
  std::size_t trim(std::size_t keep_bytes) override { return memory_.trim(keep_bytes); }
  void set_limit(std::uint64_t bytes) override { memory_.set_limit(bytes); }
  std::uint64_t limit() const noexcept override { return memory_.limit(); }

 private:
  AlignedAllocator memory_;
};

}  // namespace rustorch::testing
