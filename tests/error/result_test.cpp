#include "rustorch/error/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace rustorch {
namespace {

Result<int> parse_digit(char c) {
  return capture_error([&] {
    RUSTORCH_CHECK(c >= '0' && c <= '9', invalid_argument, "'{}' is no digit", c);
    return c - '0';
  });
}

Result<int> add_digits(char a, char b) {
  RUSTORCH_TRY(x, parse_digit(a));
  RUSTORCH_TRY(y, parse_digit(b));
  return x + y;
}

Result<std::unique_ptr<int>> box_digit(char c) {
  RUSTORCH_TRY(digit, parse_digit(c));
  return std::make_unique<int>(digit);
}

TEST(Result, HoldsAValueOrTheError) {
  EXPECT_EQ(parse_digit('7').value(), 7);
  const Result<int> failed = parse_digit('x');
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(failed.error().message(), "'x' is no digit");
}

TEST(Result, TryPassesErrorsOn) {
  EXPECT_EQ(add_digits('2', '3').value(), 5);
  EXPECT_EQ(add_digits('2', 'y').error().message(), "'y' is no digit");
}

TEST(Result, TryMovesTheValue) {
  const auto unbox = [](char c) -> Result<int> {
    RUSTORCH_TRY(box, box_digit(c));
    return *box;
  };
  EXPECT_EQ(unbox('4').value(), 4);
}

TEST(Result, OtherExceptionsPassThrough) {
  EXPECT_THROW(static_cast<void>(capture_error([]() -> int { throw std::logic_error("bug"); })),
               std::logic_error);
}

TEST(Result, WorkWithoutAValue) {
  EXPECT_TRUE(capture_error([] {}));
  EXPECT_FALSE(capture_error([] { fail(ErrorCode::io, "gone"); }));
}

}  // namespace
}  // namespace rustorch
