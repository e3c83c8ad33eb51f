#pragma once

#include "rustorch/optim/optimizer.h"

namespace rustorch::optim {

struct AdagradOptions {
  NamedOnly named_only = NamedOnly();
  double lr = 1e-2;
  double lr_decay = 0.0;
  double weight_decay = 0.0;
  double initial_accumulator_value = 0.0;
  double eps = 1e-10;
  bool maximize = false;
};

/// Adagrad (torch.optim.Adagrad).
class Adagrad : public Optimizer {
 public:
  explicit Adagrad(const std::vector<Tensor>& parameters, const AdagradOptions& options = {});
  explicit Adagrad(std::vector<ParameterGroup> groups, const AdagradOptions& options = {});
  std::string type_name() const override { return "Adagrad"; }

 protected:
  void check_options(const GroupOptions& options) const override;
  std::span<const std::string_view> slot_names() const override;
  void update(const GroupOptions& options, std::span<const Update> updates) override;
};

}  // namespace rustorch::optim
