#include "rustorch/optim/optimizer.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "rustorch/optim/fused_update.h"
#include "rustorch/tensor/gradient.h"
#include "rustorch/tensor/operations/creation.h"

namespace rustorch::optim {

Optimizer::~Optimizer() = default;

void Optimizer::fail_moved_from() {
  fail(ErrorCode::invalid_argument, "this optimizer was moved from and is empty");
}

void Optimizer::start(GroupOptions defaults, std::vector<ParameterGroup> added) {
  defaults_ = std::move(defaults);
  check_options(defaults_);
  RUSTORCH_CHECK(!added.empty(), invalid_argument, "{}: there are no parameters to optimize", type_name());
  for (ParameterGroup& group : added) add_param_group(std::move(group));
}

void Optimizer::start(GroupOptions defaults, const std::vector<Tensor>& parameters) {
  RUSTORCH_CHECK(!parameters.empty(), invalid_argument, "{}: there are no parameters to optimize",
                 type_name());
  start(std::move(defaults), std::vector<ParameterGroup>{{.parameters = parameters}});
}

void Optimizer::check_parameters(const std::vector<Tensor>& parameters) const {
  std::unordered_set<const TensorImpl*> seen;
  for (const ParameterGroup& group : groups()) {
    for (const Tensor& parameter : group.parameters) seen.insert(parameter.handle().get());
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Tensor& parameter = parameters[i];
    RUSTORCH_CHECK(parameter.defined(), invalid_argument, "{}: parameter {} is undefined", type_name(), i);
    RUSTORCH_CHECK(is_differentiable(parameter.dtype()), dtype_mismatch,
                   "{}: parameter {}, {} {}, has no gradients", type_name(), i, parameter.dtype(),
                   parameter.shape());
    if (!parameter.is_leaf()) {
      fail_with_suggestion(ErrorCode::invalid_argument, "optimize the tensors that it was computed from",
                           "{}: parameter {}, {}, is the result of `{}`", type_name(), i, parameter.shape(),
                           parameter.grad_fn_name());
    }
    RUSTORCH_CHECK(seen.insert(parameter.handle().get()).second, invalid_argument,
                   "{}: parameter {}, {}, was given twice", type_name(), i, parameter.shape());
  }
}

void Optimizer::check_real(const Tensor& parameter) const {
  RUSTORCH_CHECK(!parameter.is_complex(), unsupported, "{} does not optimize {} parameters", type_name(),
                 parameter.dtype());
}

void Optimizer::add_param_group(ParameterGroup group) {
  check_parameters(group.parameters);
  GroupOptions options = defaults_;
  for (const auto& [name, value] : group.options) {
    if (!defaults_.contains(name) && name != "initial_lr") {
      fail_with_suggestion(ErrorCode::invalid_argument, did_you_mean(name, defaults_.names()),
                           "{} has no option `{}`", type_name(), name);
    }
    options[name] = value;
  }
  check_options(options);
  group.options = std::move(options);
  states_.emplace_back(group.parameters.size());
  groups().push_back(std::move(group));
  one_by_one_ = parameters_overlap();
}

double Optimizer::learning_rate(std::size_t group) const {
  RUSTORCH_CHECK(group < groups().size(), index_out_of_range, "{}: there is no parameter group {} among {}",
                 type_name(), group, groups().size());
  return groups()[group].options.at("lr");
}

void Optimizer::set_learning_rate(double lr) {
  RUSTORCH_CHECK(lr >= 0, invalid_argument, "{}: lr must not be negative, not {}", type_name(), lr);
  for (ParameterGroup& group : groups()) group.options["lr"] = lr;
}

bool Optimizer::parameters_overlap() const {
  struct Range {
    const Storage* storage;
    std::int64_t begin, end;
    auto operator<=>(const Range&) const = default;
  };
  std::vector<Range> ranges;
  for (const ParameterGroup& group : groups()) {
    for (const Tensor& parameter : group.parameters) {
      const Layout& layout = parameter.layout();
      const auto bytes = static_cast<std::int64_t>(item_size(parameter.dtype()));
      if (parameter.numel() != 0)
        ranges.push_back({parameter.storage().get(), layout.offset * bytes, layout.end() * bytes});
    }
  }
  std::ranges::sort(ranges);
  return std::ranges::adjacent_find(ranges, [](const Range& a, const Range& b) {
           return a.storage == b.storage && b.begin < a.end;
         }) != ranges.end();
}

bool Optimizer::are_alike(const Update& a, const Update& b) {
  // Slots keep their dtype where a parameter has got another one.
  const auto same_dtype = [](const Tensor& x, const Tensor& y) {
    return x.defined() == y.defined() && (!x.defined() || x.dtype() == y.dtype());
  };
  return a.parameter.device() == b.parameter.device() && same_dtype(a.parameter, b.parameter) &&
         same_dtype(a.gradient, b.gradient) && a.state->step == b.state->step &&
         std::ranges::equal(a.state->slots, b.state->slots, same_dtype);
}

void Optimizer::step() {
  const NoGrad guard;
  batches_.clear();  // of a step that failed
  updates_.clear();
  for (std::size_t i = 0; i < groups().size(); ++i) {
    const ParameterGroup& group = groups()[i];
    std::size_t first = updates_.size();
    for (std::size_t j = 0; j < group.parameters.size(); ++j) {
      Tensor gradient = group.parameters[j].grad();
      if (!gradient.defined()) continue;
      ParameterState& state = states_[i][j];
      ++state.step;
      updates_.push_back({group.parameters[j], std::move(gradient), &state});
    }
    for (std::size_t end = first; end < updates_.size(); first = end) {
      while (++end < updates_.size() && !one_by_one_ && are_alike(updates_[first], updates_[end])) {
      }
      update(group.options, std::span(updates_).subspan(first, end - first));
      if (one_by_one_) batches_.run();
    }
  }
  batches_.run();
  updates_.clear();  // lets go of the gradients
}

void Optimizer::zero_grad(bool set_to_none) {
  const NoGrad guard;
  batches_.clear();
  for (ParameterGroup& group : groups()) {
    for (Tensor& parameter : group.parameters) {
      const Tensor gradient = parameter.grad();
      if (!gradient.defined()) continue;
      if (set_to_none) {
        parameter.set_grad(Tensor());
      } else {
        check_in_place(gradient, "zero_grad");
        FusedUpdate pass(batches_, "zero_grad", gradient);
        pass.begin(gradient);
        pass.store(gradient, pass.number(0));
        pass.finish();
      }
    }
  }
  batches_.run();
}

Tensor& Optimizer::slot(ParameterState& state, std::size_t index, const Tensor& parameter, double initial) {
  Tensor& tensor = state.slots[index];
  if (!tensor.defined()) {
    tensor = full_like(parameter, initial);
  } else if (tensor.device() != parameter.device()) [[unlikely]] {
    tensor = tensor.to(parameter.device());
  }
  return tensor;
}

OptimizerState Optimizer::state_dict() const {
  OptimizerState result{.type = type_name(), .tensors = {}, .groups = {}};
  std::size_t number = 0;
  for (std::size_t i = 0; i < groups().size(); ++i) {
    const ParameterGroup& group = groups()[i];
    result.groups.push_back({static_cast<std::int64_t>(group.parameters.size()), group.options});
    for (const ParameterState& state : states_[i]) {
      if (counts_steps() && state.step > 0) {
        result.tensors.insert(fmt::format("{}.step", number),
                              scalar_tensor(state.step, {.dtype = int64, .device = Device()}));
      }
      for (std::size_t slot = 0; slot < slot_names().size(); ++slot) {
        if (!state.slots[slot].defined()) continue;
        result.tensors.insert(fmt::format("{}.{}", number, slot_names()[slot]), state.slots[slot]);
      }
      ++number;
    }
  }
  return result;
}

void Optimizer::load_state_dict(const OptimizerState& state) {
  RUSTORCH_CHECK(state.type == type_name(), invalid_argument, "the state of {} does not fit {}",
                 state.type.empty() ? "an unnamed optimizer" : state.type, type_name());
  Groups& groups = this->groups();
  RUSTORCH_CHECK(state.groups.size() == groups.size(), invalid_argument,
                 "{}: the state has {} parameter groups, the optimizer {}", type_name(), state.groups.size(),
                 groups.size());
  // Everything is checked and made before the first change.
  std::vector<GroupOptions> options;
  std::vector<std::vector<ParameterState>> states;
  std::vector<std::pair<const Tensor*, ParameterState*>> by_number;
  states.reserve(groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::size_t count = groups[i].parameters.size();
    RUSTORCH_CHECK(state.groups[i].parameter_count == static_cast<std::int64_t>(count), invalid_argument,
                   "{}: group {} has {} parameters in the state and {} in the optimizer", type_name(), i,
                   state.groups[i].parameter_count, count);
    options.push_back(groups[i].options);
    for (const auto& [name, value] : state.groups[i].options) options.back()[name] = value;
    check_options(options.back());
    states.emplace_back(count);
    for (std::size_t j = 0; j < count; ++j) by_number.emplace_back(&groups[i].parameters[j], &states[i][j]);
  }
  const NoGrad guard;
  for (const auto& [name, tensor] : state.tensors) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    const bool numbered = error == std::errc() && end != name.data() + name.size() && *end == '.';
    RUSTORCH_CHECK(numbered && number < by_number.size() && tensor.defined(), invalid_argument,
                   "{}: the state holds `{}`, which belongs to no parameter", type_name(), name);
    const auto& [parameter, target] = by_number[number];
    const std::string_view kind(end + 1, static_cast<std::size_t>(name.data() + name.size() - end - 1));
    if (kind == "step" && counts_steps()) {
      RUSTORCH_CHECK(tensor.numel() == 1, shape_mismatch, "{}: `{}` is {}, not one number", type_name(), name,
                     tensor.shape());
      target->step = tensor.item<std::int64_t>();
      continue;
    }
    const auto slot = std::find(slot_names().begin(), slot_names().end(), kind);
    if (slot == slot_names().end()) {
      const std::vector<std::string> known(slot_names().begin(), slot_names().end());
      fail_with_suggestion(ErrorCode::invalid_argument, did_you_mean(kind, known),
                           "{}: the state holds an unknown `{}`", type_name(), name);
    }
    RUSTORCH_CHECK(tensor.shape() == parameter->shape(), shape_mismatch,
                   "{}: `{}` is {} in the state, but its parameter is {}", type_name(), name, tensor.shape(),
                   parameter->shape());
    // Laid out as the parameter, so that resumed updates take the same path over memory.
    Tensor copy = empty_like(*parameter);
    copy.copy_(tensor);
    target->slots[static_cast<std::size_t>(slot - slot_names().begin())] = std::move(copy);
  }
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i].options = std::move(options[i]);
  states_ = std::move(states);
}

std::string Optimizer::to_string() const {
  std::string text = type_name() + " (";
  for (std::size_t i = 0; i < groups().size(); ++i) {
    text += fmt::format("\nParameter Group {}", i);
    for (const auto& [name, value] : groups()[i].options) text += fmt::format("\n    {}: {}", name, value);
  }
  return text + "\n)";
}

}  // namespace rustorch::optim
