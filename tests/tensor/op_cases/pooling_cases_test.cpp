#include "rustorch/tensor/operations/pooling.h"

#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

using T = const Tensor&;

template <class Max, class MaxIndices, class Average, class AdaptiveAverage, class AdaptiveMax>
void add_rank(OpCases& cases, int rank, Max max, MaxIndices max_indices, Average average,
              AdaptiveAverage adaptive_average, AdaptiveMax adaptive_max) {
  const auto add = [&](const char* name, const char* arguments, auto function) {
    cases.emplace_back(fmt::format(fmt::runtime(name), rank) + arguments, function);
  };
  const SpatialSizes kernel_size = {};  // as stride
  add("max_pool{}d", "(2)", [=](T x) { return max(x, 2, {}, 0, 1, false); });
  add("max_pool{}d", "(3, stride=2, padding=1)", [=](T x) { return max(x, 3, 2, 1, 1, false); });
  add("max_pool{}d", "(3, stride=2, padding=1, ceil)", [=](T x) { return max(x, 3, 2, 1, 1, true); });
  add("max_pool{}d", "(2, stride=1)", [=](T x) { return max(x, 2, 1, 0, 1, false); });
  add("max_pool{}d", "(2, stride=1, dilation=2)", [=](T x) { return max(x, 2, 1, 0, 2, false); });
  add("max_pool{}d_with_indices", "(2)", [=](T x) { return max_indices(x, 2, kernel_size, 0, 1, false); });
  add("max_pool{}d_with_indices", "(3, stride=2, padding=1, dilation=1, ceil)",
      [=](T x) { return max_indices(x, 3, 2, 1, 1, true); });
  add("avg_pool{}d", "(2)", [=](T x) { return average(x, 2, {}, 0, false, true); });
  add("avg_pool{}d", "(3, stride=2, padding=1)", [=](T x) { return average(x, 3, 2, 1, false, true); });
  add("avg_pool{}d", "(3, stride=2, padding=1, ceil)", [=](T x) { return average(x, 3, 2, 1, true, true); });
  add("avg_pool{}d", "(2, stride=1)", [=](T x) { return average(x, 2, 1, 0, false, true); });
  add("avg_pool{}d", "(3, stride=2, padding=1, not count_include_pad)",
      [=](T x) { return average(x, 3, 2, 1, false, false); });
  add("avg_pool{}d", "(3, stride=2, padding=1, ceil, not count_include_pad)",
      [=](T x) { return average(x, 3, 2, 1, true, false); });
  add("adaptive_avg_pool{}d", "(1)", [=](T x) { return adaptive_average(x, 1); });
  add("adaptive_avg_pool{}d", "(3)", [=](T x) { return adaptive_average(x, 3); });
  add("adaptive_max_pool{}d", "(1)", [=](T x) { return adaptive_max(x, 1); });
  add("adaptive_max_pool{}d", "(3)", [=](T x) { return adaptive_max(x, 3); });
}

using Sizes = SpatialSizes;

OpCases list() {
  OpCases cases;
  const auto average2 = [](T x, Sizes k, Sizes s, Sizes p, bool ceil, bool include) {
    return avg_pool2d(x, k, s, p, ceil, include);
  };
  const auto average3 = [](T x, Sizes k, Sizes s, Sizes p, bool ceil, bool include) {
    return avg_pool3d(x, k, s, p, ceil, include);
  };
  add_rank(cases, 1, max_pool1d, max_pool1d_with_indices, avg_pool1d, adaptive_avg_pool1d,
           adaptive_max_pool1d);
  add_rank(cases, 2, max_pool2d, max_pool2d_with_indices, average2, adaptive_avg_pool2d, adaptive_max_pool2d);
  add_rank(cases, 3, max_pool3d, max_pool3d_with_indices, average3, adaptive_avg_pool3d, adaptive_max_pool3d);
  cases.emplace_back("avg_pool2d(2, divisor_override=3)",
                     [](T x) { return avg_pool2d(x, 2, {}, 0, false, true, 3); });
  cases.emplace_back("avg_pool3d(2, divisor_override=3)",
                     [](T x) { return avg_pool3d(x, 2, {}, 0, false, true, 3); });
  cases.emplace_back("max_pool2d(2,3, stride=1,2, padding=1,0)", [](T x) {
    return max_pool2d(x, {2, 3}, {1, 2}, {1, 0});
  });
  cases.emplace_back("avg_pool2d(2,3, stride=1,2, padding=1,0)", [](T x) {
    return avg_pool2d(x, {2, 3}, {1, 2}, {1, 0});
  });
  cases.emplace_back("max_pool2d(2, large)", [](T x) { return max_pool2d(x, 2); });
  cases.emplace_back("adaptive_avg_pool2d(2,4)", [](T x) { return adaptive_avg_pool2d(x, {2, 4}); });
  cases.emplace_back("adaptive_max_pool2d(2,4)", [](T x) { return adaptive_max_pool2d(x, {2, 4}); });
  for (OpCase& one : cases) {
    if (one.name.find("max") != std::string::npos) one.exact();
  }
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(pooling, list);

}  // namespace rustorch::testing
