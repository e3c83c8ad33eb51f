#pragma once

#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

#include "rustorch/error/error.h"

namespace rustorch {

/// A value, or the Error that kept it from being made: the return type of the `try_` forms.
template <class T>
using Result = tl::expected<T, Error>;

/// Runs `work` and turns an Error that it throws into a Result; other exceptions pass through.
template <class Work>
auto capture_error(Work&& work) -> Result<decltype(work())> {
  try {
    if constexpr (std::is_void_v<decltype(work())>) {
      std::forward<Work>(work)();
      return {};
    } else {
      return std::forward<Work>(work)();
    }
  } catch (const Error& error) {
    return tl::make_unexpected(error);
  }
}

}  // namespace rustorch

/// Declares `name` from a Result, or returns the Result's Error from the enclosing function.
#define RUSTORCH_TRY(name, ...)                                            \
  auto name##_result = (__VA_ARGS__);                                      \
  if (!name##_result) return ::tl::make_unexpected(name##_result.error()); \
  auto name = std::move(*name##_result)
