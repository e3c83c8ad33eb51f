#include "rustorch/tensor/operations/linear_algebra.h"
#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

OpCases list() {
  using T = const Tensor&;
  OpCases cases;
  const auto add = [&](const char* name, Tensor (*function)(T, T), Tensor (*method)(T, T)) {
    cases.emplace_back(name, function);
    cases.back().also(method);
  };
  add(
      "matmul", [](T a, T b) { return matmul(a, b); }, [](T a, T b) { return a.matmul(b); });
  add(
      "mm", [](T a, T b) { return mm(a, b); }, [](T a, T b) { return a.mm(b); });
  add(
      "bmm", [](T a, T b) { return bmm(a, b); }, [](T a, T b) { return a.bmm(b); });
  add(
      "mv", [](T a, T b) { return mv(a, b); }, [](T a, T b) { return a.mv(b); });
  add(
      "dot", [](T a, T b) { return dot(a, b); }, [](T a, T b) { return a.dot(b); });
  add(
      "outer", [](T a, T b) { return outer(a, b); }, [](T a, T b) { return a.outer(b); });
  cases.emplace_back("addmm", [](T x, T a, T b) { return addmm(x, a, b); });
  cases.emplace_back("addmm(beta=2, alpha=-3)", [](T x, T a, T b) { return addmm(x, a, b, 2, -3); });
  cases.emplace_back("addmm(beta=0)", [](T x, T a, T b) { return addmm(x, a, b, 0); });
  cases.emplace_back("addmm_activation", [](T x, T a, T b) { return addmm_activation(x, a, b); });
  cases.emplace_back("addmm_activation(use_gelu)",
                     [](T x, T a, T b) { return addmm_activation(x, a, b, 1, 1, true); });
  cases.emplace_back("addmm_activation(beta=2, alpha=-3)",
                     [](T x, T a, T b) { return addmm_activation(x, a, b, 2, -3); });
  cases.emplace_back("baddbmm", [](T x, T a, T b) { return baddbmm(x, a, b); });
  cases.emplace_back("baddbmm(beta=0.5, alpha=2)", [](T x, T a, T b) { return baddbmm(x, a, b, 0.5, 2); });
  cases.emplace_back("linear", [](T x, T w) { return linear(x, w); });
  cases.emplace_back("linear(bias)", [](T x, T w, T b) { return linear(x, w, b); });
  cases.emplace_back("linear_relu", [](T x, T w, T b) { return linear_relu(x, w, b); });
  cases.emplace_back("linear_gelu", [](T x, T w, T b) { return linear_gelu(x, w, b); });
  cases.emplace_back("linear_gelu(tanh)", [](T x, T w, T b) { return linear_gelu(x, w, b, "tanh"); });
  for (OpCase& one : cases) one.loosen(8);  // sums of up to 2000 products
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(products, list);

}  // namespace rustorch::testing
