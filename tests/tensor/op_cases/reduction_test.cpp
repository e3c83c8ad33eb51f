#include "rustorch/tensor/operations/reduction.h"

#include <limits>

#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

/// The forms of a reduction: over everything, one dim, several dims, with keepdim.
template <class Function>
void add_forms(OpCases& cases, const std::string& name, Function f, bool everything = true,
               bool several = true) {
  if (everything) cases.push_back(OpCase(name, [f](const Tensor& x) { return f(x, Dims(), false); }));
  cases.push_back(OpCase(name + "(dim=1)", [f](const Tensor& x) { return f(x, Dims(1), false); }));
  cases.push_back(OpCase(name + "(dim=-1, keepdim)", [f](const Tensor& x) { return f(x, Dims(-1), true); }));
  cases.push_back(OpCase(name + "(dim=0)", [f](const Tensor& x) { return f(x, Dims(0), false); }));
  if (!several) return;
  cases.push_back(OpCase(name + "(dim=0,2)", [f](const Tensor& x) { return f(x, Dims{0, 2}, false); }));
  cases.push_back(OpCase(name + "(dim=-1,0, keepdim)", [f](const Tensor& x) {
    return f(x, Dims{-1, 0}, true);
  }));
}

/// The same for functions that take one optional dim.
template <class Function>
void add_single_forms(OpCases& cases, const std::string& name, Function f) {
  add_forms(
      cases, name,
      [f](const Tensor& x, const Dims& dims, bool keepdim) {
        return f(x, dims.all() ? std::nullopt : std::optional<std::int64_t>(dims.list()[0]), keepdim);
      },
      true, false);
}

using OptionalDim = std::optional<std::int64_t>;

void add_sums(OpCases& cases) {
  add_forms(cases, "sum", [](const Tensor& x, const Dims& d, bool k) { return sum(x, d, k); });
  add_forms(cases, "mean", [](const Tensor& x, const Dims& d, bool k) { return mean(x, d, k); });
  cases.push_back(OpCase("sum(dtype=float64)", [](const Tensor& x) { return sum(x, {}, false, float64); }));
  cases.push_back(OpCase("sum(dim=1, dtype=float32)", [](const Tensor& x) {
                    return sum(x, 1, false, float32);
                  }).without_gradcheck());
  cases.push_back(
      OpCase("sum(dim=0, dtype=int64)", [](const Tensor& x) { return sum(x, 0, false, int64); }).constant());
  cases.push_back(OpCase("mean(dtype=float64)", [](const Tensor& x) { return mean(x, {}, false, float64); }));
  cases.push_back(OpCase("mean(dim=1, dtype=float32)", [](const Tensor& x) {
                    return mean(x, 1, false, float32);
                  }).without_gradcheck());
  add_single_forms(cases, "prod", [](const Tensor& x, OptionalDim d, bool k) { return prod(x, d, k); });
  cases.push_back(OpCase("prod(dtype=float64)", [](const Tensor& x) { return prod(x, {}, false, float64); }));
  cases.push_back(OpCase("prod(zeros)", [](const Tensor& x) { return prod(x); }));
  cases.push_back(OpCase("prod(dim=1, zeros)", [](const Tensor& x) { return prod(x, 1); }));
  add_forms(cases, "nansum", [](const Tensor& x, const Dims& d, bool k) { return nansum(x, d, k); });
  add_forms(cases, "nanmean", [](const Tensor& x, const Dims& d, bool k) { return nanmean(x, d, k); });
  cases.push_back(OpCase("nansum(some nan)", [](const Tensor& x) { return nansum(x); }));
  cases.push_back(OpCase("nansum(dim=1, some nan)", [](const Tensor& x) { return nansum(x, 1); }));
  cases.push_back(OpCase("nanmean(dim=1, some nan)", [](const Tensor& x) { return nanmean(x, 1); }));
  cases.push_back(OpCase("count_nonzero", [](const Tensor& x) { return count_nonzero(x); }).constant());
  cases.push_back(
      OpCase("count_nonzero(dim=1)", [](const Tensor& x) { return count_nonzero(x, 1); }).constant());
  cases.push_back(OpCase("count_nonzero(dim=0,2)", [](const Tensor& x) {
                    return count_nonzero(x, {0, 2});
                  }).constant());
  cases.push_back(OpCase("sum_to_shape([1, 3, 1])", [](const Tensor& x) {
    return sum_to_shape(x, {1, 3, 1});
  }));
  cases.push_back(OpCase("sum_to_shape([3, 1])", [](const Tensor& x) { return sum_to_shape(x, {3, 1}); }));
  cases.push_back(OpCase("sum_to_shape([])", [](const Tensor& x) { return sum_to_shape(x, {}); }));
}

void add_extremes(OpCases& cases) {
  cases.push_back(OpCase("max", [](const Tensor& x) {
                    return max(x);
                  }).also([](const Tensor& x) {
                      return x.max();
                    }).exact());
  cases.push_back(OpCase("min", [](const Tensor& x) {
                    return min(x);
                  }).also([](const Tensor& x) {
                      return x.min();
                    }).exact());
  const std::size_t first = cases.size();
  add_forms(
      cases, "max", [](const Tensor& x, const Dims& d, bool k) { return max(x, d.list()[0], k); }, false,
      false);
  add_forms(
      cases, "min", [](const Tensor& x, const Dims& d, bool k) { return min(x, d.list()[0], k); }, false,
      false);
  add_forms(cases, "amax", [](const Tensor& x, const Dims& d, bool k) { return amax(x, d, k); });
  add_forms(cases, "amin", [](const Tensor& x, const Dims& d, bool k) { return amin(x, d, k); });
  for (std::size_t i = first; i < cases.size(); ++i) cases[i].exact();
  const std::size_t arguments =
      cases.size();  // PyTorch has no gradient of aminmax; ours is tested by amin and amax
  add_single_forms(cases, "aminmax", [](const Tensor& x, OptionalDim d, bool k) { return aminmax(x, d, k); });
  add_single_forms(cases, "argmax", [](const Tensor& x, OptionalDim d, bool k) { return argmax(x, d, k); });
  add_single_forms(cases, "argmin", [](const Tensor& x, OptionalDim d, bool k) { return argmin(x, d, k); });
  for (std::size_t i = arguments; i < cases.size(); ++i) cases[i].constant();
}

void add_moments(OpCases& cases) {
  add_forms(cases, "var", [](const Tensor& x, const Dims& d, bool k) { return var(x, d, 1, k); });
  add_forms(cases, "std", [](const Tensor& x, const Dims& d, bool k) { return std(x, d, 1, k); });
  add_forms(cases, "var_mean", [](const Tensor& x, const Dims& d, bool k) { return var_mean(x, d, 1, k); });
  add_forms(cases, "std_mean", [](const Tensor& x, const Dims& d, bool k) { return std_mean(x, d, 1, k); });
  cases.push_back(OpCase("var(dim=1, correction=0)", [](const Tensor& x) { return var(x, 1, 0); }));
  cases.push_back(OpCase("std(dim=1, correction=0)", [](const Tensor& x) { return std(x, 1, 0); }));
  cases.push_back(OpCase("var_mean(dim=1, correction=0)", [](const Tensor& x) { return var_mean(x, 1, 0); }));
  cases.push_back(OpCase("std_mean(dim=1, correction=0)", [](const Tensor& x) { return std_mean(x, 1, 0); }));
  cases.push_back(OpCase("var(dim=0,2, correction=2.5, keepdim)", [](const Tensor& x) {
    return var(x, {0, 2}, 2.5, true);
  }));
  cases.push_back(OpCase("std(dim=0,2, correction=2.5, keepdim)", [](const Tensor& x) {
    return std(x, {0, 2}, 2.5, true);
  }));
  add_forms(
      cases, "logsumexp", [](const Tensor& x, const Dims& d, bool k) { return logsumexp(x, d, k); }, false);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const double p : {2.0, 1.0, 0.0, infinity, -infinity, 3.0, 0.5, -1.0}) {
    const bool several = p == 2 || p == 3;
    add_forms(
        cases, fmt::format("norm(p={:g})", p),
        [p](const Tensor& x, const Dims& d, bool k) { return norm(x, p, d, k); }, true, several);
  }
  for (OpCase& one : cases) {
    if (one.operation() == "logsumexp") one.without({complex64, complex128});
    if (one.operation() == "norm") one.loosen(4);
    if (one.name.find("norm(p=0)") == 0) one.without_gradcheck();  // PyTorch has none
  }
}

void add_truths(OpCases& cases) {
  const std::size_t first = cases.size();
  add_single_forms(cases, "all",
                   [](const Tensor& x, OptionalDim d, bool k) { return d ? all(x, *d, k) : all(x); });
  add_single_forms(cases, "any",
                   [](const Tensor& x, OptionalDim d, bool k) { return d ? any(x, *d, k) : any(x); });
  for (std::size_t i = first; i < cases.size(); ++i) cases[i].constant();
}

OpCases list() {
  OpCases cases;
  add_sums(cases);
  add_extremes(cases);
  add_moments(cases);
  add_truths(cases);
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(reduction, list);

}  // namespace rustorch::testing
