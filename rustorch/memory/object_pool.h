#pragma once

#include <cstddef>

namespace rustorch {

/// Memory for the small objects that come and go with every operation: tensors, storages, nodes of the
/// gradient graph. Each thread keeps what it frees, in lists by size, so that most objects cost no call
/// of malloc. Sizes over 1 KiB go to the heap. `bytes` must be the same at both calls. Aligned as
/// operator new's. Throws std::bad_alloc.
void* allocate_object(std::size_t bytes);
void deallocate_object(void* object, std::size_t bytes) noexcept;

/// Base that lets the objects of a class, and of classes derived from it, live in that memory.
class PooledObject {
 public:
  static void* operator new(std::size_t bytes) { return allocate_object(bytes); }
  static void operator delete(void* object, std::size_t bytes) noexcept { deallocate_object(object, bytes); }
};

/// The same as an allocator of the standard library.
template <class T>
struct ObjectAllocator {
  using value_type = T;
  ObjectAllocator() noexcept = default;
  template <class U>
  explicit(false) ObjectAllocator(const ObjectAllocator<U>&) noexcept {}
  // T may be a pointer, whose size is meant. NOLINTBEGIN(bugprone-sizeof-expression)
  T* allocate(std::size_t count) { return static_cast<T*>(allocate_object(count * sizeof(T))); }
  void deallocate(T* objects, std::size_t count) noexcept { deallocate_object(objects, count * sizeof(T)); }
  // NOLINTEND(bugprone-sizeof-expression)
  friend bool operator==(const ObjectAllocator&, const ObjectAllocator&) noexcept { return true; }
};

}  // namespace rustorch
