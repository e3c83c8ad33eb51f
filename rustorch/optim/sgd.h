#pragma once

#include "rustorch/optim/optimizer.h"

namespace rustorch::optim {

struct SGDOptions {
  NamedOnly named_only = NamedOnly();
  double lr = 1e-3;
  double momentum = 0.0;
  double dampening = 0.0;
  double weight_decay = 0.0;
  bool nesterov = false;  ///< needs momentum and no dampening
  bool maximize = false;
};

/// Stochastic gradient descent with momentum (torch.optim.SGD).
class SGD : public Optimizer {
 public:
  explicit SGD(const std::vector<Tensor>& parameters, const SGDOptions& options = {});
  explicit SGD(std::vector<ParameterGroup> groups, const SGDOptions& options = {});
  std::string type_name() const override { return "SGD"; }

 protected:
  void check_options(const GroupOptions& options) const override;
  std::span<const std::string_view> slot_names() const override;
  bool counts_steps() const override { return false; }
  void update(const GroupOptions& options, std::span<const Update> updates) override;
};

}  // namespace rustorch::optim
