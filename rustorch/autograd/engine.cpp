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
  TensorList gradients;
  std::vector<std::size_t> captures;  // targets (indices) whose gradient is an output gradient of this node
  bool needed = true;
};

class Walk {
 public:
  Walk(bool retain_graph, bool create_graph) : retain_graph_(retain_graph), create_graph_(create_graph) {}

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
    for (GradientNode* node : order_) {
      Task& task = tasks_.at(node);
      if (!task.needed || std::none_of(task.gradients.begin(), task.gradients.end(),
                                       [](const Tensor& g) { return g.defined(); })) {
        continue;
      }
      step(task);
    }
    gradient_detail::set_running(nullptr);
    return std::move(targets_);
  }

 private:
  template <class T>
  using List = std::vector<T, ObjectAllocator<T>>;

  Task& task_of(const std::shared_ptr<GradientNode>& node) {
    Task& task = tasks_[node.get()];
    if (task.node == nullptr) {
      task.node = node.get();
      task.owner = node;
      task.gradients.resize(node->outputs().size());
    }
    return task;
  }

  /// All nodes in reach, latest first: a node's number is above those of all it leads to, so this order is
  /// topological.
  void discover() {
    List<GradientNode*> open;
    for (const auto& [node, task] : tasks_) open.push_back(node);
    order_ = open;
    while (!open.empty()) {
      GradientNode* node = open.back();
      open.pop_back();
      for (const GradientNode::Input& input : node->inputs()) {
        GradientNode* next = input.edge.node.get();
        if (next == nullptr || tasks_.contains(next)) continue;
        task_of(input.edge.node);
        order_.push_back(next);
        open.push_back(next);
      }
    }
    std::sort(order_.begin(), order_.end(),
              [](const GradientNode* a, const GradientNode* b) { return a->sequence() > b->sequence(); });
  }

  void mark_needed() {
    for (std::size_t i = 0; i < target_edges_.size(); ++i) {
      const auto found = tasks_.find(target_edges_[i].node.get());
      if (found != tasks_.end()) found->second.captures.push_back(i);
    }
    for (auto node = order_.rbegin(); node != order_.rend(); ++node) {
      Task& task = tasks_.at(*node);
      task.needed = !task.captures.empty();
      for (const GradientNode::Input& input : (*node)->inputs()) {
        if (input.edge.node && tasks_.at(input.edge.node.get()).needed) task.needed = true;
      }
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
    const bool leaf = node.inputs().empty();
    if (leaf && capturing_) return;
    if (std::none_of(node.inputs().begin(), node.inputs().end(),
                     [&](const GradientNode::Input& input) {
                       return input.edge.node && tasks_.at(input.edge.node.get()).needed;
                     }) &&
        !leaf) {
      return;
    }

    gradient_detail::set_running(node.name());
    const auto describe = [&] { return fmt::format("computing the gradient of {}", node.name()); };
    const ErrorContext context(describe);
    TensorList gradients = node.apply(task.gradients);
    task.gradients.clear();
    if (!retain_graph_) node.release();
    for (std::size_t i = 0; i < gradients.size() && i < node.inputs().size(); ++i) {
      const GradientNode::Input& input = node.inputs()[i];
      if (!input.edge.node || !gradients[i].defined()) continue;
      Task& next = tasks_.at(input.edge.node.get());
      if (next.needed) accumulate(next, input.edge.index, fit(std::move(gradients[i]), input));
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
  List<GradientNode*> order_;
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
