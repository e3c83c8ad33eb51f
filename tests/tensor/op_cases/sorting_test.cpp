#include "rustorch/tensor/operations/sorting.h"

#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

OpCases list() {
  OpCases cases;
  for (const std::int64_t dim : {-1, 0, 1}) {
    for (const bool descending : {false, true}) {
      const std::string suffix = fmt::format("(dim={}{})", dim, descending ? ", descending" : "");
      cases.push_back(OpCase("sort" + suffix, [=](const Tensor& x) {
                        return sort(x, dim, descending);
                      }).also([=](const Tensor& x) { return x.sort(dim, descending); }));
      cases.push_back(OpCase("argsort" + suffix, [=](const Tensor& x) {
                        return argsort(x, dim, descending);
                      }).also([=](const Tensor& x) {
                          return x.argsort(dim, descending);
                        }).constant());
    }
  }
  cases.push_back(OpCase("sort(stable)", [](const Tensor& x) { return sort(x, -1, false, true); }));
  cases.push_back(
      OpCase("sort(stable, descending)", [](const Tensor& x) { return sort(x, -1, true, true); }));
  cases.push_back(
      OpCase("argsort(stable)", [](const Tensor& x) { return argsort(x, -1, false, true); }).constant());
  cases.push_back(OpCase("msort", [](const Tensor& x) { return msort(x); }));
  for (const auto& [dim, largest] :
       {std::pair(-1, true), std::pair(-1, false), std::pair(0, true), std::pair(1, false)}) {
    cases.push_back(
        OpCase(fmt::format("topk(2, dim={}{})", dim, largest ? "" : ", smallest"),
               [dim = dim, largest = largest](const Tensor& x) { return topk(x, 2, dim, largest); })
            .also([dim = dim, largest = largest](const Tensor& x) { return x.topk(2, dim, largest); }));
  }
  cases.push_back(OpCase("topk(0)", [](const Tensor& x) { return topk(x, 0); }));
  for (OpCase& one : cases) one.exact();
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(sorting, list);

}  // namespace rustorch::testing
