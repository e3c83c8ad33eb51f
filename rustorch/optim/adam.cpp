#include "rustorch/optim/adam.h"

#include <cmath>

#include "rustorch/optim/fused_update.h"

namespace rustorch::optim {

namespace {

template <class Options>
GroupOptions named(const Options& options) {
  return {{"lr", options.lr},
          {"beta1", options.betas.first},
          {"beta2", options.betas.second},
          {"eps", options.eps},
          {"weight_decay", options.weight_decay},
          {"amsgrad", options.amsgrad ? 1.0 : 0.0},
          {"maximize", options.maximize ? 1.0 : 0.0}};
}

}  // namespace

Adam::Adam(const std::vector<Tensor>& parameters, const AdamOptions& options) {
  start(named(options), parameters);
}
Adam::Adam(std::vector<ParameterGroup> groups, const AdamOptions& options) {
  start(named(options), std::move(groups));
}

AdamW::AdamW(const std::vector<Tensor>& parameters, const AdamWOptions& options) : Adam(true) {
  start(named(options), parameters);
}
AdamW::AdamW(std::vector<ParameterGroup> groups, const AdamWOptions& options) : Adam(true) {
  start(named(options), std::move(groups));
}

void Adam::check_options(const GroupOptions& options) const {
  for (const char* name : {"lr", "eps", "weight_decay"}) {
    RUSTORCH_CHECK(options.at(name) >= 0, invalid_argument, "{}: {} must not be negative, not {}",
                   type_name(), name, options.at(name));
  }
  for (const char* name : {"beta1", "beta2"}) {
    RUSTORCH_CHECK(options.at(name) >= 0 && options.at(name) < 1, invalid_argument,
                   "{}: {} must be at least 0 and less than 1, not {}", type_name(), name, options.at(name));
  }
}

std::span<const std::string_view> Adam::slot_names() const {
  static constexpr std::string_view names[] = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
  return names;
}

void Adam::update(const GroupOptions& options, std::span<const Update> updates) {
  const double lr = options.at("lr");
  const double beta1 = options.at("beta1");
  const double beta2 = options.at("beta2");
  const double eps = options.at("eps");
  const double weight_decay = options.at("weight_decay");
  const bool amsgrad = options.at("amsgrad") != 0;
  const bool maximize = options.at("maximize") != 0;
  const auto step = static_cast<double>(updates.front().state->step);
  const double step_size = lr / (1.0 - std::pow(beta1, step));
  const double correction = 1.0 / std::sqrt(1.0 - std::pow(beta2, step));
  check_real(updates.front().parameter);
  FusedUpdate pass(batches(), "Adam", updates.front().parameter);
  for (const Update& item : updates) {
    const Tensor& exp_avg = slot(*item.state, 0, item.parameter);
    const Tensor& exp_avg_sq = slot(*item.state, 1, item.parameter);

    pass.begin(item.parameter);
    auto p = pass.load(item.parameter);
    auto g = pass.load(item.gradient);
    if (maximize) g = -g;
    if (weight_decay != 0 && decoupled_weight_decay_) p = p * (1.0 - lr * weight_decay);
    if (weight_decay != 0 && !decoupled_weight_decay_) g = multiply_add(g, p, weight_decay);
    const auto old_mean = pass.load(exp_avg);
    const auto mean = multiply_add(old_mean, g - old_mean, 1.0 - beta1);
    const auto square = multiply_add(pass.load(exp_avg_sq) * beta2, g * (1.0 - beta2), g);
    pass.store(exp_avg, mean);
    pass.store(exp_avg_sq, square);
    auto largest = square;
    if (amsgrad) {
      const Tensor& max_exp_avg_sq = slot(*item.state, 2, item.parameter);
      largest = maximum(pass.load(max_exp_avg_sq), square);
      pass.store(max_exp_avg_sq, largest);
    }
    const auto denominator = multiply_add(pass.number(eps), sqrt(largest), correction);
    pass.store(item.parameter, multiply_add(p, mean / denominator, -step_size));
    pass.finish();
  }
}

}  // namespace rustorch::optim
