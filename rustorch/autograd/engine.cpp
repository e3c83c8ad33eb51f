#include <algorithm>
#include <unordered_map>

#include "rustorch/autograd/autograd.h"
#include "rustorch/tensor/lazy.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/reduction.h"

namespace rustorch::autograd {
namespace {

/// A node of the part of the graph that this backward walks, with the gradients that arrived for its outputs.
struct Task {
  GradientNode* node = nullptr;
  std::shared_ptr<GradientNode> owner;
  GradientList gradients;
  std::size_t first_edge = 0;         // the tasks that its inputs' gradients go to: Walk::edges_ from here
  std::vector<std::size_t> captures;  // targets (indices) whose gradient is an output gradient of this node
  bool needed = true;                 // its gradients are wanted
  bool leads_on = true;               // and those of nodes behind it, or it adds to a leaf's grad
};

class Walk {
 public:
  Walk(bool retain_graph, bool create_graph) : retain_graph_(retain_graph), create_graph_(create_graph) {
    constexpr std::size_t few = 12;  // a small graph should not make these grow
    tasks_.reserve(few);
    order_.reserve(few);
    edges_.reserve(few);
  }

  void add_root(const Tensor& output, Tensor gradient) {
    const GradientEdge edge = gradient_edge(output);
    accumulate(task_of(edge.node), edge.index, std::move(gradient));
  }

  /// With targets only the paths to them are walked, and leaves are left alone.
  void set_targets(const TensorList& inputs) {
    capturing_ = true;
    targets_.resize(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) target_edges_.push_back(gradient_edge(inputs[i]));
  }

  TensorList run() {
    discover();
    if (capturing_) mark_needed();
    const EnableGrad mode(create_graph_);
    for (Task* task : order_) {
      const bool arrived = std::any_of(task->gradients.begin(), task->gradients.end(),
                                       [](const Tensor& g) { return g.defined(); });
      if (task->needed && arrived) step(*task);
    }
    gradient_detail::set_running(nullptr);
    return std::move(targets_);
  }

 private:
  template <class T>
  using List = std::vector<T, ObjectAllocator<T>>;

  /// The task of a node, which is new to the walk or known.
  Task& task_of(const std::shared_ptr<GradientNode>& node) {
    const auto [place, is_new] = tasks_.try_emplace(node.get());
    Task& task = place->second;
    if (is_new) {
      task.node = node.get();
      task.owner = node;
      task.gradients.resize(node->outputs().size());
      order_.push_back(&task);  // the map never moves its values
    }
    return task;
  }

  /// All nodes in reach, latest first: a node's number is above those of all it leads to, so this order is
  /// topological.
  void discover() {
    for (std::size_t next = 0; next < order_.size(); ++next) {
      Task& task = *order_[next];
      task.first_edge = edges_.size();
      for (const GradientNode::Input& input : task.node->inputs()) {
        edges_.push_back(input.edge.node ? &task_of(input.edge.node) : nullptr);
      }
    }
    std::sort(order_.begin(), order_.end(),
              [](const Task* a, const Task* b) { return a->node->sequence() > b->node->sequence(); });
  }

  /// With targets, the tasks on the way to one.
  void mark_needed() {
    for (std::size_t i = 0; i < target_edges_.size(); ++i) {
      const auto found = tasks_.find(target_edges_[i].node.get());
      if (found != tasks_.end()) found->second.captures.push_back(i);
    }
    for (auto place = order_.rbegin(); place != order_.rend(); ++place) {
      Task& task = **place;
      const auto first = edges_.begin() + static_cast<std::ptrdiff_t>(task.first_edge);
      task.leads_on = std::any_of(first, first + static_cast<std::ptrdiff_t>(task.node->inputs().size()),
                                  [](const Task* next) { return next != nullptr && next->needed; });
      task.needed = task.leads_on || !task.captures.empty();
    }
  }

  void step(Task& task) {
    GradientNode& node = *task.node;
    for (std::size_t i = 0; i < task.gradients.size(); ++i) {
      Tensor& gradient = task.gradients[i];
      const GradientNode::Output& output = node.outputs()[i];
      if (!gradient.defined()) continue;
      for (const auto& hook : output.hooks) {
        if (Tensor replaced = hook(gradient); replaced.defined()) gradient = std::move(replaced);
      }
      if (output.retained) {
        *output.retained = output.retained->defined() ? add(*output.retained, gradient) : gradient;
      }
    }
    for (const std::size_t target : task.captures)
      targets_[target] = task.gradients[target_edges_[target].index];
    if (!task.leads_on) return;

    gradient_detail::set_running(node.name());
    const auto describe = [&] { return fmt::format("computing the gradient of {}", node.name()); };
    const ErrorContext context(describe);
    GradientList gradients = node.apply(task.gradients);
    task.gradients.clear();
    if (!retain_graph_) node.release();
    for (std::size_t i = 0; i < gradients.size() && i < node.inputs().size(); ++i) {
      const GradientNode::Input& input = node.inputs()[i];
      Task* const next = edges_[task.first_edge + i];
      if (next == nullptr || !next->needed || !gradients[i].defined()) continue;
      accumulate(*next, input.edge.index, fit(std::move(gradients[i]), input));
    }
  }

  /// The one place where gradients are summed over broadcast dims and cast to their input's dtype.
  static Tensor fit(Tensor gradient, const GradientNode::Input& input) {
    if (!(gradient.shape() == input.shape)) gradient = sum_to_shape(gradient, input.shape);
    if (gradient.dtype() != input.dtype) gradient = gradient.to(input.dtype);
    return gradient;
  }

  void accumulate(Task& task, std::size_t index, Tensor gradient) {
    Tensor& sum = task.gradients[index];
    if (!sum.defined()) {
      sum = std::move(gradient);
    } else if (!create_graph_ && !is_pending(sum) && sum.handle()->use_count() == 1 &&
               sum.storage()->use_count() == 1 && sum.layout().is_dense()) {
      sum.add_(gradient);
    } else {
      sum = add(sum, gradient);
    }
  }

  bool retain_graph_, create_graph_, capturing_ = false;
  std::unordered_map<GradientNode*, Task, std::hash<GradientNode*>, std::equal_to<>,
                     ObjectAllocator<std::pair<GradientNode* const, Task>>>
      tasks_;
  List<Task*> order_;  // latest first, once discovered
  List<Task*> edges_;  // of all tasks, one after the other; null where an input takes no gradient
  std::vector<GradientEdge> target_edges_;
  TensorList targets_;
};

void add_roots(Walk& walk, const TensorList& outputs, const TensorList& grad_outputs) {
  RUSTORCH_CHECK(grad_outputs.empty() || grad_outputs.size() == outputs.size(), autograd,
                 "backward: {} gradients for {} outputs", grad_outputs.size(), outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& output = outputs[i];
    if (!output.requires_grad()) {
      fail_with_suggestion(
          ErrorCode::autograd, "set requires_grad on the inputs, and do not compute under NoGrad",
          "backward: output {} of shape {} does not require gradients and no operation recorded it", i,
          output.shape());
    }
    Tensor gradient = grad_outputs.empty() ? Tensor() : grad_outputs[i];
    if (!gradient.defined()) {
      if (output.numel() != 1) {
        fail_with_suggestion(
            ErrorCode::autograd, "call sum() or mean() first, or pass a gradient of the output's shape",
            "backward: the gradient of an output of shape {} must be given, only outputs with one "
            "element have an implicit one",
            output.shape());
      }
      gradient = ones(output.shape(), {.dtype = output.dtype(), .device = output.device()});
    }
    RUSTORCH_CHECK(gradient.shape() == output.shape(), shape_mismatch,
                   "backward: a gradient of shape {} for an output of shape {}", gradient.shape(),
                   output.shape());
    RUSTORCH_CHECK(gradient.device() == output.device(), device_mismatch,
                   "backward: a gradient on {} for an output on {}", gradient.device(), output.device());
    walk.add_root(output, std::move(gradient));
  }
}

}  // namespace

void backward(const TensorList& outputs, const TensorList& grad_outputs, bool retain_graph,
              bool create_graph) {
  Walk walk(retain_graph || create_graph, create_graph);
  add_roots(walk, outputs, grad_outputs);
  walk.run();
}

TensorList grad(const TensorList& outputs, const TensorList& inputs, const TensorList& grad_outputs,
                bool retain_graph, bool create_graph, bool allow_unused) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    RUSTORCH_CHECK(inputs[i].requires_grad(), autograd,
                   "grad: input {} of shape {} does not require gradients", i, inputs[i].shape());
  }
  Walk walk(retain_graph || create_graph, create_graph);
  add_roots(walk, outputs, grad_outputs);
  walk.set_targets(inputs);
  TensorList gradients = walk.run();
  for (std::size_t i = 0; i < gradients.size() && !allow_unused; ++i) {
    if (!gradients[i].defined()) {
      fail_with_suggestion(ErrorCode::autograd, "pass allow_unused = true if that is meant",
                           "grad: the outputs do not depend on input {} of shape {}", i, inputs[i].shape());
    }
  }
  return gradients;
}

}  // namespace rustorch::autograd

namespace rustorch {

void Tensor::backward(const Tensor& gradient, bool retain_graph, bool create_graph) const {
  autograd::backward({*this}, gradient.defined() ? TensorList{gradient} : TensorList{}, retain_graph,
                     create_graph);
}

}  // namespace rustorch
