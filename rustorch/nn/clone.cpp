#include <utility>

#include "rustorch/nn/module.h"
#include "rustorch/nn/parameter.h"
#include "rustorch/tensor/gradient.h"

namespace rustorch::nn {

namespace {

thread_local CloneScope* current_scope = nullptr;

Tensor shared_or_cloned(const Tensor& tensor) {
  CloneScope* scope = CloneScope::current();
  return scope == nullptr ? tensor : scope->copy_of(tensor);
}

}  // namespace

Parameter::Parameter(const Parameter& other) : Tensor(shared_or_cloned(other)) {}

Parameter& Parameter::operator=(const Parameter& other) {
  Tensor::operator=(shared_or_cloned(other));
  return *this;
}

CloneScope::CloneScope() noexcept : outer_(std::exchange(current_scope, this)) {}
CloneScope::~CloneScope() { current_scope = outer_; }
CloneScope* CloneScope::current() noexcept { return current_scope; }

std::shared_ptr<ModuleState> CloneScope::copy_of(const std::shared_ptr<ModuleState>& state) {
  if (!state) return nullptr;
  if (!states_.contains(state.get())) roots_.push_back(state);
  std::shared_ptr<ModuleState> copy = copy_tree(state);
  claimed_.insert(copy.get());
  return copy;
}

Tensor CloneScope::copy_of(const Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  Tensor copy = copy_tensor(tensor);
  claimed_.insert(copy.handle().get());
  return copy;
}

std::shared_ptr<ModuleState> CloneScope::copy_tree(const std::shared_ptr<ModuleState>& state) {
  if (const auto known = states_.find(state.get()); known != states_.end()) return known->second;
  auto copy = std::make_shared<ModuleState>(*state);
  states_.emplace(state.get(), copy);
  for (ModuleState::Entry& entry : copy->parameters) entry.tensor = copy_tensor(entry.tensor);
  for (ModuleState::Entry& entry : copy->buffers) entry.tensor = copy_tensor(entry.tensor);
  for (ModuleState::Child& child : copy->children) child.state = copy_tree(child.state);
  return copy;
}

Tensor CloneScope::copy_tensor(const Tensor& tensor) {
  const TensorImpl* key = tensor.handle().get();
  if (const auto known = tensors_.find(key); known != tensors_.end()) return known->second;
  const NoGrad guard;
  Tensor copy = tensor.detach().clone();
  if (tensor.requires_grad()) copy.requires_grad_();
  originals_.push_back(tensor);
  tensors_.emplace(key, copy);
  return copy;
}

void CloneScope::check_complete(const std::string& name) const {
  const auto check = [this, &name](const auto& self, const ModuleState& state,
                                   const std::string& path) -> void {
    const auto named = [&](const std::string& own) { return path.empty() ? own : path + "." + own; };
    for (const auto* entries : {&state.parameters, &state.buffers}) {
      for (const ModuleState::Entry& entry : *entries) {
        if (claimed_.contains(tensors_.at(entry.tensor.handle().get()).handle().get())) continue;
        fail_with_suggestion(ErrorCode::unsupported,
                             "declare the member as nn::Parameter or nn::Buffer, not as Tensor",
                             "clone: no member of the copy holds `{}` of {}", named(entry.name),
                             path.empty() ? name : state.type_name);
      }
    }
    for (const ModuleState::Child& child : state.children) {
      if (!claimed_.contains(states_.at(child.state.get()).get())) {
        fail_with_suggestion(ErrorCode::unsupported,
                             "keep layers by value, in a container, or as nn::AnyModule",
                             "clone: the layer `{}` ({}) was not copied with its owner", named(child.name),
                             child.state->type_name);
      }
      self(self, *child.state, named(child.name));
    }
  };
  for (const std::shared_ptr<ModuleState>& root : roots_) check(check, *root, "");
}

}  // namespace rustorch::nn
