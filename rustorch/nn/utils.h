#pragma once

#include <vector>

#include "rustorch/tensor/tensor.h"

/// torch.nn.utils. Parameters without gradient are skipped.
namespace rustorch::nn::utils {

/// The norm of order norm_type (any positive number, or infinity) over all gradients as one vector.
Tensor get_total_norm(const std::vector<Tensor>& gradients, double norm_type = 2.0);

/// Scales the gradients so that their total norm is at most max_norm; returns the norm before, a 0-d tensor.
/// With error_if_nonfinite, a NaN or infinite norm is an Error and changes nothing.
Tensor clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, double norm_type = 2.0,
                       bool error_if_nonfinite = false);

/// Limits each element of the gradients to [-clip_value, clip_value].
void clip_grad_value_(const std::vector<Tensor>& parameters, double clip_value);

/// All elements in one 1-d tensor, in order.
Tensor parameters_to_vector(const std::vector<Tensor>& parameters);

/// The reverse: copies the elements of a 1-d tensor into the parameters. Another number of elements is an
/// Error.
void vector_to_parameters(const Tensor& vector, const std::vector<Tensor>& parameters);

}  // namespace rustorch::nn::utils
