#include "rustorch/tensor/operations/elementwise.h"
#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

OpCases list() {
  OpCases cases;
  const auto add_case = [&](const char* name, Tensor (*function)(const Tensor&)) {
    cases.push_back(OpCase(name, function).each_element());
  };
  add_case("leaky_relu", [](const Tensor& x) { return leaky_relu(x); });
  add_case("leaky_relu(0.2)", [](const Tensor& x) { return leaky_relu(x, 0.2); });
  add_case("leaky_relu(-0.5)", [](const Tensor& x) { return leaky_relu(x, -0.5); });
  add_case("elu", [](const Tensor& x) { return elu(x); });
  add_case("elu(0.7)", [](const Tensor& x) { return elu(x, 0.7); });
  add_case("selu", [](const Tensor& x) { return selu(x); });
  add_case("celu", [](const Tensor& x) { return celu(x); });
  add_case("celu(0.7)", [](const Tensor& x) { return celu(x, 0.7); });
  add_case("gelu", [](const Tensor& x) { return gelu(x); });
  add_case("gelu(tanh)", [](const Tensor& x) { return gelu(x, "tanh"); });
  add_case("softplus", [](const Tensor& x) { return softplus(x); });
  add_case("softplus(2, 3)", [](const Tensor& x) { return softplus(x, 2, 3); });
  add_case("softshrink", [](const Tensor& x) { return softshrink(x); });
  add_case("softshrink(1.2)", [](const Tensor& x) { return softshrink(x, 1.2); });
  add_case("hardshrink", [](const Tensor& x) { return hardshrink(x); });
  add_case("hardshrink(1.2)", [](const Tensor& x) { return hardshrink(x, 1.2); });
  add_case("hardtanh", [](const Tensor& x) { return hardtanh(x); });
  add_case("hardtanh(-2, 0.5)", [](const Tensor& x) { return hardtanh(x, -2, 0.5); });
  add_case("threshold(0.5, -4)", [](const Tensor& x) { return threshold(x, 0.5, -4); });
  cases.push_back(OpCase("prelu", [](const Tensor& x, const Tensor& weight) { return prelu(x, weight); }));
  cases.push_back(OpCase("glu", [](const Tensor& x) { return glu(x); }));
  cases.push_back(OpCase("glu(1)", [](const Tensor& x) { return glu(x, 1); }));
  for (OpCase& one : cases) {
    if (one.operation() == "softshrink") one.any_zero();
    if (one.name == "celu(0.7)") one.precision(float32);  // PyTorch's gradient takes 1 / alpha in float32
  }
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(activation, list);

}  // namespace rustorch::testing
