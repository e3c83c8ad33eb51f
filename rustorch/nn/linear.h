#pragma once

#include <cstdint>
#include <string>

#include "rustorch/nn/module.h"
#include "rustorch/nn/options.h"

namespace rustorch::nn {

struct LinearOptions {
  NamedOnly named_only = NamedOnly();
  bool bias = true;
};

/// y = x Wᵀ + b (torch.nn.Linear): x [..., in_features] gives [..., out_features]. weight [out, in] and bias
/// [out] start uniform in ±1/sqrt(in_features).
class Linear : public Module {
 public:
  Linear(std::int64_t in_features, std::int64_t out_features, bool with_bias = true);
  Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options)
      : Linear(in_features, out_features, options.bias) {}

  Tensor forward(const Tensor& x) override;
  /// An Error (shape_mismatch) unless x has in_features in its last dim.
  void check_input(const Tensor& x) const;
  void reset_parameters();
  std::string type_name() const override { return "Linear"; }
  std::string extra_repr() const override;
  std::int64_t in_features() const noexcept { return in_features_; }
  std::int64_t out_features() const noexcept { return out_features_; }

 private:
  std::int64_t in_features_, out_features_;

 public:
  Parameter weight;
  Parameter bias;  ///< undefined without bias
};

/// Returns its input (torch.nn.Identity).
class Identity : public Module {
 public:
  Tensor forward(const Tensor& x) override { return x; }
  std::string type_name() const override { return "Identity"; }
};

}  // namespace rustorch::nn
