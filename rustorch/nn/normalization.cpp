#include "rustorch/nn/normalization.h"

#include "rustorch/nn/init.h"
#include "rustorch/nn/repr.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/normalization.h"

namespace rustorch::nn {

template <std::size_t N>
BatchNorm<N>::BatchNorm(std::int64_t num_features, const BatchNormOptions& options)
    : num_features_(num_features), options_(options) {
  RUSTORCH_CHECK(num_features > 0, invalid_argument, "{}: num_features must be positive, not {}", type_name(),
                 num_features);
  RUSTORCH_CHECK(options.eps >= 0, invalid_argument, "{}: eps must not be negative, not {}", type_name(),
                 options.eps);
  if (options.affine) {
    weight = parameter("weight", empty({num_features}));
    bias = parameter("bias", empty({num_features}));
  }
  if (options.track_running_stats) {
    running_mean = buffer("running_mean", empty({num_features}));
    running_var = buffer("running_var", empty({num_features}));
    // Files without PyTorch's version marks may lack the counter; PyTorch loads them too.
    num_batches_tracked = buffer("num_batches_tracked", empty({}, {.dtype = int64}), {.required = false});
  }
  reset_parameters();
}

template <std::size_t N>
void BatchNorm<N>::reset_running_stats() {
  if (!options_.track_running_stats) return;
  init::zeros_(running_mean);
  init::ones_(running_var);
  init::zeros_(num_batches_tracked);
}

template <std::size_t N>
void BatchNorm<N>::reset_parameters() {
  reset_running_stats();
  if (!options_.affine) return;
  init::ones_(weight);
  init::zeros_(bias);
}

template <std::size_t N>
Tensor BatchNorm<N>::forward(const Tensor& x) {
  const bool rank_fits = x.rank() == N + 2 || (N == 1 && x.rank() == 2);
  if (!rank_fits || x.size(1) != num_features_) [[unlikely]] {
    fail(ErrorCode::shape_mismatch, "{}({}) takes inputs [batch, {}{}], not {}", type_name(), extra_repr(),
         num_features_,
         N == 1   ? "] or [batch, channels, length"
         : N == 2 ? ", height, width"
                  : ", depth, height, width",
         x.shape());
  }
  double factor = options_.momentum.value_or(0.0);
  if (is_training() && options_.track_running_stats) {
    const NoGrad guard;
    num_batches_tracked.add_(1);
    if (!options_.momentum) factor = 1.0 / num_batches_tracked.item<double>();
  }
  const bool use_batch = is_training() || !options_.track_running_stats;
  return batch_norm(x, running_mean, running_var, weight, bias, use_batch, factor, options_.eps);
}

template <std::size_t N>
std::string BatchNorm<N>::type_name() const {
  return fmt::format("BatchNorm{}d", N);
}

template <std::size_t N>
std::string BatchNorm<N>::extra_repr() const {
  return fmt::format("{}, eps={}, momentum={}, affine={}, track_running_stats={}", num_features_,
                     repr::real(options_.eps), options_.momentum ? repr::real(*options_.momentum) : "None",
                     repr::boolean(options_.affine), repr::boolean(options_.track_running_stats));
}

template class BatchNorm<1>;
template class BatchNorm<2>;
template class BatchNorm<3>;

LayerNorm::LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options)
    : normalized_shape_(normalized_shape), options_(options) {
  RUSTORCH_CHECK(!normalized_shape.empty(), invalid_argument, "LayerNorm: normalized_shape must have a dim");
  if (!options.elementwise_affine) return;
  weight = parameter("weight", empty(normalized_shape));
  if (options.bias) bias = parameter("bias", empty(normalized_shape));
  reset_parameters();
}

void LayerNorm::reset_parameters() {
  if (weight.defined()) init::ones_(weight);
  if (bias.defined()) init::zeros_(bias);
}

Tensor LayerNorm::forward(const Tensor& x) {
  const std::size_t dims = normalized_shape_.size();
  const bool fits = x.rank() >= dims &&
                    std::equal(normalized_shape_.begin(), normalized_shape_.end(), x.shape().end() - dims);
  RUSTORCH_CHECK(fits, shape_mismatch, "LayerNorm({}) takes inputs [..., {}], not {}", extra_repr(),
                 fmt::join(normalized_shape_, ", "), x.shape());
  return layer_norm(x, normalized_shape_, weight, bias, options_.eps);
}

std::string LayerNorm::extra_repr() const {
  return fmt::format("{}, eps={}, elementwise_affine={}", repr::tuple(normalized_shape_),
                     repr::real(options_.eps), repr::boolean(options_.elementwise_affine));
}

GroupNorm::GroupNorm(std::int64_t num_groups, std::int64_t num_channels, const GroupNormOptions& options)
    : num_groups_(num_groups), num_channels_(num_channels), options_(options) {
  RUSTORCH_CHECK(num_groups > 0 && num_channels > 0 && num_channels % num_groups == 0, invalid_argument,
                 "GroupNorm: {} channels cannot be divided into {} groups", num_channels, num_groups);
  if (!options.affine) return;
  weight = parameter("weight", empty({num_channels}));
  bias = parameter("bias", empty({num_channels}));
  reset_parameters();
}

void GroupNorm::reset_parameters() {
  if (!options_.affine) return;
  init::ones_(weight);
  init::zeros_(bias);
}

Tensor GroupNorm::forward(const Tensor& x) {
  RUSTORCH_CHECK(x.rank() >= 2 && x.size(1) == num_channels_, shape_mismatch,
                 "GroupNorm({}) takes inputs [batch, {}, ...], not {}", extra_repr(), num_channels_,
                 x.shape());
  return group_norm(x, num_groups_, weight, bias, options_.eps);
}

std::string GroupNorm::extra_repr() const {
  return fmt::format("{}, {}, eps={}, affine={}", num_groups_, num_channels_, repr::real(options_.eps),
                     repr::boolean(options_.affine));
}

}  // namespace rustorch::nn
