#include "rustorch/nn/module.h"

#include <algorithm>
#include <unordered_set>

#include "rustorch/nn/module_tree.h"
#include "rustorch/tensor/gradient.h"

namespace rustorch::nn {

namespace {

std::shared_ptr<ModuleState> shared_or_cloned(const std::shared_ptr<ModuleState>& state) {
  CloneScope* scope = CloneScope::current();
  return scope == nullptr ? state : scope->copy_of(state);
}

bool holds(const std::vector<ModuleState::Entry>& entries, std::string_view name) {
  return std::any_of(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == name; });
}

void check_name(const ModuleState& state, std::string_view name, std::string_view kind) {
  RUSTORCH_CHECK(!name.empty(), invalid_argument, "the name of a {} must not be empty", kind);
  RUSTORCH_CHECK(name.find('.') == std::string_view::npos, invalid_argument,
                 "the name of a {} must not contain a dot: `{}`", kind, name);
  const bool taken = holds(state.parameters, name) || holds(state.buffers, name) ||
                     std::any_of(state.children.begin(), state.children.end(),
                                 [&](const auto& child) { return child.name == name; });
  RUSTORCH_CHECK(!taken, invalid_argument, "the name `{}` is already taken in this module", name);
}

bool contains(const ModuleState& tree, const ModuleState* wanted) {
  return &tree == wanted || std::any_of(tree.children.begin(), tree.children.end(),
                                        [&](const auto& child) { return contains(*child.state, wanted); });
}

// Collects the tensors of `entries` in each node, each tensor once.
template <class Entries>
std::vector<std::pair<std::string, Tensor>> named_tensors(const ModuleState& root, std::string_view prefix,
                                                          bool recurse, const Entries& entries_of) {
  std::vector<std::pair<std::string, Tensor>> result;
  std::unordered_set<const TensorImpl*> seen;
  const auto collect = [&](const std::string& path, const ModuleState& state) {
    for (const ModuleState::Entry& entry : entries_of(state)) {
      if (seen.insert(entry.tensor.handle().get()).second) {
        result.emplace_back(join_path(path, entry.name), entry.tensor);
      }
    }
  };
  if (recurse) {
    visit_modules(root, prefix, collect);
  } else {
    collect(std::string(prefix), root);
  }
  return result;
}

std::vector<Tensor> without_names(std::vector<std::pair<std::string, Tensor>> named) {
  std::vector<Tensor> tensors;
  tensors.reserve(named.size());
  for (auto& [name, tensor] : named) tensors.push_back(std::move(tensor));
  return tensors;
}

// Replaces a tensor behind its handles, and its gradient with it.
template <class Convert>
void replace(Tensor tensor, const Convert& convert) {
  const Tensor gradient = tensor.grad();
  if (gradient.defined()) tensor.set_grad(Tensor());
  tensor.set_data(convert(tensor.detach()));
  if (gradient.defined()) tensor.set_grad(convert(gradient.detach()));
}

}  // namespace

std::string join_path(std::string_view prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : fmt::format("{}.{}", prefix, name);
}

Module::Module() : state_(std::make_shared<ModuleState>()) {}
Module::Module(const Module& other) : state_(shared_or_cloned(other.state_)) {}
Module& Module::operator=(const Module& other) {
  if (this != &other) state_ = shared_or_cloned(other.state_);
  return *this;
}
Module::~Module() = default;

void Module::fail_moved_from() {
  fail(ErrorCode::invalid_argument, "this module was moved from and is empty");
}

Tensor Module::forward(const Tensor&) { fail(ErrorCode::unsupported, "{} has no forward(x)", type_name()); }

std::string Module::running_text() const {
  const std::string& name = state_ ? state_->name : "";
  return name.empty() ? fmt::format("running {}", type_name())
                      : fmt::format("running layer `{}`, {}({})", name, type_name(), extra_repr());
}

Tensor Module::operator()(const Tensor& x) {
  const ErrorContext context([this] { return running_text(); });
  return forward(x);
}

// ---- registration

void Module::add_child(std::string name, const Module& child) {
  check_name(state(), name, "layer");
  RUSTORCH_CHECK(!contains(child.state(), state_.get()), invalid_argument,
                 "the layer `{}` contains the module that it is registered in", name);
  child.describe();
  child.state_->name = name;
  state_->children.push_back({std::move(name), child.state_});
}

Parameter Module::parameter(std::string name, const Tensor& tensor, bool requires_grad) {
  check_name(state(), name, "parameter");
  if (!tensor.defined()) return Parameter();
  RUSTORCH_CHECK(!requires_grad || is_differentiable(tensor.dtype()), dtype_mismatch,
                 "parameter `{}`: {} tensors have no gradients", name, tensor.dtype());
  Parameter parameter(tensor.is_leaf() && !tensor.is_view() ? tensor : tensor.detach());
  parameter.requires_grad_(requires_grad);
  state_->parameters.push_back({.name = std::move(name), .tensor = parameter});
  return parameter;
}

Buffer Module::buffer(std::string name, const Tensor& tensor, const BufferOptions& options) {
  check_name(state(), name, "buffer");
  if (!tensor.defined()) return Buffer();
  Buffer buffer(tensor.requires_grad() ? tensor.detach() : tensor);
  state_->buffers.push_back({.name = std::move(name),
                             .tensor = buffer,
                             .persistent = options.persistent,
                             .required = options.required});
  return buffer;
}

// ---- discovery

std::vector<std::pair<std::string, Tensor>> Module::named_parameters(std::string_view prefix,
                                                                     bool recurse) const {
  return named_tensors(
      state(), prefix, recurse, [](const ModuleState& node) -> auto& { return node.parameters; });
}
std::vector<std::pair<std::string, Tensor>> Module::named_buffers(std::string_view prefix,
                                                                  bool recurse) const {
  return named_tensors(
      state(), prefix, recurse, [](const ModuleState& node) -> auto& { return node.buffers; });
}
std::vector<Tensor> Module::parameters(bool recurse) const {
  return without_names(named_parameters("", recurse));
}
std::vector<Tensor> Module::buffers(bool recurse) const { return without_names(named_buffers("", recurse)); }

std::vector<std::pair<std::string, Module>> Module::named_children() const {
  std::vector<std::pair<std::string, Module>> result;
  std::unordered_set<const ModuleState*> seen;
  for (const ModuleState::Child& child : state().children) {
    if (seen.insert(child.state.get()).second) result.emplace_back(child.name, Module(child.state));
  }
  return result;
}

std::vector<Module> Module::children() const {
  std::vector<Module> result;
  for (auto& [name, child] : named_children()) result.push_back(std::move(child));
  return result;
}

std::vector<std::pair<std::string, Module>> Module::named_modules() const {
  describe();
  std::vector<std::pair<std::string, Module>> result;
  std::unordered_set<const ModuleState*> seen;
  const auto collect = [&](const auto& self, const std::string& path,
                           const std::shared_ptr<ModuleState>& node) -> void {
    if (!seen.insert(node.get()).second) return;
    result.emplace_back(path, Module(node));
    for (const ModuleState::Child& child : node->children)
      self(self, join_path(path, child.name), child.state);
  };
  collect(collect, "", state_);
  return result;
}

std::vector<Module> Module::modules() const {
  std::vector<Module> result;
  for (auto& [name, module] : named_modules()) result.push_back(std::move(module));
  return result;
}

namespace {

template <class Item>
const Item& find_named(const std::vector<std::pair<std::string, Item>>& items, std::string_view path,
                       std::string_view kind, const std::string& owner) {
  std::vector<std::string> names;
  for (const auto& item : items) {
    if (item.first == path) return item.second;
    names.push_back(item.first);
  }
  fail_with_suggestion(ErrorCode::not_found, did_you_mean(path, names), "{} has no {} `{}`", owner, kind,
                       path);
}

}  // namespace

Module Module::get_submodule(std::string_view path) const {
  const auto all = named_modules();
  return find_named(all, path, "layer", type_name());
}

Tensor Module::get_parameter(std::string_view path) const {
  return find_named(all_parameters(state()), path, "parameter", type_name());
}

Tensor Module::get_buffer(std::string_view path) const {
  return find_named(all_buffers(state()), path, "buffer", type_name());
}

// ---- changes of the whole tree

Module& Module::train(bool training) {
  for (const Module& module : modules()) module.state_->training = training;
  return *this;
}

Module& Module::to(Device device) {
  const NoGrad guard;
  const auto move = [&](const Tensor& tensor) { return tensor.to(device); };
  for (const std::vector<Tensor>& list : {parameters(), buffers()}) {
    for (const Tensor& tensor : list) {
      if (tensor.device() != device) replace(tensor, move);
    }
  }
  return *this;
}

Module& Module::to(DType dtype) {
  RUSTORCH_CHECK(is_differentiable(dtype), dtype_mismatch,
                 "{}: modules convert to floating point or complex, not to {}", type_name(), dtype);
  const NoGrad guard;
  const auto convert = [&](const Tensor& tensor) { return tensor.to(dtype); };
  for (const std::vector<Tensor>& list : {parameters(), buffers()}) {
    for (const Tensor& tensor : list) {
      if (is_differentiable(tensor.dtype()) && tensor.dtype() != dtype) replace(tensor, convert);
    }
  }
  return *this;
}

Module& Module::zero_grad(bool set_to_none) {
  for (Tensor& parameter : parameters()) {
    if (Tensor gradient = parameter.grad(); gradient.defined()) {
      if (set_to_none) {
        parameter.set_grad(Tensor());
      } else {
        gradient.detach().zero_();
      }
    }
  }
  return *this;
}

Module& Module::requires_grad_(bool requires_grad) {
  for (Tensor& parameter : parameters()) parameter.requires_grad_(requires_grad);
  return *this;
}

Module& Module::apply(const std::function<void(Module&)>& function) {
  describe();
  std::unordered_set<const ModuleState*> seen;
  const auto visit = [&](const auto& self, const std::shared_ptr<ModuleState>& node) -> void {
    if (!seen.insert(node.get()).second) return;
    for (const ModuleState::Child& child : node->children) self(self, child.state);
    Module handle(node);
    function(handle);
  };
  visit(visit, state_);
  return *this;
}

}  // namespace rustorch::nn
