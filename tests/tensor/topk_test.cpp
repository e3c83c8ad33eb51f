#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/random.h"
#include "rustorch/tensor/operations/sorting.h"

namespace rustorch::testing {
namespace {

/// Ties go to the earlier element, so the selection is the stable order's beginning, bit for bit.
void expect_as_sorted(const Tensor& x, std::int64_t k, bool largest) {
  const auto [values, indices] = topk(x, k, 1, largest, true);
  const auto [sorted, order] = sort(x, 1, largest, true);
  EXPECT_EQ(indices.to_vector<std::int64_t>(), order.slice(1, 0, k).to_vector<std::int64_t>())
      << x.shape().to_string() << " k " << k << (largest ? " largest" : " smallest");
  const std::vector<double> got = values.to_vector<double>(),
                            wanted = sorted.slice(1, 0, k).to_vector<double>();
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_TRUE(got[i] == wanted[i] || (std::isnan(got[i]) && std::isnan(wanted[i]))) << i;
}

TEST(Topk, IsTheBeginningOfTheStableOrder) {
  manual_seed(3);
  for (const DType dtype : {DType::float32, DType::float64, DType::int32}) {
    for (const std::int64_t n : {64, 100, 1000, 5000}) {
      const Tensor normal = randn({3, n});
      Tensor strange = normal.clone();
      strange.masked_fill_(normal > 1.5, std::numeric_limits<double>::quiet_NaN());
      strange.masked_fill_(normal < -1.5, -std::numeric_limits<double>::infinity());
      const Tensor few_values = (normal * 2).round();
      for (const Tensor& x : {normal * 1000, few_values, zeros({3, n}), strange}) {
        if (dtype == DType::int32 && x.is_same(strange)) continue;
        for (const std::int64_t k : {1, 3, 32, 600}) {
          if (k > n) continue;
          expect_as_sorted(x.to(dtype), k, true);
          expect_as_sorted(x.to(dtype), k, false);
        }
      }
    }
  }
}

TEST(Topk, WorksOnRowsThatAreNotAdjacent) {
  manual_seed(4);
  const Tensor x = randn({5000, 3}).t();
  expect_as_sorted(x, 32, true);
  expect_as_sorted(x, 32, false);
}

}  // namespace
}  // namespace rustorch::testing
