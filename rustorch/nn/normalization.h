#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "rustorch/nn/module.h"
#include "rustorch/nn/options.h"

namespace rustorch::nn {

struct BatchNormOptions {
  NamedOnly named_only = NamedOnly();
  double eps = 1e-5;
  /// Share of the new batch in the running statistics; std::nullopt: the average over all batches.
  std::optional<double> momentum = 0.1;
  bool affine = true;
  bool track_running_stats = true;
};

/// Batch norm per channel (torch.nn.BatchNorm1d, 2d, 3d) of x [batch, num_features, N spatial dims]
/// (BatchNorm1d takes [batch, num_features] too). Training uses the batch's statistics and updates the
/// running ones; eval uses the running ones. weight starts as 1, bias as 0, running_mean as 0, running_var
/// as 1.
template <std::size_t N>
class BatchNorm : public Module {
 public:
  explicit BatchNorm(std::int64_t num_features, const BatchNormOptions& options = {});
  BatchNorm(std::int64_t num_features, double eps, std::optional<double> momentum = 0.1, bool affine = true,
            bool track_running_stats = true)
      : BatchNorm(num_features, BatchNormOptions{.eps = eps,
                                                 .momentum = momentum,
                                                 .affine = affine,
                                                 .track_running_stats = track_running_stats}) {}

  Tensor forward(const Tensor& x) override;
  void reset_running_stats();
  void reset_parameters();
  std::string type_name() const override;
  std::string extra_repr() const override;
  std::int64_t num_features() const noexcept { return num_features_; }
  const BatchNormOptions& options() const noexcept { return options_; }

 private:
  std::int64_t num_features_;
  BatchNormOptions options_;

 public:
  Parameter weight;            ///< undefined unless affine
  Parameter bias;              ///< undefined unless affine
  Buffer running_mean;         ///< undefined unless track_running_stats
  Buffer running_var;          ///< undefined unless track_running_stats
  Buffer num_batches_tracked;  ///< int64, 0-d; undefined unless track_running_stats
};

using BatchNorm1d = BatchNorm<1>;
using BatchNorm2d = BatchNorm<2>;
using BatchNorm3d = BatchNorm<3>;
extern template class BatchNorm<1>;
extern template class BatchNorm<2>;
extern template class BatchNorm<3>;

struct LayerNormOptions {
  NamedOnly named_only = NamedOnly();
  double eps = 1e-5;
  bool elementwise_affine = true;
  bool bias = true;
};

/// Normalizes over the last dims, whose sizes are normalized_shape (torch.nn.LayerNorm). weight starts as 1,
/// bias as 0.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options = {});
  explicit LayerNorm(std::int64_t normalized_size, const LayerNormOptions& options = {})
      : LayerNorm(Shape{normalized_size}, options) {}

  Tensor forward(const Tensor& x) override;
  void reset_parameters();
  std::string type_name() const override { return "LayerNorm"; }
  std::string extra_repr() const override;
  const Shape& normalized_shape() const noexcept { return normalized_shape_; }

 private:
  Shape normalized_shape_;
  LayerNormOptions options_;

 public:
  Parameter weight;  ///< undefined unless elementwise_affine
  Parameter bias;    ///< undefined unless elementwise_affine and bias
};

struct GroupNormOptions {
  NamedOnly named_only = NamedOnly();
  double eps = 1e-5;
  bool affine = true;
};

/// Normalizes over groups of channels of x [batch, num_channels, …] (torch.nn.GroupNorm). weight starts as 1,
/// bias as 0.
class GroupNorm : public Module {
 public:
  GroupNorm(std::int64_t num_groups, std::int64_t num_channels, const GroupNormOptions& options = {});

  Tensor forward(const Tensor& x) override;
  void reset_parameters();
  std::string type_name() const override { return "GroupNorm"; }
  std::string extra_repr() const override;
  std::int64_t num_groups() const noexcept { return num_groups_; }
  std::int64_t num_channels() const noexcept { return num_channels_; }

 private:
  std::int64_t num_groups_, num_channels_;
  GroupNormOptions options_;

 public:
  Parameter weight;  ///< undefined unless affine
  Parameter bias;    ///< undefined unless affine
};

}  // namespace rustorch::nn
