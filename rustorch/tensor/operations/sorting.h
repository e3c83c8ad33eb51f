#pragma once

#include <tuple>

#include "rustorch/tensor/tensor.h"

namespace rustorch {

/// Sorted values and the int64 indices they came from; NaN counts as largest.
std::tuple<Tensor, Tensor> sort(const Tensor& x, std::int64_t dim = -1, bool descending = false,
                                bool stable = false);
Tensor argsort(const Tensor& x, std::int64_t dim = -1, bool descending = false, bool stable = false);
Tensor msort(const Tensor& x);
/// The k largest (or smallest) along dim.
std::tuple<Tensor, Tensor> topk(const Tensor& x, std::int64_t k, std::int64_t dim = -1, bool largest = true,
                                bool sorted = true);

}  // namespace rustorch
