#include "rustorch/tensor/operations/normalization.h"

#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

using T = const Tensor&;

/// The result, and the running statistics afterwards.
TensorList trained(const TensorList& in, double momentum = 0.1, double eps = 1e-5) {
  const Tensor mean = in[1].detach().clone(), variance = in[2].detach().clone();
  const bool affine = in.size() > 3;
  const Tensor y = batch_norm(in[0], mean, variance, affine ? in[3] : Tensor(), affine ? in[4] : Tensor(),
                              true, momentum, eps);
  return {y, mean, variance};
}

void add_softmax(OpCases& cases, const std::string& name, Tensor (*f)(T, std::int64_t, std::optional<DType>),
                 Tensor (*method)(T, std::int64_t)) {
  for (const std::int64_t dim : {0, 1, -1}) {
    cases.push_back(OpCase(fmt::format("{}(dim={})", name, dim), [=](T x) {
                      return f(x, dim, {});
                    }).also([=](T x) { return method(x, dim); }));
  }
  cases.emplace_back(name + "(dim=0, scalar)", [=](T x) { return f(x, 0, {}); });
  cases.emplace_back(name + "(dim=1, dtype=float64)", [=](T x) { return f(x, 1, float64); });
}

OpCases list() {
  using L = const TensorList&;
  OpCases cases;
  cases.emplace_back("batch_norm",
                     [](L in) { return batch_norm(in[0], in[1].detach(), in[2].detach(), in[3], in[4]); });
  cases.emplace_back("batch_norm(no weight)",
                     [](T x, T mean, T variance) { return batch_norm(x, mean.detach(), variance.detach()); });
  cases.emplace_back("batch_norm(training)", [](L in) { return trained(in); });
  cases.emplace_back("batch_norm(training, no weight)", [](L in) { return trained(in); });
  cases.emplace_back("batch_norm(training, momentum=0.3, eps=0.01)",
                     [](L in) { return trained(in, 0.3, 0.01); });
  cases.emplace_back("batch_norm(training, no statistics)",
                     [](T x, T weight, T bias) { return batch_norm(x, {}, {}, weight, bias, true); });
  cases.emplace_back("layer_norm(4)", [](T x) { return layer_norm(x, {4}); });
  cases.emplace_back("layer_norm(4, weight, bias)", [](T x, T w, T b) { return layer_norm(x, {4}, w, b); });
  cases.emplace_back("layer_norm(4, weight)", [](T x, T w) { return layer_norm(x, {4}, w); });
  cases.emplace_back("layer_norm(3,4, weight, bias, eps=0.1)", [](T x, T w, T b) {
    return layer_norm(x, {3, 4}, w, b, 0.1);
  });
  cases.emplace_back("layer_norm(130)", [](T x, T w, T b) { return layer_norm(x, {130}, w, b); });
  cases.emplace_back("group_norm(2)", [](T x) { return group_norm(x, 2); });
  cases.emplace_back("group_norm(2, weight, bias)", [](T x, T w, T b) { return group_norm(x, 2, w, b); });
  cases.emplace_back("group_norm(1, weight, bias, eps=0.1)",
                     [](T x, T w, T b) { return group_norm(x, 1, w, b, 0.1); });
  add_softmax(cases, "softmax", softmax, [](T x, std::int64_t dim) { return x.softmax(dim); });
  add_softmax(cases, "log_softmax", log_softmax, [](T x, std::int64_t dim) { return x.log_softmax(dim); });
  for (OpCase& one : cases) one.loosen(3);  // PyTorch rounds each step in the 16-bit types
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(normalization, list);

}  // namespace rustorch::testing
