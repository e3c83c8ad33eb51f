#pragma once

#include "rustorch/tensor/tensor.h"

namespace rustorch::nn {

/// The Q of the QR decomposition with a positive diagonal of R, by rows: orthonormal rows that span those of
/// x. x is a contiguous float64 CPU matrix with no more rows than columns, of full rank.
Tensor orthonormal_rows(const Tensor& x);

}  // namespace rustorch::nn
