#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rustorch {

/// The kinds of failure a caller may want to tell apart.
enum class ErrorCode : std::uint8_t {
  invalid_argument,    ///< a value that the operation does not accept
  shape_mismatch,      ///< shapes that do not fit together
  dtype_mismatch,      ///< a dtype that the operation does not take
  device_mismatch,     ///< tensors on different devices in one operation
  index_out_of_range,  ///< a dim or an index beyond its bounds
  layout,              ///< data of a strided tensor was asked for as if contiguous
  autograd,            ///< backward twice, through a changed value, without a graph …
  unsupported,         ///< known, but not available for this backend, dtype or platform
  out_of_memory,       ///< an allocation failed or crossed the limit that was set
  not_found,           ///< a file, device, key or name that is not there
  io,                  ///< the operating system refused to read or write
  corrupt_data,        ///< a file whose contents break its format's rules
  interrupted,         ///< the user asked to stop
  internal,            ///< a broken invariant of this library
};

/// The code's name as written above, for example "shape_mismatch".
std::string_view to_string(ErrorCode code) noexcept;

/// The one exception of the library: a code, a message that names op, shapes, dtypes and devices, the
/// contexts in which it happened (innermost first), a suggestion where one is known, and where in the
/// source it was raised. Copies share their text, so copying never throws.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message, std::string suggestion = {},
        std::source_location location = std::source_location::current());

  ErrorCode code() const noexcept;
  /// The bare message: one line, without contexts and suggestion.
  const std::string& message() const noexcept;
  /// What the caller might do about it; empty if nothing is known.
  const std::string& suggestion() const noexcept;
  /// "loading layer 3", "reading model.onnx" …, innermost first.
  const std::vector<std::string>& context() const noexcept;
  const std::source_location& location() const noexcept;
  /// Everything in the form the program prints: the message, then `  while: …` lines, then `  try: …`.
  const char* what() const noexcept override;

  /// A copy with one more (outer) context.
  Error with_context(std::string context) const;
  /// A copy with another suggestion.
  Error with_suggestion(std::string suggestion) const;

 private:
  struct State;
  explicit Error(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

/// Names what the current scope does, for errors raised inside it: `ErrorContext context([&] { return
/// fmt::format("reading {}", path); });`. The text is made only if an error is raised; entering and leaving
/// costs a few pointer writes. Contexts nest per thread.
///
/// A named callable is referenced and must outlive the scope; a temporary one, such as the lambda above, is
/// kept inside the context, so it must be small and trivially copyable (capture by reference).
class ErrorContext {
 public:
  template <class Describe>
  requires std::is_invocable_r_v < std::string, const std::remove_reference_t<Describe>
  & > explicit ErrorContext(Describe&& describe)  // NOLINT(bugprone-forwarding-reference-overload): no copies
      : outer_(current()) {
    using Callable = std::remove_cvref_t<Describe>;
    describe_ = [](const void* object) -> std::string { return (*static_cast<const Callable*>(object))(); };
    if constexpr (std::is_lvalue_reference_v<Describe>) {
      object_ = std::addressof(describe);
    } else {
      static_assert(std::is_trivially_copyable_v<Callable> && sizeof(Callable) <= sizeof(storage_) &&
                        alignof(Callable) <= alignof(void*),
                    "name the callable, or let it capture by reference and less");
      object_ = ::new (static_cast<void*>(storage_)) Callable(describe);
    }
    current() = this;
  }
  ~ErrorContext() { current() = outer_; }
  ErrorContext(const ErrorContext&) = delete;
  ErrorContext& operator=(const ErrorContext&) = delete;

  /// The texts of all scopes that this thread is in, innermost first.
  static std::vector<std::string> collect();

 private:
  static ErrorContext*& current() noexcept;
  std::string (*describe_)(const void*);
  const void* object_;
  ErrorContext* outer_;
  alignas(void*) std::byte storage_[6 * sizeof(void*)];  // uninitialized unless a temporary is kept here
};

/// A format string that remembers where it was written, so that errors carry their call's location.
template <class... Args>
struct FormatWithLocation {
  template <class Text>
  consteval FormatWithLocation(const Text& text,  // NOLINT(google-explicit-constructor): implicit on purpose
                               std::source_location where = std::source_location::current())
      : format(text), location(where) {}
  fmt::format_string<Args...> format;
  std::source_location location;
};

/// Throws an Error with a formatted message: `fail(ErrorCode::io, "{}: cannot open", path)`.
template <class... Args>
[[noreturn]] void fail(ErrorCode code, FormatWithLocation<std::type_identity_t<Args>...> text,
                       Args&&... args) {
  throw Error(code, fmt::format(text.format, std::forward<Args>(args)...), {}, text.location);
}

/// Throws an Error with a formatted message and a suggestion.
template <class... Args>
[[noreturn]] void fail_with_suggestion(ErrorCode code, std::string suggestion,
                                       FormatWithLocation<std::type_identity_t<Args>...> text,
                                       Args&&... args) {
  throw Error(code, fmt::format(text.format, std::forward<Args>(args)...), std::move(suggestion),
              text.location);
}

}  // namespace rustorch

/// Throws Error(code, message) unless the condition holds. A macro because the message's arguments must not
/// be evaluated when the condition holds.
#define RUSTORCH_CHECK(condition, code, ...)                      \
  do {                                                            \
    if (!(condition)) [[unlikely]] {                              \
      ::rustorch::fail(::rustorch::ErrorCode::code, __VA_ARGS__); \
    }                                                             \
  } while (false)
