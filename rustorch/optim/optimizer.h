#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rustorch/nn/options.h"
#include "rustorch/nn/ordered_map.h"
#include "rustorch/nn/state_dict.h"
#include "rustorch/tensor/operations/program_batches.h"
#include "rustorch/tensor/tensor.h"

namespace rustorch::optim {

using nn::NamedOnly;

/// The hyper-parameters of a group, as numbers by name: "lr", "weight_decay", "beta1", "nesterov" (0 or 1) ….
using GroupOptions = OrderedMap<double>;

/// Parameters that are updated with the same hyper-parameters. What `options` leaves out is the optimizer's
/// default:
/// `{.parameters = net.head.parameters(), .options = {{"lr", 1e-3}}}`.
struct ParameterGroup {
  std::vector<Tensor> parameters;
  GroupOptions options = {};
};

/// All that an optimizer must remember so that training resumes bit for bit.
struct OptimizerState {
  struct Group {
    std::int64_t parameter_count = 0;
    GroupOptions options;
  };
  std::string type;   ///< "AdamW"
  StateDict tensors;  ///< "0.step" (int64, 0-d), "0.exp_avg" …, by the parameter's number across groups
  std::vector<Group> groups;
};

/// Base of all optimizers (torch.optim.Optimizer). They update parameters in place from their gradients;
/// parameters without gradient are left alone. It may be moved, not copied; schedulers stay attached to it.
class Optimizer {
 public:
  virtual ~Optimizer();
  Optimizer(Optimizer&&) noexcept = default;
  Optimizer& operator=(Optimizer&&) noexcept = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update of all parameters that have a gradient.
  void step();
  /// Drops the gradients of all parameters, or sets them to zero.
  void zero_grad(bool set_to_none = true);

  /// The groups; their options may be changed between steps: `param_groups()[0].options["lr"] = 1e-4`.
  std::vector<ParameterGroup>& param_groups() { return groups(); }
  const std::vector<ParameterGroup>& param_groups() const { return groups(); }
  /// Adds a group; a parameter that is already in a group, unknown options or bad values are an Error.
  void add_param_group(ParameterGroup group);
  /// options["lr"] of a group.
  double learning_rate(std::size_t group = 0) const;
  /// Sets options["lr"] of all groups.
  void set_learning_rate(double lr);

  /// Options and moments; the tensors share memory with the optimizer's (clone them to keep them over further
  /// steps).
  OptimizerState state_dict() const;
  /// Takes over options and copies of the moments, moved to the parameters' devices. An Error (and no change)
  /// if the state is of another kind of optimizer, or of groups or shapes that differ.
  void load_state_dict(const OptimizerState& state);

  /// "AdamW".
  virtual std::string type_name() const = 0;
  /// As PyTorch prints optimizers: the options of each group.
  std::string to_string() const;

 protected:
  /// What is kept for one parameter. Slots that are not needed yet stay undefined.
  struct ParameterState {
    std::int64_t step = 0;
    std::array<Tensor, 3> slots;
  };

  Optimizer() : groups_(std::make_shared<Groups>()) {}
  /// The last act of constructors: all options with their defaults, then the groups.
  void start(GroupOptions defaults, std::vector<ParameterGroup> groups);
  void start(GroupOptions defaults, const std::vector<Tensor>& parameters);

  /// Errors for values that make no sense.
  virtual void check_options(const GroupOptions& options) const = 0;
  /// The names of the slots, in order, as they appear in state_dict().
  virtual std::span<const std::string_view> slot_names() const = 0;
  /// Whether the state has a step counter.
  virtual bool counts_steps() const { return true; }
  /// A slot of a parameter's state: made (like the parameter, filled with `initial`) where it is not there
  /// yet, and moved where the parameter has moved.
  static Tensor& slot(ParameterState& state, std::size_t index, const Tensor& parameter,
                      double initial = 0.0);
  /// A parameter that has a gradient. Its step is already counted.
  struct Update {
    Tensor parameter;
    Tensor gradient;
    ParameterState* state;
  };
  /// Puts the updates of some parameters of a group, at least one, into `batches`, under NoGrad. They are
  /// alike: on one device, of one dtype, as their gradients are and as the same slots are that are already
  /// made, and in the same step.
  virtual void update(const GroupOptions& options, std::span<const Update> updates) = 0;
  /// Updates that are done together at the end of a step.
  ProgramBatches& batches() noexcept { return batches_; }
  /// Errors for complex parameters, in optimizers that do not take them.
  void check_real(const Tensor& parameter) const;

 private:
  friend class LRScheduler;
  // Apart from the object, so that schedulers find them after a move.
  using Groups = std::vector<ParameterGroup>;
  /// An Error if this optimizer was moved from.
  Groups& groups() const {
    if (!groups_) [[unlikely]]
      fail_moved_from();
    return *groups_;
  }
  [[noreturn]] static void fail_moved_from();
  void check_parameters(const std::vector<Tensor>& parameters) const;
  static bool are_alike(const Update& a, const Update& b);
  /// Whether some parameters have memory in common.
  bool parameters_overlap() const;

  std::shared_ptr<Groups> groups_;
  GroupOptions defaults_;
  std::vector<std::vector<ParameterState>> states_;  // of each group's parameters
  // Kept: a steady step allocates nothing.
  std::vector<Update> updates_;
  ProgramBatches batches_;
  bool one_by_one_ = false;  // since parameters overlap, each sees the update of those before
};

}  // namespace rustorch::optim
