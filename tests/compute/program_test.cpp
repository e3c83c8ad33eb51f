#include "rustorch/compute/program.h"

#include <gtest/gtest.h>

#include "rustorch/error/error.h"

namespace rustorch {
namespace {

TEST(Program, BuildsRegistersInOrder) {
  Program program;
  const auto x = program.input(bfloat16);
  const auto y = program.input(float32);
  const auto scale = program.scalar(2.5, float32);
  const auto sum = program.apply(Op::add, x, y);
  const auto product = program.apply(Op::mul, sum, scale);
  const auto wide = program.cast(product, float64);
  program.output(wide, float64);
  program.output(sum, float16);

  EXPECT_EQ(program.instructions().size(), 6u);
  EXPECT_EQ(program.instructions()[x].dtype, float32);
  EXPECT_EQ(program.input_dtypes()[0], bfloat16);
  EXPECT_EQ(program.scalars()[0].to<double>(), 2.5);
  EXPECT_EQ(program.outputs()[1].value, sum);
  EXPECT_EQ(program.to_string(),
            "%0 = input.float32 0 as bfloat16\n"
            "%1 = input.float32 1 as float32\n"
            "%2 = scalar.float32 0\n"
            "%3 = add.float32 %0 %1\n"
            "%4 = mul.float32 %3 %2\n"
            "%5 = cast.float64 %4\n"
            "output %5 as float64\n"
            "output %3 as float16\n");

  program.set_scalar(0, 4);
  EXPECT_EQ(program.scalars()[0].to<double>(), 4.0);
}

/// The message of the Error that `f` throws.
template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.message();
  }
  return "no error";
}

TEST(Program, RefusesWhatTheTableLacks) {
  Program program;
  const auto x = program.input(float32);
  const auto z = program.input(complex64);
  EXPECT_EQ(message_of([&] { program.apply(Op::bitwise_not, x); }), "bitwise_not is not defined for float32");
  EXPECT_EQ(message_of([&] { program.apply(Op::floor, z); }), "floor is not defined for complex64");
  EXPECT_EQ(message_of([&] { program.apply(Op::add, x); }), "add takes 2 operands, not 1");
  EXPECT_EQ(message_of([&] { program.apply(Op::add, x, z); }),
            "add in a program got operands of float32 and complex64");
}

TEST(Program, HasLimits) {
  Program program;
  const auto x = program.input(float32);
  for (std::size_t i = 1; i < Program::max_instructions; ++i) program.apply(Op::neg, x);
  EXPECT_THROW(program.apply(Op::neg, x), Error);

  Program inputs;
  for (std::size_t i = 0; i < Program::max_inputs; ++i) inputs.input(float32);
  EXPECT_THROW(inputs.input(float32), Error);

  Program outputs;
  const auto value = outputs.input(float32);
  for (std::size_t i = 0; i < Program::max_outputs; ++i) outputs.output(value, float32);
  EXPECT_THROW(outputs.output(value, float32), Error);

  Program scalars;
  for (std::size_t i = 0; i < Program::max_scalars; ++i) scalars.scalar(1, float32);
  EXPECT_THROW(scalars.scalar(1, float32), Error);
}

}  // namespace
}  // namespace rustorch
