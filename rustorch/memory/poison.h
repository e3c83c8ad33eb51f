#pragma once

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RUSTORCH_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define RUSTORCH_ADDRESS_SANITIZER 1
#endif

#ifdef RUSTORCH_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

namespace rustorch {

/// Makes AddressSanitizer report any access to these bytes; nothing without it.
inline void poison_memory([[maybe_unused]] const void* data, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef RUSTORCH_ADDRESS_SANITIZER
  ASAN_POISON_MEMORY_REGION(data, bytes);
#endif
}

/// Allows access again.
inline void unpoison_memory([[maybe_unused]] const void* data, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef RUSTORCH_ADDRESS_SANITIZER
  ASAN_UNPOISON_MEMORY_REGION(data, bytes);
#endif
}

/// Tells LeakSanitizer that this block stays on purpose: kept blocks are linked through memory that is
/// poisoned, where it does not look. Tensors that leak are still found by their own objects.
inline void keep_on_purpose([[maybe_unused]] const void* block) noexcept {
#ifdef RUSTORCH_ADDRESS_SANITIZER
  __lsan_ignore_object(block);
#endif
}

}  // namespace rustorch
