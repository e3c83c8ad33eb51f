#include "rustorch/tensor/operations/elementwise.h"
#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

/// Rows of the op table whose results do not depend on small changes of x, or are no numbers.
bool is_constant(std::string_view name) {
  for (const std::string_view one :
       {"bitwise_not", "logical_not", "isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit"}) {
    if (name == one) return true;
  }
  return false;
}

OpCases list() {
  OpCases cases;
#define RUSTORCH_UNARY(name, ...)                                                  \
  cases.push_back(OpCase(#name, [](const Tensor& x) { return rustorch::name(x); }) \
                      .in_place([](Tensor& x) { x.name##_(); })                    \
                      .also([](const Tensor& x) { return x.name(); })              \
                      .each_element());
#define RUSTORCH_BINARY(...)
#define RUSTORCH_OP(...)
#include "rustorch/compute/op_table/ops.def"
#undef RUSTORCH_OP
#undef RUSTORCH_UNARY
#undef RUSTORCH_BINARY
  for (OpCase& one : cases) {
    if (is_constant(one.name)) one.constant();
    if (one.name == "silu") one.without({complex64, complex128});
    if (one.name == "softsign") one.without({complex64, complex128});
    if (one.name == "digamma") one.precision(float32);      // PyTorch's trigamma has 10 digits
    if (one.name == "hardsigmoid") one.precision(float32);  // PyTorch multiplies gradients by 1.0f / 6
  }
  cases.push_back(OpCase("lgamma(wide)", [](const Tensor& x) { return lgamma(x); }));
  cases.push_back(OpCase("digamma(wide)", [](const Tensor& x) { return digamma(x); }).precision(float32));
  cases.push_back(OpCase("sinc(wide)", [](const Tensor& x) { return sinc(x); }));
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(unary, list);

}  // namespace rustorch::testing
