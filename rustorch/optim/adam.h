#pragma once

#include <utility>

#include "rustorch/optim/optimizer.h"

namespace rustorch::optim {

struct AdamOptions {
  NamedOnly named_only = NamedOnly();
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0.0;
  bool amsgrad = false;
  bool maximize = false;
};

struct AdamWOptions {
  NamedOnly named_only = NamedOnly();
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 1e-2;
  bool amsgrad = false;
  bool maximize = false;
};

/// Adam (torch.optim.Adam); weight decay is added to the gradient.
class Adam : public Optimizer {
 public:
  explicit Adam(const std::vector<Tensor>& parameters, const AdamOptions& options = {});
  explicit Adam(std::vector<ParameterGroup> groups, const AdamOptions& options = {});
  std::string type_name() const override { return "Adam"; }

 protected:
  explicit Adam(bool decoupled_weight_decay) : decoupled_weight_decay_(decoupled_weight_decay) {}
  void check_options(const GroupOptions& options) const override;
  std::span<const std::string_view> slot_names() const override;
  void update(const GroupOptions& options, std::span<const Update> updates) override;

 private:
  bool decoupled_weight_decay_ = false;
};

/// Adam whose weight decay acts on the parameters themselves (torch.optim.AdamW).
class AdamW : public Adam {
 public:
  explicit AdamW(const std::vector<Tensor>& parameters, const AdamWOptions& options = {});
  explicit AdamW(std::vector<ParameterGroup> groups, const AdamWOptions& options = {});
  std::string type_name() const override { return "AdamW"; }
};

}  // namespace rustorch::optim
