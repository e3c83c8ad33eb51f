#include "rustorch/memory/memory_allocator.h"

#include "rustorch/memory/allocators/aligned_allocator.h"
#include "rustorch/memory/allocators/pool_allocator.h"

namespace rustorch {

MemoryAllocator& cpu_allocator() {
  // Never destroyed: tensors in static variables of other files may outlive anything that is.
  static AlignedAllocator& aligned = *new AlignedAllocator();
  static PoolAllocator& pool = *new PoolAllocator(aligned, "cpu");
  return pool;
}

}  // namespace rustorch
