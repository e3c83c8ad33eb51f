#include "rustorch/memory/object_pool.h"

#include <array>
#include <cstdint>
#include <new>

namespace rustorch {

namespace {

// Sanitizers shall see each object come and go.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool keeps_objects = false;
#else
constexpr bool keeps_objects = true;
#endif

constexpr std::size_t class_bytes = 64;
constexpr std::size_t class_count = 16;
constexpr std::uint32_t most_kept = 128;  // of a class: at most 128 KiB, for objects of 1 KiB

struct FreeObject {
  FreeObject* next;
};

/// The free objects of a thread. Plain data, so that reading it needs no check for initialization.
struct FreeLists {
  std::array<FreeObject*, class_count> first;
  std::array<std::uint32_t, class_count> room;  // how many more may be kept; none before the first is
  bool ended;                                   // the thread's lists are gone: what runs later does without
};

// initial-exec spares the call that finds a library's thread-local data.
[[gnu::tls_model("initial-exec")]] thread_local constinit FreeLists lists{};

void release_all() noexcept {
  for (std::size_t i = 0; i < class_count; ++i) {
    while (FreeObject* object = lists.first[i]) {
      lists.first[i] = object->next;
      ::operator delete(object);
    }
    lists.room[i] = 0;
  }
}

struct ThreadEnd {
  ~ThreadEnd() {
    release_all();
    lists.ended = true;
  }
};

/// The first object that a thread frees: the thread's end must know of its lists.
[[gnu::noinline]] void open_list(std::size_t size_class) noexcept {
  thread_local const ThreadEnd end;
  static_cast<void>(end);
  lists.room[size_class] = most_kept;
}

}  // namespace

void* allocate_object(std::size_t bytes) {
  const std::size_t size_class = (bytes - 1) / class_bytes;
  if (!keeps_objects || size_class >= class_count) [[unlikely]]
    return ::operator new(bytes);
  FreeObject* const object = lists.first[size_class];
  if (object == nullptr) [[unlikely]]
    return ::operator new((size_class + 1) * class_bytes);
  lists.first[size_class] = object->next;
  ++lists.room[size_class];
  return object;
}

void deallocate_object(void* object, std::size_t bytes) noexcept {
  const std::size_t size_class = (bytes - 1) / class_bytes;
  if (!keeps_objects || size_class >= class_count) [[unlikely]]
    return ::operator delete(object);
  if (lists.room[size_class] == 0) [[unlikely]] {
    if (lists.first[size_class] == nullptr && !lists.ended) open_list(size_class);
    if (lists.room[size_class] == 0) return ::operator delete(object);
  }
  --lists.room[size_class];
  lists.first[size_class] = ::new (object) FreeObject{lists.first[size_class]};
}

}  // namespace rustorch
