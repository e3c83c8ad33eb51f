#pragma once

#include <tuple>

#include "rustorch/tensor/operand.h"

namespace rustorch {

// Reductions over all dims (the default), one or several, with keepdim; dtypes and NaN as in PyTorch: sums
// and products of integers and bool are int64, means need floating point, max and min propagate NaN.

Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
Tensor prod(const Tensor& x, std::optional<std::int64_t> dim = {}, bool keepdim = false,
            std::optional<DType> dtype = {});
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
/// Values and int64 indices along dim.
std::tuple<Tensor, Tensor> max(const Tensor& x, std::int64_t dim, bool keepdim = false);
std::tuple<Tensor, Tensor> min(const Tensor& x, std::int64_t dim, bool keepdim = false);
/// The gradient is shared evenly among equal extremes.
Tensor amax(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
std::tuple<Tensor, Tensor> aminmax(const Tensor& x, std::optional<std::int64_t> dim = {},
                                   bool keepdim = false);
Tensor argmax(const Tensor& x, std::optional<std::int64_t> dim = {}, bool keepdim = false);
Tensor argmin(const Tensor& x, std::optional<std::int64_t> dim = {}, bool keepdim = false);
/// Σ (x - mean)² / (n - correction).
Tensor var(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
Tensor std(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
std::tuple<Tensor, Tensor> var_mean(const Tensor& x, const Dims& dims = {}, double correction = 1,
                                    bool keepdim = false);
std::tuple<Tensor, Tensor> std_mean(const Tensor& x, const Dims& dims = {}, double correction = 1,
                                    bool keepdim = false);
Tensor all(const Tensor& x);
Tensor all(const Tensor& x, std::int64_t dim, bool keepdim = false);
Tensor any(const Tensor& x);
Tensor any(const Tensor& x, std::int64_t dim, bool keepdim = false);
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim = false);
/// The vector norm of order p (any real, inf, -inf, 0) over dims.
Tensor norm(const Tensor& x, const Scalar& p = 2, const Dims& dims = {}, bool keepdim = false);
Tensor nansum(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor nanmean(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor count_nonzero(const Tensor& x, const Dims& dims = {});
Tensor cumsum(const Tensor& x, std::int64_t dim, std::optional<DType> dtype = {});
Tensor cumprod(const Tensor& x, std::int64_t dim, std::optional<DType> dtype = {});
std::tuple<Tensor, Tensor> cummax(const Tensor& x, std::int64_t dim);
std::tuple<Tensor, Tensor> cummin(const Tensor& x, std::int64_t dim);
Tensor logcumsumexp(const Tensor& x, std::int64_t dim);
/// x summed down to `shape` (the reverse of broadcasting): what the engine does with gradients.
Tensor sum_to_shape(const Tensor& x, const Shape& shape);

}  // namespace rustorch
