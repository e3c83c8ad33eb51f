#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace metal_double {

/// A selector is its name, which sel_registerName keeps once.
using Selector = const char*;
/// Any method; called by the trampoline with the caller's registers as they are.
using Implementation = void (*)();

/// Guards everything but the members of single objects, which belong to one thread at a time as on a Mac.
/// Recursive, because objects release objects.
std::recursive_mutex& lock_of_all() noexcept;

/// Notes a mistake of the host or of a kernel, for metal_double_error.
void report(const std::string& mistake);
/// The oldest mistake, taken out of the list; empty if there is none.
std::string take_report();

struct Class;

/// An Objective-C object. A dead one keeps its memory for long, so that messages to it are found.
struct Object {
  explicit Object(Class* its_class);
  virtual ~Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  /// What dealloc does: lets go of other objects and of memory.
  virtual void finish() {}
  /// Takes it out of what metal_double_live counts: for objects that live as long as the process.
  void live_for_ever();

  Class* isa;  ///< nullptr: this is a class
  std::atomic<long> count{1};
  bool dead = false;
};

/// A class, which can be sent messages itself.
struct Class final : Object {
  explicit Class(std::string its_name) : Object(nullptr), name(std::move(its_name)) {}

  std::string name;
  std::map<std::string, Implementation> methods, class_methods;
};

/// The class of this name, made at the first call.
Class* class_named(const std::string& name);
/// The class of this name; nullptr if there is none.
Class* find_class(const std::string& name);

/// One more count.
void retain(Object* object);
/// One count less; the last finishes the object.
void release(Object* object);
/// Released when the innermost pool of this thread is; an error if there is no pool.
Object* autorelease(Object* object);
/// Opens a pool of this thread; its number from 1 on.
std::size_t push_pool();
/// Closes this pool and those opened after it.
void pop_pool(std::size_t pool);

/// The objects alive, and their classes with numbers.
std::pair<int, std::string> live_objects();

/// A counted reference.
template <class T>
class Reference {
 public:
  Reference() = default;
  explicit Reference(T* object) : object_(object) { retain(object_); }
  Reference(const Reference& other) : object_(other.object_) { retain(object_); }
  Reference(Reference&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  ~Reference() { release(object_); }
  Reference& operator=(Reference other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  /// Takes over the count that a new object has.
  static Reference adopt(T* object) {
    Reference reference;
    reference.object_ = object;
    return reference;
  }
  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

/// Adds a method to a class: a lambda whose first parameters are the object and the selector.
template <class Function>
void add_method(const char* class_name, const char* selector, Function function) {
  class_named(class_name)->methods[selector] = reinterpret_cast<Implementation>(+function);
}
/// Adds a method of the class itself.
template <class Function>
void add_class_method(const char* class_name, const char* selector, Function function) {
  class_named(class_name)->class_methods[selector] = reinterpret_cast<Implementation>(+function);
}

/// The methods of Foundation's classes, and of Metal's.
void add_foundation_classes();
void add_metal_classes();
/// The one device; nullptr where METAL_DOUBLE_NO_DEVICE is set.
Object* the_device();

}  // namespace metal_double
