// How the allocator of GPUs deals with a device that is full; gpu_backend_test.cpp has it on real ones.
#include "rustorch/backends/gpu/gpu_allocator.h"

#include <gtest/gtest.h>

#include <unordered_map>

#include "backends/gpu/text_executor.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

/// A device of 100 MiB whose released memory comes back when queued work is done, as CUDA's does.
class SmallDevice final : public TextExecutor {
 public:
  gpu::BufferHandle allocate(std::size_t bytes) override {
    if (used_ + bytes > 100 * mebibyte) return nullptr;
    used_ += bytes;
    gpu::BufferHandle handle = reinterpret_cast<gpu::BufferHandle>(++last_);
    sizes_[handle] = bytes;
    return handle;
  }
  void release(gpu::BufferHandle handle) noexcept override { released_ += sizes_[handle]; }
  void synchronize() override {
    used_ -= std::exchange(released_, 0);
    ++synchronizations;
  }

  int synchronizations = 0;

 private:
  std::size_t used_ = 0, released_ = 0;
  std::uintptr_t last_ = 0;
  std::unordered_map<gpu::BufferHandle, std::size_t> sizes_;
};

TEST(GpuAllocator, KeptBlocksMakeRoomForOthers) {
  SmallDevice device;
  gpu::GpuAllocator memory(device, "small:0");
  void* const held = memory.allocate(30 * mebibyte, 64, {});
  void* const first = memory.allocate(60 * mebibyte, 64, {});
  memory.deallocate(first, 60 * mebibyte, 64);
  EXPECT_EQ(memory.allocate(60 * mebibyte, 64, {}), first);
  memory.deallocate(first, 60 * mebibyte, 64);
  EXPECT_EQ(device.synchronizations, 0);

  void* const second = memory.allocate(40 * mebibyte, 64, {});
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(device.synchronizations, 1);
  EXPECT_EQ(memory.statistics().cached_bytes, 0u);
  expect_error(ErrorCode::out_of_memory, "small:0", [&] { return memory.allocate(40 * mebibyte, 64, {}); });
  memory.deallocate(second, 40 * mebibyte, 64);
  memory.deallocate(held, 30 * mebibyte, 64);
}

}  // namespace
}  // namespace rustorch::testing
