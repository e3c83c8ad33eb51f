#pragma once

#include <string>

#include "rustorch/nn/module.h"
#include "rustorch/nn/options.h"

namespace rustorch::nn {

struct DropoutOptions {
  NamedOnly named_only = NamedOnly();
  double p = 0.5;
};

/// Zeroes elements with probability p in training and scales the rest by 1 / (1 - p) (torch.nn.Dropout); the
/// identity in eval. p outside [0, 1] is an Error.
class Dropout : public Module {
 public:
  explicit Dropout(double p = 0.5);
  explicit Dropout(const DropoutOptions& options) : Dropout(options.p) {}
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "Dropout"; }
  std::string extra_repr() const override;
  double p() const noexcept { return p_; }

 private:
  double p_;
};

}  // namespace rustorch::nn
