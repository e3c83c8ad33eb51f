#pragma once

#include <gtest/gtest.h>

#include "rustorch/memory/allocators/aligned_allocator.h"
#include "rustorch/memory/allocators/pool_allocator.h"
#include "rustorch/memory/allocators/thread_caching_allocator.h"

namespace rustorch::testing {

/// Allocators put together as the CPU's are, for one test alone.
class CachedPool : public ::testing::Test {
 protected:
  AlignedAllocator system_;
  PoolAllocator pool_{system_};
  ThreadCachingAllocator allocator_{pool_};
};

}  // namespace rustorch::testing
