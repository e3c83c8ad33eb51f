#include "rustorch/tensor/operations/creation.h"

#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

OpCases list() {
  using Complex = std::complex<float>;
  OpCases cases;
  const auto add = [&](const char* name, Tensor (*function)()) {
    cases.emplace_back(name, [function](const TensorList&) { return function(); });
  };
  add("zeros(2, 3)", [] { return zeros({2, 3}); });
  add("zeros()", [] { return zeros({}); });
  add("ones(2, 3; int32)", [] { return ones({2, 3}, {.dtype = int32}); });
  add("ones(0, 2)", [] { return ones({0, 2}); });
  add("full(2, 3; 2.5)", [] { return full({2, 3}, 2.5); });
  add("full(2; 7)", [] { return full({2}, 7); });
  add("full(2; true)", [] { return full({2}, true); });
  add("full(2; 1+2j)", [] { return full({2}, Complex(1, 2)); });
  add("full(2; 3, float16)", [] { return full({2}, 3, {.dtype = float16}); });
  add("eye(3)", [] { return eye(3); });
  add("eye(2, 4; int64)", [] { return eye(2, 4, {.dtype = int64}); });
  add("eye(4, 2; bool)", [] { return eye(4, 2, {.dtype = bool_}); });
  add("arange(5)", [] { return arange(5); });
  add("arange(2, 11, 3)", [] { return arange(2, 11, 3); });
  add("arange(5, 0, -2)", [] { return arange(5, 0, -2); });
  add("arange(0, 1, 0.1)", [] { return arange(0, 1, 0.1); });
  add("arange(2.5)", [] { return arange(2.5); });
  add("arange(1, 2, 0.25; float64)", [] { return arange(1, 2, 0.25, {.dtype = float64}); });
  add("arange(0)", [] { return arange(0); });
  add("arange(5; bfloat16)", [] { return arange(5, {.dtype = bfloat16}); });
  add("arange(0, 100, 1; float32)", [] { return arange(0, 100, 1, {.dtype = float32}); });
  add("arange(0, 5, 2; int32)", [] { return arange(0, 5, 2, {.dtype = int32}); });
  add("linspace(0, 1, 5)", [] { return linspace(0, 1, 5); });
  add("linspace(-3, 10, 7)", [] { return linspace(-3, 10, 7); });
  add("linspace(3, -2.5, 50; float64)", [] { return linspace(3, -2.5, 50, {.dtype = float64}); });
  add("linspace(0, 1, 1)", [] { return linspace(0, 1, 1); });
  add("linspace(0, 1, 0)", [] { return linspace(0, 1, 0); });
  add("linspace(0, 10, 4; int64)", [] { return linspace(0, 10, 4, {.dtype = int64}); });
  add("linspace(0, 1, 9; float16)", [] { return linspace(0, 1, 9, {.dtype = float16}); });
  add("linspace(0, 1j, 3)", [] { return linspace(0, Complex(1, 1), 3); });
  add("logspace(-2, 2, 5)", [] { return logspace(-2, 2, 5); });
  add("logspace(0, 3, 4; base 2)", [] { return logspace(0, 3, 4, 2); });
  add("logspace(0.1, 1, 10; float64)", [] { return logspace(0.1, 1, 10, 10, {.dtype = float64}); });
  add("scalar_tensor(2.5)", [] { return scalar_tensor(2.5); });
  add("tensor(nested)", [] { return tensor({{1.f, 2.f}, {3.f, 4.5f}}); });
  add("tensor(integers)", [] { return tensor({{{1}, {2}}, {{3}, {4}}}); });
  add("tensor(bools)", [] { return tensor({true, false}); });
  add("tensor(mixed)", [] { return tensor({1, 2.5}); });
  add("tensor(empty)", [] { return tensor({}); });
  add("tensor(complex)", [] { return tensor({Complex(1, 2), 3.f}); });
  cases.emplace_back("zeros_like", [](const Tensor& x) { return zeros_like(x); });
  cases.emplace_back("ones_like", [](const Tensor& x) { return ones_like(x); });
  cases.emplace_back("full_like(2)", [](const Tensor& x) { return full_like(x, 2); });
  cases.emplace_back("zeros_like(int32)", [](const Tensor& x) { return zeros_like(x, {.dtype = int32}); });
  cases.emplace_back("full_like(2.5, float64)",
                     [](const Tensor& x) { return full_like(x, 2.5, {.dtype = float64}); });
  for (OpCase& one : cases) one.constant();
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(creation, list);

}  // namespace rustorch::testing
