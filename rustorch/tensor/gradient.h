#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "rustorch/tensor/tensor.h"

namespace rustorch {

/// Whether operations record gradients on this thread.
bool grad_enabled() noexcept;
void set_grad_enabled(bool enabled) noexcept;

/// While one lives, operations of this thread record no gradients (torch.no_grad).
class NoGrad {
 public:
  NoGrad() noexcept : before_(grad_enabled()) { set_grad_enabled(false); }
  ~NoGrad() { set_grad_enabled(before_); }
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

/// While one lives, operations of this thread record gradients, inside NoGrad too (torch.enable_grad).
class EnableGrad {
 public:
  explicit EnableGrad(bool enabled = true) noexcept : before_(grad_enabled()) { set_grad_enabled(enabled); }
  ~EnableGrad() { set_grad_enabled(before_); }
  EnableGrad(const EnableGrad&) = delete;
  EnableGrad& operator=(const EnableGrad&) = delete;

 private:
  bool before_;
};

using TensorList = std::vector<Tensor>;
/// Gradients on their way through a backward: in pooled memory, as the nodes.
using GradientList = std::vector<Tensor, ObjectAllocator<Tensor>>;

class GradientNode;

/// Where a gradient flows on to: output `index` of the operation `node`.
struct GradientEdge {
  std::shared_ptr<GradientNode> node;
  std::uint32_t index = 0;
};

/// One recorded operation of the graph that backward walks.
class GradientNode : public PooledObject {
 public:
  /// What the engine must know of a forward input to hand its gradient on: gradients are summed over the dims
  /// that were broadcast, and cast, in the engine, so that closures need not.
  struct Input {
    GradientEdge edge;
    Shape shape;
    DType dtype;
  };
  struct Output {
    Shape shape;
    DType dtype;
    Device device;
    std::vector<std::function<Tensor(const Tensor&)>> hooks;
    /// retain_grad: the gradient is stored here on the way.
    std::shared_ptr<Tensor> retained;
  };

  GradientNode(const char* name, std::initializer_list<const Tensor*> inputs);
  GradientNode(const char* name, const TensorList& inputs);
  virtual ~GradientNode();
  GradientNode(const GradientNode&) = delete;
  GradientNode& operator=(const GradientNode&) = delete;

  const char* name() const noexcept { return name_; }
  using Inputs = std::vector<Input, ObjectAllocator<Input>>;
  using Outputs = std::vector<Output, ObjectAllocator<Output>>;
  Inputs& inputs() noexcept { return inputs_; }
  Outputs& outputs() noexcept { return outputs_; }
  /// Whether the gradient of forward input i is wanted: closures may skip the others.
  bool needs(std::size_t i) const noexcept { return inputs_[i].edge.node != nullptr; }
  /// Gradients of the inputs from those of the outputs (undefined where none arrived). Undefined results mean
  /// zero.
  virtual GradientList apply(const GradientList& output_gradients) = 0;
  /// Frees what the closure saved; apply is an error afterwards.
  virtual void release() noexcept = 0;
  virtual bool released() const noexcept = 0;
  /// Grows along the graph: a node's number is higher than those of all nodes it leads to.
  std::uint64_t sequence() const noexcept { return sequence_; }

 private:
  const char* name_;
  std::uint64_t sequence_;
  Inputs inputs_;
  Outputs outputs_;
};

/// The autograd state of a tensor.
struct GradientRecord : PooledObject {
  bool requires_grad = false;  ///< set by the user on leaves
  Tensor grad;
  std::shared_ptr<GradientNode> node;  ///< the operation that made this tensor; null on leaves
  std::uint32_t output_index = 0;
  std::weak_ptr<GradientNode> producer;     ///< on values that a closure saved of its own result (no cycle)
  std::shared_ptr<Tensor> retained;         ///< on results that asked for retain_grad: shared with the node
  std::weak_ptr<GradientNode> accumulator;  ///< on leaves: the node that adds to grad
  std::vector<std::function<Tensor(const Tensor&)>> leaf_hooks;
};

/// Where gradients of this tensor go: null node if it does not require any.
GradientEdge gradient_edge(const Tensor& tensor);

/// A tensor that a backward closure keeps, with the check that nobody changed it since: `[x = Saved(x)]`,
/// `*x`.
class Saved {
 public:
  Saved() = default;
  explicit Saved(const Tensor& tensor) : tensor_(tensor), version_(tensor.defined() ? tensor.version() : 0) {}
  /// The tensor; an Error that names the running operation if it was changed in place since it was saved.
  const Tensor& operator*() const;
  const Tensor* operator->() const { return &**this; }
  explicit operator bool() const noexcept { return tensor_.defined(); }

 private:
  Tensor tensor_;
  std::uint64_t version_ = 0;
};

/// Which inputs' gradients are wanted, for closures that take a second parameter.
class Needs {
 public:
  explicit Needs(const GradientNode& node) : node_(&node) {}
  bool operator[](std::size_t input) const noexcept { return node_->needs(input); }

 private:
  const GradientNode* node_;
};

namespace gradient_detail {

bool wanted(std::initializer_list<const Tensor*> inputs) noexcept;
bool wanted(const TensorList& inputs) noexcept;
/// Attaches node to y: to y itself where nobody else holds it, else to a new handle of the same data.
Tensor attach(Tensor y, std::shared_ptr<GradientNode> node, std::uint32_t output_index);
std::shared_ptr<GradientNode> keep(std::unique_ptr<GradientNode> node);
[[noreturn]] void fail_released(const char* name);
/// The engine says whose backward runs, for the errors of Saved; nullptr when none does.
void set_running(const char* name) noexcept;

inline GradientList as_list(Tensor g) {
  GradientList list;
  list.push_back(std::move(g));
  return list;
}
template <class List>
GradientList as_list(List list) {
  return GradientList(std::make_move_iterator(list.begin()), std::make_move_iterator(list.end()));
}

template <class Closure>
class ClosureNode final : public GradientNode {
 public:
  template <class Inputs>
  ClosureNode(const char* name, const Inputs& inputs, Closure closure)
      : GradientNode(name, inputs), closure_(std::move(closure)) {}
  GradientList apply(const GradientList& g) override {
    if (!closure_) fail_released(name());
    if constexpr (std::is_invocable_v<Closure&, const GradientList&, Needs>) {
      return as_list((*closure_)(g, Needs(*this)));
    } else if constexpr (std::is_invocable_v<Closure&, const Tensor&, Needs>) {
      return as_list((*closure_)(g[0], Needs(*this)));
    } else if constexpr (std::is_invocable_v<Closure&, const Tensor&>) {
      return as_list((*closure_)(g[0]));
    } else {
      return as_list((*closure_)(g));
    }
  }
  void release() noexcept override { closure_.reset(); }
  bool released() const noexcept override { return !closure_.has_value(); }

 private:
  std::optional<Closure> closure_;
};

}  // namespace gradient_detail

/// Records how gradients flow through an operation. `closure` takes the gradient of y (`const Tensor&`), and
/// optionally `Needs`, and gives the gradients of the inputs: one Tensor, a std::array or a TensorList,
/// undefined where there is none. It keeps values as Saved. What it returns may have the broadcast shape of
/// the result: the engine sums. Written in tensor operations it can be differentiated again. Returns y, with
/// history if any input requires it.
template <class Closure>
Tensor with_gradient(Tensor y, const char* name, std::initializer_list<const Tensor*> inputs,
                     Closure&& closure) {
  if (!gradient_detail::wanted(inputs)) return y;
  auto node = gradient_detail::keep(std::make_unique<gradient_detail::ClosureNode<std::decay_t<Closure>>>(
      name, inputs, std::forward<Closure>(closure)));
  return gradient_detail::attach(std::move(y), std::move(node), 0);
}

/// The same for inputs that are only known as a list (cat, stack …).
template <class Closure>
Tensor with_gradient(Tensor y, const char* name, const TensorList& inputs, Closure&& closure) {
  if (!gradient_detail::wanted(inputs)) return y;
  auto node = gradient_detail::keep(std::make_unique<gradient_detail::ClosureNode<std::decay_t<Closure>>>(
      name, inputs, std::forward<Closure>(closure)));
  return gradient_detail::attach(std::move(y), std::move(node), 0);
}

/// The same for several results: the closure takes `const GradientList&` (undefined where no gradient
/// arrived). Results whose dtype is not differentiable (indices) pass through without history.
template <class Closure>
TensorList with_gradients(TensorList results, const char* name, const TensorList& inputs, Closure&& closure) {
  if (!gradient_detail::wanted(inputs)) return results;
  auto node = gradient_detail::keep(std::make_unique<gradient_detail::ClosureNode<std::decay_t<Closure>>>(
      name, inputs, std::forward<Closure>(closure)));
  for (std::uint32_t i = 0; i < results.size(); ++i) {
    results[i] = gradient_detail::attach(std::move(results[i]), node, i);
  }
  return results;
}

/// A view of x with `layout` (or what alias takes to make one of x's), recorded so that in-place operations
/// on it reach x. `closure` gives x's gradient.
template <class LayoutOrChange, class Closure>
Tensor view_of(const Tensor& x, LayoutOrChange&& layout, const char* name, Closure&& closure) {
  return with_gradient(alias(x, std::forward<LayoutOrChange>(layout)), name, {&x},
                       std::forward<Closure>(closure));
}

/// Ends an in-place operation that has history: x takes the values and the history of `result` (same shape).
/// Errors for leaves that require gradients, as PyTorch.
Tensor& assign_in_place(Tensor& x, const Tensor& result);

/// Errors if x must not be changed in place now: a leaf that requires gradients (in grad mode), or
/// overlapping memory.
void check_in_place(const Tensor& x, const char* op);

/// Whether an in-place operation on x with these operands must record history.
bool in_place_needs_gradient(const Tensor& x, std::initializer_list<const Tensor*> operands) noexcept;

}  // namespace rustorch
