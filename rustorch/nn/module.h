#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rustorch/nn/parameter.h"
#include "rustorch/nn/state_dict.h"
#include "rustorch/tensor/tensor.h"

namespace rustorch::nn {

/// What a module has registered: names to tensor handles, names to the registries of its layers, the training
/// flag. Module objects refer to it, it never refers to them: objects may move, live in containers and go.
struct ModuleState {
  struct Entry {
    std::string name;
    Tensor tensor;
    bool persistent = true;  ///< part of state_dict()
    bool required = true;    ///< whether its absence from a loaded StateDict counts as a missing key
  };
  struct Child {
    std::string name;
    std::shared_ptr<ModuleState> state;
  };
  std::vector<Entry> parameters;
  std::vector<Entry> buffers;
  std::vector<Child> children;
  bool training = true;
  std::string name;         ///< under which it was registered last; "" for a root
  std::string type_name;    ///< as Module::type_name() of the object that was registered
  std::string description;  ///< as Module::extra_repr()
};

/// How a buffer takes part in saving and loading.
struct BufferOptions {
  bool persistent = true;  ///< part of state_dict()
  bool required = true;    ///< whether its absence from a loaded StateDict counts as a missing key
};

/// Base of all layers and networks (torch.nn.Module). A module declares its layers, parameters and buffers
/// once, as members:
///
///     struct Net : nn::Module {
///       nn::Linear head = layer("head", nn::Linear(64, 10));
///       nn::Parameter scale = parameter("scale", ones({10}));
///       Tensor forward(const Tensor& x) override { return head(x) * scale; }
///     };
///
/// A Module is a handle, as a Tensor is: copies share parameters, layers and the training flag.
/// `nn::clone(net)` makes an independent copy. Names in state_dict() are PyTorch's.
class Module {
 public:
  Module();
  Module(const Module& other);
  Module(Module&&) noexcept = default;
  Module& operator=(const Module& other);
  Module& operator=(Module&&) noexcept = default;
  virtual ~Module();

  /// What the module computes. The default is an Error (unsupported).
  virtual Tensor forward(const Tensor& x);
  /// forward(x); errors inside it name this layer as a context.
  Tensor operator()(const Tensor& x);
  /// What errors inside operator() name as their context: "running layer `head`, Linear(…)".
  std::string running_text() const;

  // ---- registration: each returns what it was given, to be kept as a member
  /// Registers a layer under `name` (no dots, not taken) and returns it.
  template <std::derived_from<Module> Layer>
  Layer layer(std::string name, Layer child) {
    add_child(std::move(name), child);
    return child;
  }
  /// Registers a parameter: a leaf that gets gradients and that optimizers change. A tensor with history is
  /// detached; an undefined one is returned as it is and not registered. Floating point or complex, unless
  /// requires_grad is false.
  Parameter parameter(std::string name, const Tensor& tensor, bool requires_grad = true);
  /// Registers a tensor that is saved and moved with the module but not trained. Undefined: as for
  /// parameters.
  Buffer buffer(std::string name, const Tensor& tensor, const BufferOptions& options = {});

  // ---- discovery, in order of registration; a tensor or module registered twice appears once
  std::vector<Tensor> parameters(bool recurse = true) const;
  std::vector<std::pair<std::string, Tensor>> named_parameters(std::string_view prefix = "",
                                                               bool recurse = true) const;
  std::vector<Tensor> buffers(bool recurse = true) const;
  std::vector<std::pair<std::string, Tensor>> named_buffers(std::string_view prefix = "",
                                                            bool recurse = true) const;
  /// Handles on the layers: they share state with the members, know names, parameters and type_name(), but
  /// cannot run.
  std::vector<std::pair<std::string, Module>> named_children() const;
  std::vector<Module> children() const;
  /// This module ("") and all below it, parents first.
  std::vector<std::pair<std::string, Module>> named_modules() const;
  std::vector<Module> modules() const;
  /// By dotted path ("features.0", "features.0.weight"); an Error (not_found) with suggestions.
  Module get_submodule(std::string_view path) const;
  Tensor get_parameter(std::string_view path) const;
  Tensor get_buffer(std::string_view path) const;

  // ---- saving and loading
  /// All parameters and persistent buffers by dotted name; the tensors share memory with the module's.
  StateDict state_dict(std::string_view prefix = "") const;
  /// Copies values into the parameters and buffers (converting dtype and device). Shapes must agree; strict:
  /// names too. An Error names the first names that differ and their nearest neighbours; then nothing has
  /// been changed. Returns the names that differ (none if strict).
  IncompatibleKeys load_state_dict(const StateDict& dict, bool strict = true);

  // ---- changes of the whole tree; each returns *this
  Module& train(bool training = true);
  Module& eval() { return train(false); }
  bool is_training() const { return state().training; }
  /// Moves parameters, buffers and gradients, behind all handles.
  Module& to(Device device);
  /// Converts the floating-point and complex ones; an Error for another dtype.
  Module& to(DType dtype);
  Module& to(Device device, DType dtype) { return to(device).to(dtype); }
  /// Drops the gradients, or sets them to zero.
  Module& zero_grad(bool set_to_none = true);
  Module& requires_grad_(bool requires_grad = true);
  /// Calls `function` with a handle on each module, children before parents: `net.apply([](nn::Module& m)
  /// {…})`.
  Module& apply(const std::function<void(Module&)>& function);

  // ---- printing
  /// As PyTorch prints modules: `Net(\n  (conv): Conv2d(1, 32, kernel_size=(3, 3), stride=(1, 1))\n)`.
  std::string to_string() const;
  /// "Conv2d", or the name of the user's struct without namespaces.
  virtual std::string type_name() const;
  /// What stands between the brackets: "1, 32, kernel_size=(3, 3)".
  virtual std::string extra_repr() const;

  /// The registry; an Error if this module was moved from.
  ModuleState& state() const {
    if (!state_) [[unlikely]]
      fail_moved_from();
    return *state_;
  }
  const std::shared_ptr<ModuleState>& shared_state() const noexcept { return state_; }

 protected:
  /// Registers a layer that is kept by other means than as a member.
  void add_child(std::string name, const Module& child);

 private:
  explicit Module(std::shared_ptr<ModuleState> state) noexcept : state_(std::move(state)) {}
  /// Writes what only the complete object knows (type_name, extra_repr) into the registry.
  void describe() const;
  [[noreturn]] static void fail_moved_from();

  std::shared_ptr<ModuleState> state_;
};

/// An independent copy: its own parameters, buffers (values copied, no gradients) and training flag; tensors
/// and layers that were shared inside the module are shared inside the copy. M must be the object's own type
/// and keep its parameters as nn::Parameter and nn::Buffer and its layers by value, in containers, or as
/// nn::AnyModule: an Error (unsupported) names what could not be copied.
template <std::derived_from<Module> M>
M clone(const M& module) {
  static_assert(!std::same_as<M, Module>, "clone the object itself, not a handle on it");
  CloneScope scope;
  M copy(module);
  scope.check_complete(module.type_name());
  return copy;
}

std::ostream& operator<<(std::ostream& stream, const Module& module);

}  // namespace rustorch::nn

template <std::derived_from<rustorch::nn::Module> M>
struct fmt::formatter<M> : fmt::formatter<std::string_view> {
  auto format(const M& module, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(module.to_string(), context);
  }
};
