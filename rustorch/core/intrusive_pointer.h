#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace rustorch {

/// Base of objects that IntrusivePointer counts: one word, no control block.
template <class Derived>
class ReferenceCounted {
 public:
  ReferenceCounted() noexcept = default;
  ReferenceCounted(const ReferenceCounted&) = delete;
  ReferenceCounted& operator=(const ReferenceCounted&) = delete;
  void retain() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete static_cast<const Derived*>(this);
  }
  /// retain(), unless the last owner has let go already.
  bool retain_if_alive() const noexcept {
    std::uint32_t count = references_.load(std::memory_order_relaxed);
    while (count != 0) {
      if (references_.compare_exchange_weak(count, count + 1, std::memory_order_acq_rel)) return true;
    }
    return false;
  }
  std::uint32_t use_count() const noexcept { return references_.load(std::memory_order_relaxed); }

 protected:
  ~ReferenceCounted() = default;

 private:
  mutable std::atomic<std::uint32_t> references_{0};
};

/// A shared owner of a ReferenceCounted object: one pointer wide.
template <class T>
class IntrusivePointer {
 public:
  IntrusivePointer() noexcept = default;
  explicit IntrusivePointer(T* object) noexcept : object_(object) {
    if (object_ != nullptr) object_->retain();
  }
  IntrusivePointer(const IntrusivePointer& other) noexcept : IntrusivePointer(other.object_) {}
  IntrusivePointer(IntrusivePointer&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  IntrusivePointer& operator=(IntrusivePointer other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~IntrusivePointer() {
    if (object_ != nullptr) object_->release();
  }

  template <class... Args>
  static IntrusivePointer make(Args&&... args) {
    return IntrusivePointer(new T(std::forward<Args>(args)...));
  }

  /// An owner of an object that may be losing its last one in another thread (its destructor must still wait
  /// for us); null if it has.
  static IntrusivePointer if_alive(T* object) noexcept {
    IntrusivePointer pointer;
    if (object->retain_if_alive()) pointer.object_ = object;
    return pointer;
  }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const IntrusivePointer&, const IntrusivePointer&) = default;

 private:
  T* object_ = nullptr;
};

}  // namespace rustorch
