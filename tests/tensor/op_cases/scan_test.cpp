#include "rustorch/tensor/operations/reduction.h"
#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

OpCases list() {
  OpCases cases;
  for (const std::int64_t dim : {0, 1, -1}) {
    const std::string suffix = fmt::format("(dim={})", dim);
    cases.push_back(OpCase("cumsum" + suffix, [dim](const Tensor& x) {
                      return cumsum(x, dim);
                    }).also([dim](const Tensor& x) { return x.cumsum(dim); }));
    cases.push_back(OpCase("cumprod" + suffix, [dim](const Tensor& x) {
                      return cumprod(x, dim);
                    }).also([dim](const Tensor& x) {
                        return x.cumprod(dim);
                      }).loosen_gradient(8));  // differences of sums, divided by x
    cases.push_back(OpCase("logcumsumexp" + suffix, [dim](const Tensor& x) {
                      return logcumsumexp(x, dim);
                    }).also([dim](const Tensor& x) { return x.logcumsumexp(dim); }));
    cases.push_back(OpCase("cummax" + suffix, [dim](const Tensor& x) {
                      return cummax(x, dim);
                    }).also([dim](const Tensor& x) {
                        return x.cummax(dim);
                      }).exact());
    cases.push_back(OpCase("cummin" + suffix, [dim](const Tensor& x) {
                      return cummin(x, dim);
                    }).also([dim](const Tensor& x) {
                        return x.cummin(dim);
                      }).exact());
  }
  cases.push_back(
      OpCase("cumsum(dim=1, dtype=float64)", [](const Tensor& x) { return cumsum(x, 1, float64); }));
  cases.push_back(
      OpCase("cumprod(dim=1, dtype=float64)", [](const Tensor& x) { return cumprod(x, 1, float64); }));
  cases.push_back(OpCase("cumprod(dim=1, zeros)", [](const Tensor& x) { return cumprod(x, 1); }));
  for (OpCase& one : cases) {
    if (one.operation() == "logcumsumexp") one.without({complex64, complex128});
  }
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(scan, list);

}  // namespace rustorch::testing
