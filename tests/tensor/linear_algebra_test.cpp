#include "rustorch/tensor/operations/linear_algebra.h"

#include <gtest/gtest.h>

#include "rustorch/autograd/autograd.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/shape.h"
#include "support/expect_error.h"
#include "support/oracle_cases.h"
#include "support/print.h"

namespace rustorch {
namespace {

using testing::expect_error;
using testing::OracleCases;
using Inputs = const TensorList&;

TEST(LinearAlgebra, ProductsEqualPyTorch) {
  const OracleCases cases("linear_algebra.txt");
  for (const char* ranks :
       {"1x1", "2x1", "1x2", "2x2", "3x1", "1x3", "3x2", "2x3", "3x3", "4x2", "4x1", "broadcast",
        "broadcast1", "empty_rows", "empty_inner", "empty_batch", "larger", "integers"}) {
    cases.check(fmt::format("matmul/{}", ranks), [](Inputs x) { return matmul(x[0], x[1]); });
  }
  cases.check("matmul/transposed", [](Inputs x) { return matmul(x[0].t(), x[1].t()); });
  cases.check("matmul/transposed_batch",
              [](Inputs x) { return matmul(x[0].transpose(1, 2), x[1].transpose(-1, -2)); });
  cases.check("matmul/permuted", [](Inputs x) { return x[0].permute({1, 0, 2}).matmul(x[1]); });
  cases.check("mm", [](Inputs x) { return mm(x[0], x[1]); });
  cases.check("bmm", [](Inputs x) { return bmm(x[0], x[1]); });
  cases.check("mv", [](Inputs x) { return mv(x[0], x[1]); });
  cases.check("dot", [](Inputs x) { return x[0].dot(x[1]); });
  cases.check("outer", [](Inputs x) { return x[0].outer(x[1]); });
  for (const char* form : {"plain", "matrix", "column", "empty_inner"}) {
    cases.check(fmt::format("addmm/{}", form), [](Inputs x) { return addmm(x[0], x[1], x[2]); });
  }
  cases.check("addmm/scaled", [](Inputs x) { return addmm(x[0], x[1], x[2], 0.5, -2); });
  cases.check("baddbmm/plain", [](Inputs x) { return baddbmm(x[0], x[1], x[2]); });
  cases.check("baddbmm/scaled", [](Inputs x) { return baddbmm(x[0], x[1], x[2], 2, 3); });
  for (const char* form : {"1", "2", "3", "empty"}) {
    cases.check(fmt::format("linear/{}", form), [](Inputs x) { return linear(x[0], x[1], x[2]); });
  }
  cases.check("linear/no_bias", [](Inputs x) { return linear(x[0], x[1]); });
  cases.check("linear/permuted", [](Inputs x) { return linear(x[0].permute({1, 0, 2}), x[1], x[2]); });
  cases.expect_all_used();
}

TEST(LinearAlgebra, LargeFloat32ProductsEqualFloat64) {
  // Sizes that no tile divides, so that every edge of the kernels is met.
  for (const std::int64_t n : {1, 7, 33, 130}) {
    const Tensor a = (arange(n * 67, {.dtype = float64}).reshape({n, 67}) * 0.37).sin();
    const Tensor b = (arange(67 * 51, {.dtype = float64}).reshape({67, 51}) * 0.73).sin();
    const Tensor exact = matmul(a, b);
    const Tensor error = (matmul(a.to(float32), b.to(float32)).to(float64) - exact).abs().amax();
    EXPECT_LT(error.item<double>(), 1e-4) << n;
    const Tensor naive = (a.unsqueeze(2) * b.unsqueeze(0)).sum(1);
    EXPECT_LT((naive - exact).abs().amax().item<double>(), 1e-12) << n;
  }
}

TEST(LinearAlgebra, OtherDtypes) {
  const Tensor a = tensor({{1, 2}, {3, 4}}), b = tensor({{5, 6}, {7, 8}});
  const std::vector<double> expected{19, 22, 43, 50};
  for (const DType dtype :
       {int8, int16, int32, int64, uint8, float16, bfloat16, float32, float64, complex64, complex128}) {
    const Tensor c = matmul(a.to(dtype), b.to(dtype));
    EXPECT_EQ(c.dtype(), dtype);
    EXPECT_EQ(c.to_vector<double>(), expected) << to_string(dtype);
  }
  using C = std::complex<double>;
  Tensor x = tensor(std::vector<C>{{1, 2}, {0, 1}}).reshape({1, 2}).requires_grad_();
  const Tensor y = tensor(std::vector<C>{{3, -1}, {2, 2}}).reshape({2, 1});
  const Tensor product = matmul(x, y);
  EXPECT_EQ(product.item<C>(), C(3, 7));
  product.backward(ones({1, 1}, {.dtype = complex128}));
  EXPECT_EQ(x.grad().to_vector<C>(), (std::vector<C>{C(3, 1), C(2, -2)}));  // the conjugate of y, as PyTorch
}

TEST(LinearAlgebra, StridedOperandsAreNotCopied) {
  Tensor w = ones({5, 4}).requires_grad_();
  const Tensor x = ones({3, 4});
  const Tensor y = matmul(x, w.t());
  y.sum().backward();  // a gradient whose strides are all 0
  EXPECT_EQ(w.grad().to_vector<float>(), std::vector<float>(20, 3.0F));
}

TEST(LinearAlgebra, ExpandedOperands) {
  const Tensor a = arange(12, {.dtype = float64}).reshape({3, 4});
  const Tensor batch = a.unsqueeze(0).expand({2, 3, 4});
  const Tensor b = arange(20, {.dtype = float64}).reshape({4, 5});
  const Tensor expected = matmul(a, b);
  const Tensor y = matmul(batch, b);
  EXPECT_EQ(y.shape(), (Shape{2, 3, 5}));
  EXPECT_TRUE(y.select(0, 1).equal(expected));
  EXPECT_TRUE(matmul(ones({3, 1}, {.dtype = float64}).expand({3, 4}), b).select(0, 2).equal(b.sum(0)));
}

TEST(LinearAlgebra, GradcheckOfSecondOrder) {
  const Tensor a = (arange(12, {.dtype = float64}).reshape({3, 4}) * 0.7).sin().requires_grad_();
  const Tensor b = (arange(20, {.dtype = float64}).reshape({4, 5}) * 0.3).cos().requires_grad_();
  EXPECT_TRUE(autograd::gradgradcheck([](Inputs x) { return matmul(x[0], x[1]).tanh(); }, {a, b}));
}

TEST(LinearAlgebra, OnlyWantedGradientsKeepOperands) {
  Tensor w = ones({4, 2}).requires_grad_();
  Tensor x = ones({3, 4});
  const Tensor y = matmul(x, w);
  w.detach().zero_();  // x's gradient is not wanted, so w was not saved
  y.sum().backward();
  EXPECT_EQ(w.grad().to_vector<float>(), std::vector<float>(8, 3.0F));
}

TEST(LinearAlgebra, WrongShapes) {
  expect_error(ErrorCode::shape_mismatch, "matmul: shapes [4, 3] and [4, 5]",
               "transpose the first operand: [3, 4] x [4, 5]", [] {
                 return matmul(zeros({4, 3}), zeros({4, 5}));
               });
  expect_error(ErrorCode::shape_mismatch, "matmul: shapes [4, 3] and [5, 3]",
               "transpose the second operand: [4, 3] x [3, 5]", [] {
                 return matmul(zeros({4, 3}), zeros({5, 3}));
               });
  expect_error(ErrorCode::shape_mismatch, "matmul", "with *", [] { return matmul(zeros({}), zeros({3})); });
  expect_error(ErrorCode::shape_mismatch, "matmul: the batch dims of shapes [2, 3, 4] and [3, 4, 5] do not",
               [] {
                 return matmul(zeros({2, 3, 4}), zeros({3, 4, 5}));
               });
  expect_error(ErrorCode::shape_mismatch, "mm: the first operand must have 2 dims", "matmul", [] {
    return mm(zeros({3}), zeros({3, 4}));
  });
  expect_error(ErrorCode::shape_mismatch, "bmm: batches of 2 and 1", [] {
    return bmm(zeros({2, 3, 4}), zeros({1, 4, 5}));
  });
  expect_error(ErrorCode::shape_mismatch, "addmm", [] {
    return addmm(zeros({7}), zeros({2, 3}), zeros({3, 4}));
  });
  expect_error(ErrorCode::shape_mismatch,
               "linear: the weight of shape [10, 36] takes 36 features, the input of shape "
               "[2, 4, 3, 3] has 3",
               "flatten(1)", [] {
                 return linear(zeros({2, 4, 3, 3}), zeros({10, 36}));
               });
  expect_error(ErrorCode::shape_mismatch, "linear: the bias of shape [9]", [] {
    return linear(zeros({2, 3}), zeros({4, 3}), zeros({9}));
  });

  const Result<Tensor> failed = try_matmul(zeros({4, 3}), zeros({4, 5}));
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), ErrorCode::shape_mismatch);
  EXPECT_EQ(try_matmul(ones({1, 2}), ones({2, 1}))->item<float>(), 2.0F);
}

TEST(LinearAlgebra, WrongDtypes) {
  expect_error(ErrorCode::dtype_mismatch, "matmul: operands of float32 and float64",
               "convert the first operand: .to(float64)", [] {
                 return matmul(zeros({2, 2}), zeros({2, 2}, {.dtype = float64}));
               });
  expect_error(ErrorCode::dtype_mismatch, "matmul is not defined for bool", ".to(", [] {
    return matmul(zeros({2, 2}, {.dtype = bool_}), zeros({2, 2}, {.dtype = bool_}));
  });
}

}  // namespace
}  // namespace rustorch
