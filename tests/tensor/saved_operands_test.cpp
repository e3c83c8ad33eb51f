// What backward keeps of an operation's operands: only what a wanted gradient uses, as in PyTorch.
#include <gtest/gtest.h>

#include <rustorch/rustorch.h>

#include <string>

namespace rustorch {
namespace {

Tensor leaf() { return tensor({{1.f, 2.f}, {3.f, 4.f}}).requires_grad_(); }

TEST(SavedOperands, ViewScaledInPlaceByANumber) {
  const Tensor x = leaf();
  Tensor y = x * 1;
  y.slice(1, 1).mul_(10);
  y.sum().backward();
  EXPECT_TRUE(equal(x.grad(), tensor({{1.f, 10.f}, {1.f, 10.f}})));
}

/// The gradient of x where the operand of `operation` changes in place between it and backward.
template <class Operation>
Tensor gradient_through_changed_operand(Operation operation) {
  const Tensor x = leaf();
  Tensor y = x * 1;
  const Tensor result = operation(y);
  y.add_(1);
  result.sum().backward();
  return x.grad();
}

TEST(SavedOperands, OperandOfAConstantMayChange) {
  const auto times = [](const Tensor& y) { return y * full({2, 2}, 3.0); };
  const auto over = [](const Tensor& y) { return y / full({2, 2}, 4.0); };
  EXPECT_TRUE(equal(gradient_through_changed_operand(times), full({2, 2}, 3.0)));
  EXPECT_TRUE(equal(gradient_through_changed_operand(over), full({2, 2}, 0.25)));
}

TEST(SavedOperands, OperandThatOnlyOtherGradientsUseMayChange) {
  const Tensor other = full({2, 2}, 4.0);
  const auto product = [&](const Tensor& y) { return addcmul(other, y, other, 0.5); };
  const auto quotient = [&](const Tensor& y) { return addcdiv(other, y, other); };
  const auto start = [&](const Tensor& y) { return lerp(y, other, 0.25); };
  const auto end = [&](const Tensor& y) { return lerp(other, y, 0.25); };
  EXPECT_TRUE(equal(gradient_through_changed_operand(product), full({2, 2}, 2.0)));
  EXPECT_TRUE(equal(gradient_through_changed_operand(quotient), full({2, 2}, 0.25)));
  EXPECT_TRUE(equal(gradient_through_changed_operand(start), full({2, 2}, 0.75)));
  EXPECT_TRUE(equal(gradient_through_changed_operand(end), full({2, 2}, 0.25)));
  const auto divisor = [&](const Tensor& y) { return addcdiv(other, other, y); };
  const auto weight = [&](const Tensor& y) { return lerp(other, full({2, 2}, 6.0), y); };
  EXPECT_THROW(gradient_through_changed_operand(divisor), Error);
  EXPECT_TRUE(equal(gradient_through_changed_operand(weight), full({2, 2}, 2.0)));
}

TEST(SavedOperands, OperandThatAGradientUsesMayNot) {
  const Tensor x = leaf();
  Tensor y = x * 1;
  const Tensor product = y * full({2, 2}, 3.0).requires_grad_();
  y.add_(1);
  try {
    product.sum().backward();
    FAIL() << "backward went through a changed value";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("mul"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace rustorch
