#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string_view>

#include "rustorch/error/error.h"

namespace rustorch::testing {

/// The Error that `work` throws; the test fails if it throws none.
template <class Work>
std::optional<Error> error_of(Work&& work) {
  try {
    static_cast<void>(work());
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return std::nullopt;
}

/// Expects that `work` throws an Error of this code, whose message and suggestion contain these texts.
template <class Work>
void expect_error(ErrorCode code, std::string_view message, std::string_view suggestion, Work&& work) {
  const std::optional<Error> error = error_of(work);
  if (!error) return;
  EXPECT_EQ(to_string(error->code()), to_string(code)) << error->what();
  EXPECT_NE(error->message().find(message), std::string::npos)
      << "in: " << error->what() << "\nwanted: " << message;
  EXPECT_NE(error->suggestion().find(suggestion), std::string::npos)
      << "in: " << error->what() << "\nwanted: " << suggestion;
}

template <class Work>
void expect_error(ErrorCode code, std::string_view message, Work&& work) {
  expect_error(code, message, "", work);
}

}  // namespace rustorch::testing
