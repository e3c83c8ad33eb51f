#include "rustorch/optim/sgd.h"

#include "rustorch/optim/fused_update.h"

namespace rustorch::optim {

namespace {

GroupOptions named(const SGDOptions& options) {
  return {{"lr", options.lr},
          {"momentum", options.momentum},
          {"dampening", options.dampening},
          {"weight_decay", options.weight_decay},
          {"nesterov", options.nesterov ? 1.0 : 0.0},
          {"maximize", options.maximize ? 1.0 : 0.0}};
}

}  // namespace

SGD::SGD(const std::vector<Tensor>& parameters, const SGDOptions& options) {
  start(named(options), parameters);
}
SGD::SGD(std::vector<ParameterGroup> groups, const SGDOptions& options) {
  start(named(options), std::move(groups));
}

void SGD::check_options(const GroupOptions& options) const {
  for (const char* name : {"lr", "momentum", "weight_decay"}) {
    RUSTORCH_CHECK(options.at(name) >= 0, invalid_argument, "SGD: {} must not be negative, not {}", name,
                   options.at(name));
  }
  const bool nesterov = options.at("nesterov") != 0;
  RUSTORCH_CHECK(!nesterov || (options.at("momentum") > 0 && options.at("dampening") == 0), invalid_argument,
                 "SGD: nesterov needs momentum and no dampening, not momentum {} and dampening {}",
                 options.at("momentum"), options.at("dampening"));
}

std::span<const std::string_view> SGD::slot_names() const {
  static constexpr std::string_view names[] = {"momentum_buffer"};
  return names;
}

void SGD::update(const GroupOptions& options, std::span<const Update> updates) {
  const double lr = options.at("lr");
  const double momentum = options.at("momentum");
  const double dampening = options.at("dampening");
  const double weight_decay = options.at("weight_decay");
  const bool nesterov = options.at("nesterov") != 0;
  const bool maximize = options.at("maximize") != 0;
  FusedUpdate pass(batches(), "SGD", updates.front().parameter);
  for (const Update& item : updates) {
    pass.begin(item.parameter);
    const auto p = pass.load(item.parameter);
    auto g = pass.load(item.gradient);
    if (maximize) g = -g;
    if (weight_decay != 0) g = multiply_add(g, p, weight_decay);
    if (momentum != 0) {
      const bool first = !item.state->slots[0].defined();
      const Tensor& buffer = slot(*item.state, 0, item.parameter);
      const auto b = first ? g : multiply_add(pass.load(buffer) * momentum, g, 1.0 - dampening);
      pass.store(buffer, b);
      g = nesterov ? multiply_add(g, b, momentum) : b;
    }
    pass.store(item.parameter, multiply_add(p, g, -lr));
    pass.finish();
  }
}

}  // namespace rustorch::optim
