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

TEST(SavedOperands, OperandOfAConstantMayChange) {
  const Tensor x = leaf();
  Tensor y = x * 1;
  const Tensor product = y * full({2, 2}, 3.0);
  y.add_(1);
  product.sum().backward();
  EXPECT_TRUE(equal(x.grad(), full({2, 2}, 3.0)));
}

TEST(SavedOperands, NumeratorOfAConstantMayChange) {
  const Tensor x = leaf();
  Tensor y = x * 1;
  const Tensor quotient = y / full({2, 2}, 4.0);
  y.add_(1);
  quotient.sum().backward();
  EXPECT_TRUE(equal(x.grad(), full({2, 2}, 0.25)));
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
