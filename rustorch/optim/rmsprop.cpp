#include "rustorch/optim/rmsprop.h"

#include "rustorch/optim/fused_update.h"

namespace rustorch::optim {

namespace {

GroupOptions named(const RMSpropOptions& options) {
  return {{"lr", options.lr},
          {"alpha", options.alpha},
          {"eps", options.eps},
          {"weight_decay", options.weight_decay},
          {"momentum", options.momentum},
          {"centered", options.centered ? 1.0 : 0.0},
          {"maximize", options.maximize ? 1.0 : 0.0}};
}

}  // namespace

RMSprop::RMSprop(const std::vector<Tensor>& parameters, const RMSpropOptions& options) {
  start(named(options), parameters);
}
RMSprop::RMSprop(std::vector<ParameterGroup> groups, const RMSpropOptions& options) {
  start(named(options), std::move(groups));
}

void RMSprop::check_options(const GroupOptions& options) const {
  for (const char* name : {"lr", "alpha", "eps", "weight_decay", "momentum"}) {
    RUSTORCH_CHECK(options.at(name) >= 0, invalid_argument, "RMSprop: {} must not be negative, not {}", name,
                   options.at(name));
  }
}

std::span<const std::string_view> RMSprop::slot_names() const {
  static constexpr std::string_view names[] = {"square_avg", "grad_avg", "momentum_buffer"};
  return names;
}

void RMSprop::update(const GroupOptions& options, std::span<const Update> updates) {
  const double lr = options.at("lr");
  const double alpha = options.at("alpha");
  const double eps = options.at("eps");
  const double weight_decay = options.at("weight_decay");
  const double momentum = options.at("momentum");
  const bool centered = options.at("centered") != 0;
  const bool maximize = options.at("maximize") != 0;
  check_real(updates.front().parameter);
  FusedUpdate pass(batches(), "RMSprop", updates.front().parameter);
  for (const Update& item : updates) {
    const Tensor& square_avg = slot(*item.state, 0, item.parameter);

    pass.begin(item.parameter);
    const auto p = pass.load(item.parameter);
    auto g = pass.load(item.gradient);
    if (maximize) g = -g;
    if (weight_decay != 0) g = multiply_add(g, p, weight_decay);
    const auto square = multiply_add(pass.load(square_avg) * alpha, g * (1.0 - alpha), g);
    pass.store(square_avg, square);
    auto variance = square;
    if (centered) {
      const Tensor& grad_avg = slot(*item.state, 1, item.parameter);
      const auto old_mean = pass.load(grad_avg);
      const auto mean = multiply_add(old_mean, g - old_mean, 1.0 - alpha);
      pass.store(grad_avg, mean);
      variance = square - mean * mean;
    }
    auto direction = g / (sqrt(variance) + eps);
    if (momentum > 0) {
      const Tensor& buffer = slot(*item.state, 2, item.parameter);
      direction = multiply_add(direction, pass.load(buffer), momentum);
      pass.store(buffer, direction);
    }
    pass.store(item.parameter, multiply_add(p, direction, -lr));
    pass.finish();
  }
}

}  // namespace rustorch::optim
