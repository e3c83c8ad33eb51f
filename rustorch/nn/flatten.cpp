#include "rustorch/nn/flatten.h"

#include "rustorch/nn/repr.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch::nn {

Tensor Flatten::forward(const Tensor& x) { return flatten(x, start_dim_, end_dim_); }

std::string Flatten::extra_repr() const {
  return fmt::format("start_dim={}, end_dim={}", start_dim_, end_dim_);
}

Tensor Unflatten::forward(const Tensor& x) { return unflatten(x, dim_, sizes_); }

std::string Unflatten::extra_repr() const {
  return fmt::format("dim={}, unflattened_size={}", dim_, repr::tuple(sizes_));
}

}  // namespace rustorch::nn
