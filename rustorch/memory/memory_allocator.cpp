#include "rustorch/memory/memory_allocator.h"

#include "rustorch/memory/allocators/aligned_allocator.h"
#include "rustorch/memory/allocators/pool_allocator.h"
#include "rustorch/memory/allocators/thread_caching_allocator.h"
#include "rustorch/memory/process_memory.h"

namespace rustorch {

namespace {

struct CpuMemory {
  AlignedAllocator aligned;
  PoolAllocator pool{aligned, "cpu", available_memory};
  ThreadCachingAllocator threads{pool};
};

}  // namespace

MemoryAllocator& cpu_allocator() {
  // Never destroyed: tensors in static variables of other files may outlive anything that is.
  static CpuMemory& memory = *new CpuMemory;
  return memory.threads;
}

namespace {
[[maybe_unused]] const MemoryAllocator& made_while_loading = cpu_allocator();
}

}  // namespace rustorch
