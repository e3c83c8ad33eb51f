#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "rustorch/tensor/tensor.h"

namespace rustorch::nn {

struct ModuleState;

/// A tensor that a module has registered (torch.nn.Parameter, torch.nn.Buffer), as its member: a Tensor
/// handle that nn::clone knows how to point at the copy's own tensor. Made by Module::parameter and
/// Module::buffer.
class Parameter : public Tensor {
 public:
  Parameter() noexcept = default;
  Parameter(const Parameter& other);
  Parameter(Parameter&&) noexcept = default;
  Parameter& operator=(const Parameter& other);
  Parameter& operator=(Parameter&&) noexcept = default;
  ~Parameter() = default;

 private:
  friend class Module;
  explicit Parameter(Tensor tensor) noexcept : Tensor(std::move(tensor)) {}
};
using Buffer = Parameter;

/// While one lives, copies of modules and parameters on this thread are independent of their originals: the
/// machinery of nn::clone. It maps each registry and each tensor to its one copy, so that sharing inside a
/// module is kept.
class CloneScope {
 public:
  CloneScope() noexcept;
  ~CloneScope();
  CloneScope(const CloneScope&) = delete;
  CloneScope& operator=(const CloneScope&) = delete;
  /// The innermost one of this thread, or nullptr.
  static CloneScope* current() noexcept;

  /// The copy of a registry, made with all below it when it is first seen.
  std::shared_ptr<ModuleState> copy_of(const std::shared_ptr<ModuleState>& state);
  /// The copy of a tensor.
  Tensor copy_of(const Tensor& tensor);
  /// An Error (unsupported) if a registry or tensor was copied to which no copied object points. `name` is
  /// the type of what was copied.
  void check_complete(const std::string& name) const;

 private:
  std::shared_ptr<ModuleState> copy_tree(const std::shared_ptr<ModuleState>& state);
  Tensor copy_tensor(const Tensor& tensor);

  CloneScope* outer_;
  std::vector<std::shared_ptr<ModuleState>> roots_;  // of the originals, in the order they were seen
  std::unordered_map<const ModuleState*, std::shared_ptr<ModuleState>> states_;
  std::unordered_map<const TensorImpl*, Tensor> tensors_;
  std::vector<Tensor> originals_;  // kept alive: their addresses are keys
  std::unordered_set<const void*> claimed_;
};

}  // namespace rustorch::nn
