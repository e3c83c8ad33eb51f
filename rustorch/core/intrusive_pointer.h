#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace rustorch {

/// Base of objects that IntrusivePointer counts: one word, no control block. The maker owns the new object:
/// it is handed to IntrusivePointer::make or adopt. `ReachedWeakly`: somebody without a part of it may turn a
/// plain pointer into an owner (retain_if_alive).
template <class Derived, bool ReachedWeakly = false>
class ReferenceCounted {
 public:
  ReferenceCounted() noexcept = default;
  ReferenceCounted(const ReferenceCounted&) = delete;
  ReferenceCounted& operator=(const ReferenceCounted&) = delete;
  void retain() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    // The only owner needs no atomic change: nobody else can become one.
    const bool alone = !ReachedWeakly && references_.load(std::memory_order_acquire) == 1;
    if (alone || references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete static_cast<const Derived*>(this);
    }
  }
  /// retain(), unless the last owner has let go already.
  bool retain_if_alive() const noexcept {
    static_assert(ReachedWeakly);
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
  mutable std::atomic<std::uint32_t> references_{1};  // the maker's
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
    return adopt(new T(std::forward<Args>(args)...));
  }

  /// Takes over an owner's part, such as a maker's: counts nothing.
  static IntrusivePointer adopt(T* object) noexcept {
    IntrusivePointer pointer;
    pointer.object_ = object;
    return pointer;
  }

  /// An owner of an object that may be losing its last one in another thread (its destructor must still wait
  /// for us); null if it has.
  static IntrusivePointer if_alive(T* object) noexcept {
    return object->retain_if_alive() ? adopt(object) : IntrusivePointer();
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
