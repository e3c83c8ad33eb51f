#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace rustorch::gpu::metal {

// The part of Apple's Objective-C runtime and of Metal that we call, opened at run time: nothing of Apple's
// is needed to build, on any system.

/// An object or a class (id); nullptr is nil, which answers every message with 0.
using Object = void*;
/// The name of a message (SEL), as the runtime registered it.
using Selector = const void*;

/// The C functions, by what they do.
struct ObjcRuntime {
  Object (*get_class)(const char*);            ///< objc_getClass
  Selector (*register_selector)(const char*);  ///< sel_registerName
  void (*send_message)();                      ///< objc_msgSend: called by the method's own type
  void (*send_message_for_structure)();        ///< objc_msgSend_stret, of x86-64 only
  Object (*retain)(Object);                    ///< objc_retain
  void (*release)(Object);                     ///< objc_release
  void* (*push_pool)();                        ///< objc_autoreleasePoolPush
  void (*pop_pool)(void*);                     ///< objc_autoreleasePoolPop
  Object (*copy_all_devices)();                ///< MTLCopyAllDevices
};

/// Opens the runtime and Metal, once for the process; later calls return what was opened. On macOS these are
/// the system's; the environment variable RUSTORCH_METAL_LIBRARY names a library that offers all functions
/// instead, on any system: tests load their stand-in this way. nullptr, and why, where they are not here.
const ObjcRuntime* open_objc_runtime(std::string& absence);

/// The runtime that was opened. Not to be called before.
const ObjcRuntime& objc_runtime() noexcept;

/// Whether a result comes by way of memory, through a function of its own: large structures on x86-64.
template <class R>
constexpr bool comes_by_memory() {
#if defined(__x86_64__)
  if constexpr (std::is_class_v<R>) return sizeof(R) > 2 * sizeof(void*);
#endif
  return false;
}

/// Sends a message: `message<std::size_t>(buffer, "length")`. The arguments' types and the result's must be
/// the method's own, since the call is made by them: NSUInteger is std::size_t, NSInteger is long.
template <class R = Object, class... Arguments>
R message(Object receiver, const char* selector, Arguments... arguments) {
  const ObjcRuntime& runtime = objc_runtime();
  using Method = R (*)(Object, Selector, Arguments...);
  const auto function = comes_by_memory<R>() ? runtime.send_message_for_structure : runtime.send_message;
  return reinterpret_cast<Method>(function)(receiver, runtime.register_selector(selector), arguments...);
}

/// What methods autorelease while this lives is released when it goes. Every call into Metal needs one around
/// it: threads of ours have none of their own.
class AutoreleasePool {
 public:
  AutoreleasePool() : pool_(objc_runtime().push_pool()) {}
  ~AutoreleasePool() { objc_runtime().pop_pool(pool_); }
  AutoreleasePool(const AutoreleasePool&) = delete;
  AutoreleasePool& operator=(const AutoreleasePool&) = delete;

 private:
  void* pool_;
};

/// Holds an object.
class ObjectReference {
 public:
  ObjectReference() = default;
  ~ObjectReference() { reset(); }
  ObjectReference(ObjectReference&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  ObjectReference& operator=(ObjectReference&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ObjectReference(const ObjectReference&) = delete;
  ObjectReference& operator=(const ObjectReference&) = delete;

  /// Takes over what `new…` and `copy…` return, which is the caller's to release.
  static ObjectReference adopt(Object object) noexcept { return ObjectReference(object); }
  /// Holds on to what other methods return, which goes with the pool.
  static ObjectReference retain(Object object) noexcept {
    return ObjectReference(objc_runtime().retain(object));
  }
  void reset() noexcept {
    if (object_ != nullptr) objc_runtime().release(std::exchange(object_, nullptr));
  }
  /// Leaves the object to whoever else holds it: in a forked child nothing can be released.
  void abandon() noexcept { object_ = nullptr; }
  Object get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  explicit ObjectReference(Object object) noexcept : object_(object) {}
  Object object_ = nullptr;
};

/// An NSString of this text, which goes with the pool.
Object make_string(const std::string& text);
/// The text of an NSString; empty for nil.
std::string string_text(Object string);
/// What an NSError says, with its code; empty for nil.
std::string error_text(Object error);
/// Whether an object has a method.
bool responds_to(Object object, const char* selector);

}  // namespace rustorch::gpu::metal
