#include "rustorch/optim/adagrad.h"

#include "rustorch/optim/fused_update.h"

namespace rustorch::optim {

namespace {

GroupOptions named(const AdagradOptions& options) {
  return {{"lr", options.lr},
          {"lr_decay", options.lr_decay},
          {"weight_decay", options.weight_decay},
          {"initial_accumulator_value", options.initial_accumulator_value},
          {"eps", options.eps},
          {"maximize", options.maximize ? 1.0 : 0.0}};
}

}  // namespace

Adagrad::Adagrad(const std::vector<Tensor>& parameters, const AdagradOptions& options) {
  start(named(options), parameters);
}
Adagrad::Adagrad(std::vector<ParameterGroup> groups, const AdagradOptions& options) {
  start(named(options), std::move(groups));
}

void Adagrad::check_options(const GroupOptions& options) const {
  for (const char* name : {"lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"}) {
    RUSTORCH_CHECK(options.at(name) >= 0, invalid_argument, "Adagrad: {} must not be negative, not {}", name,
                   options.at(name));
  }
}

std::span<const std::string_view> Adagrad::slot_names() const {
  static constexpr std::string_view names[] = {"sum"};
  return names;
}

void Adagrad::update(const GroupOptions& options, std::span<const Update> updates) {
  const double lr = options.at("lr");
  const double lr_decay = options.at("lr_decay");
  const double weight_decay = options.at("weight_decay");
  const double initial = options.at("initial_accumulator_value");
  const double eps = options.at("eps");
  const bool maximize = options.at("maximize") != 0;
  const double rate = lr / (1.0 + static_cast<double>(updates.front().state->step - 1) * lr_decay);
  check_real(updates.front().parameter);
  FusedUpdate pass(batches(), "Adagrad", updates.front().parameter);
  for (const Update& item : updates) {
    const Tensor& sum = slot(*item.state, 0, item.parameter, initial);

    pass.begin(item.parameter);
    const auto p = pass.load(item.parameter);
    auto g = pass.load(item.gradient);
    if (maximize) g = -g;
    if (weight_decay != 0) g = multiply_add(g, p, weight_decay);
    const auto total = multiply_add(pass.load(sum), g, g);
    pass.store(sum, total);
    pass.store(item.parameter, multiply_add(p, g / (sqrt(total) + eps), -rate));
    pass.finish();
  }
}

}  // namespace rustorch::optim
