#include "rustorch/memory/buffer.h"

#include <gtest/gtest.h>

#include <utility>

#include "rustorch/memory/allocators/aligned_allocator.h"

namespace rustorch {
namespace {

// Destroyed while the program ends, after much else: the allocator must still be there.
Buffer outlives_main(cpu_allocator(), 1000);

TEST(Buffer, OwnsABlock) {
  AlignedAllocator allocator;
  {
    const Buffer buffer(allocator, 100);
    EXPECT_NE(buffer.data(), nullptr);
    EXPECT_EQ(buffer.bytes(), 100u);
    EXPECT_EQ(allocator.statistics().requested_bytes, 100u);
  }
  EXPECT_EQ(allocator.statistics().live_bytes, 0u);
}

TEST(Buffer, Moves) {
  AlignedAllocator allocator;
  Buffer a(allocator, 100);
  void* const data = a.data();
  Buffer b = std::move(a);
  EXPECT_EQ(b.data(), data);
  EXPECT_EQ(a.data(), nullptr);  // NOLINT(bugprone-use-after-move): moved-from buffers are empty
  EXPECT_EQ(a.bytes(), 0u);
  Buffer c(allocator, 50);
  c = std::move(b);
  EXPECT_EQ(c.bytes(), 100u);
  EXPECT_EQ(allocator.statistics().requested_bytes, 100u);
  Buffer& alias = c;
  c = std::move(alias);
  EXPECT_EQ(c.data(), data);
  c.reset();
  c.reset();
  EXPECT_EQ(allocator.statistics().live_bytes, 0u);
}

TEST(Buffer, OfZeroBytes) {
  AlignedAllocator allocator;
  const Buffer buffer(allocator, 0);
  EXPECT_EQ(buffer.data(), nullptr);
}

TEST(Buffer, ReleasesForeignMemoryOnce) {
  int released = 0;
  int memory[4] = {};
  {
    Buffer buffer(memory, sizeof(memory), [&released] { ++released; });
    EXPECT_EQ(buffer.data(), memory);
    const Buffer moved = std::move(buffer);
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
  const Buffer borrowed(memory, sizeof(memory), {});
  EXPECT_EQ(borrowed.bytes(), sizeof(memory));
}

}  // namespace
}  // namespace rustorch
