#pragma once

#include "rustorch/optim/optimizer.h"

namespace rustorch::optim {

struct RMSpropOptions {
  NamedOnly named_only = NamedOnly();
  double lr = 1e-2;
  double alpha = 0.99;
  double eps = 1e-8;
  double weight_decay = 0.0;
  double momentum = 0.0;
  bool centered = false;
  bool maximize = false;
};

/// RMSprop (torch.optim.RMSprop).
class RMSprop : public Optimizer {
 public:
  explicit RMSprop(const std::vector<Tensor>& parameters, const RMSpropOptions& options = {});
  explicit RMSprop(std::vector<ParameterGroup> groups, const RMSpropOptions& options = {});
  std::string type_name() const override { return "RMSprop"; }

 protected:
  void check_options(const GroupOptions& options) const override;
  std::span<const std::string_view> slot_names() const override;
  void update(const GroupOptions& options, std::span<const Update> updates) override;
};

}  // namespace rustorch::optim
