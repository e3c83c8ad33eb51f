#include "rustorch/tensor/gradient.h"

#include <atomic>
#include <mutex>

#include "rustorch/tensor/lazy.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/view_gradient.h"

namespace rustorch {
namespace {

// initial-exec spares the call that finds a library's thread-local data.
[[gnu::tls_model("initial-exec")]] thread_local constinit bool recording = true;
std::atomic<std::uint64_t> next_sequence{1};
[[gnu::tls_model("initial-exec")]] thread_local constinit const char* running_backward = nullptr;

GradientRecord& record_of(TensorImpl& impl) {
  if (!impl.gradient) impl.gradient = std::make_unique<GradientRecord>();
  return *impl.gradient;
}

bool history_is_stale(const TensorImpl& impl) noexcept {
  return impl.view_base && impl.view_base->history_version != impl.history_version;
}

/// Whether gradients flow to this tensor, without making any node.
bool takes_gradient(const TensorImpl& impl) noexcept {
  if (history_is_stale(impl)) return takes_gradient(*impl.view_base);
  const GradientRecord* record = impl.gradient.get();
  return record != nullptr &&
         (record->requires_grad || record->node != nullptr || !record->producer.expired());
}

/// The end of the graph at a leaf: adds what arrives to the leaf's grad.
class AccumulateGradient final : public GradientNode {
 public:
  explicit AccumulateGradient(IntrusivePointer<TensorImpl> leaf)
      : GradientNode("accumulate_grad", std::initializer_list<const Tensor*>{}), leaf_(std::move(leaf)) {
    outputs().push_back({leaf_->layout.shape, leaf_->dtype, leaf_->storage->device(), {}, nullptr});
  }
  GradientList apply(const GradientList& gradients) override {
    Tensor gradient = gradients[0];
    if (!gradient.defined()) return {};
    GradientRecord& record = record_of(*leaf_);
    for (const auto& hook : record.leaf_hooks) {
      if (Tensor replaced = hook(gradient); replaced.defined()) gradient = std::move(replaced);
    }
    if (grad_enabled()) {  // create_graph: the sum belongs to the graph
      record.grad = record.grad.defined() ? add(record.grad, gradient) : gradient;
    } else if (record.grad.defined()) {
      record.grad.add_(gradient);
    } else {
      record.grad = own(gradient);
    }
    materialize(record.grad);  // it would hold on to what the forward saved
    return {};
  }
  void release() noexcept override {}
  bool released() const noexcept override { return false; }

 private:
  /// The gradient itself where nobody else holds its memory and it lies as the leaf does, else a copy that
  /// does.
  Tensor own(const Tensor& gradient) const {
    const bool unshared = gradient.storage()->use_count() == 1 && gradient.handle()->use_count() <= 2;
    if (unshared && gradient.layout() == leaf_->layout) return gradient.detach();
    Layout layout = Layout::dense_like(leaf_->layout.shape, leaf_->layout);
    Tensor copy = allocate(layout, gradient.dtype(), gradient.device());
    copy.copy_(gradient);
    return copy;
  }
  IntrusivePointer<TensorImpl> leaf_;
};

/// Deletes nodes one after the other: a chain of a million operations must not recurse a million destructors.
struct DeleteIteratively {
  void operator()(GradientNode* node) const {
    [[gnu::tls_model("initial-exec")]] thread_local constinit std::vector<GradientNode*>* pending = nullptr;
    if (pending != nullptr) {
      pending->push_back(node);
      return;
    }
    std::vector<GradientNode*> list{node};
    pending = &list;
    while (!list.empty()) {
      GradientNode* next = list.back();
      list.pop_back();
      delete next;
    }
    pending = nullptr;
  }
};

GradientNode::Input describe_input(const Tensor* tensor) {
  if (tensor == nullptr || !tensor->defined()) return {{}, {}, DType::float32};
  return {is_differentiable(tensor->dtype()) ? gradient_edge(*tensor) : GradientEdge{}, tensor->shape(),
          tensor->dtype()};
}

}  // namespace

bool grad_enabled() noexcept { return recording; }
void set_grad_enabled(bool enabled) noexcept { recording = enabled; }

GradientNode::GradientNode(const char* name, std::initializer_list<const Tensor*> inputs) : name_(name) {
  inputs_.reserve(inputs.size());
  for (const Tensor* input : inputs) inputs_.push_back(describe_input(input));
  sequence_ = next_sequence.fetch_add(1, std::memory_order_relaxed);  // after the inputs' nodes exist
}

GradientNode::GradientNode(const char* name, const TensorList& inputs) : name_(name) {
  inputs_.reserve(inputs.size());
  for (const Tensor& input : inputs) inputs_.push_back(describe_input(&input));
  sequence_ = next_sequence.fetch_add(1, std::memory_order_relaxed);
}

GradientNode::~GradientNode() = default;

GradientEdge gradient_edge(const Tensor& tensor) {
  TensorImpl& impl = tensor.impl();
  if (history_is_stale(impl)) {
    // Someone changed the base (or another view of it) in place with history: this view is now a view of that
    // result.
    const Tensor base(impl.view_base);
    impl.history_version = impl.view_base->history_version;
    GradientRecord& record = record_of(impl);
    record.node = nullptr;
    record.producer.reset();
    if (takes_gradient(*impl.view_base)) {
      auto closure = [base_layout = impl.view_base->layout, layout = impl.layout](const Tensor& g) {
        return strided_scatter(g, base_layout, layout);
      };
      record.node = gradient_detail::keep(std::make_unique<gradient_detail::ClosureNode<decltype(closure)>>(
          "as_strided", std::initializer_list<const Tensor*>{&base}, std::move(closure)));
      record.node->outputs().push_back({impl.layout.shape, impl.dtype, impl.storage->device(), {}, nullptr});
      record.output_index = 0;
    }
  }
  GradientRecord* record = impl.gradient.get();
  if (record == nullptr) return {};
  if (record->node) return {record->node, record->output_index};
  if (auto producer = record->producer.lock()) return {std::move(producer), record->output_index};
  if (!record->requires_grad) return {};
  static std::mutex mutex;  // two threads may meet a shared parameter for the first time at once
  const std::lock_guard lock(mutex);
  std::shared_ptr<GradientNode> accumulator = record->accumulator.lock();
  if (!accumulator) {
    accumulator = gradient_detail::keep(std::make_unique<AccumulateGradient>(tensor.handle()));
    record->accumulator = accumulator;
  }
  return {std::move(accumulator), 0};
}

const Tensor& Saved::operator*() const {
  if (tensor_.defined() && tensor_.version() != version_) {
    fail_with_suggestion(
        ErrorCode::autograd, "clone the value before the in-place operation, or use the out-of-place form",
        "the backward of {} needs a tensor of shape {} that an in-place operation changed after it was saved "
        "(version {}, expected {})",
        running_backward == nullptr ? "an operation" : running_backward, tensor_.shape(), tensor_.version(),
        version_);
  }
  return tensor_;
}

namespace gradient_detail {

bool wanted(std::initializer_list<const Tensor*> inputs) noexcept {
  if (!recording) return false;
  for (const Tensor* input : inputs) {
    if (input != nullptr && input->defined() && takes_gradient(input->impl())) return true;
  }
  return false;
}

bool wanted(const TensorList& inputs) noexcept {
  if (!recording) return false;
  for (const Tensor& input : inputs) {
    if (input.defined() && takes_gradient(input.impl())) return true;
  }
  return false;
}

std::shared_ptr<GradientNode> keep(std::unique_ptr<GradientNode> node) {
  return {node.release(), DeleteIteratively{}, ObjectAllocator<GradientNode>{}};
}

void fail_released(const char* name) {
  fail_with_suggestion(ErrorCode::autograd, "pass retain_graph = true to the first backward",
                       "backward through {} a second time: what it saved was freed by the first", name);
}

Tensor attach(Tensor y, std::shared_ptr<GradientNode> node, std::uint32_t output_index) {
  auto& outputs = node->outputs();
  if (outputs.size() <= output_index) outputs.resize(output_index + 1);
  if (!y.defined()) return y;
  outputs[output_index] = {y.shape(), y.dtype(), y.device(), {}, {}};
  if (!is_differentiable(y.dtype())) return y;
  if (y.handle()->use_count() > 1) {
    // The closure saved this very result. It keeps a handle that points back weakly, or the graph would own
    // itself.
    TensorImpl& saved = y.impl();
    GradientRecord& record = record_of(saved);
    record.producer = node;
    record.output_index = output_index;
    auto fresh = IntrusivePointer<TensorImpl>::make(saved.storage, saved.layout, saved.dtype);
    fresh->view_base = saved.view_base;
    fresh->history_version = saved.history_version;
    y = Tensor(std::move(fresh));
  }
  GradientRecord& record = record_of(y.impl());
  record.node = std::move(node);
  record.output_index = output_index;
  return y;
}

void set_running(const char* name) noexcept { running_backward = name; }

}  // namespace gradient_detail

// ---- in-place operations

void check_in_place(const Tensor& x, const char* op) {
  const TensorImpl& impl = x.impl();
  if (recording) {
    const auto leaf_wants = [](const TensorImpl& tensor) {
      return tensor.gradient && tensor.gradient->requires_grad && !tensor.gradient->node;
    };
    if (leaf_wants(impl) || (impl.view_base && leaf_wants(*impl.view_base))) {
      fail_with_suggestion(ErrorCode::autograd,
                           "do it inside a scope with NoGrad, or use the out-of-place form",
                           "{}: {} that requires gradients is changed in place", op,
                           impl.view_base ? "a view of a leaf" : "a leaf");
    }
  }
  if (impl.layout.may_overlap_itself()) {
    fail_with_suggestion(ErrorCode::layout, "clone it first",
                         "{}: the tensor of shape {} and strides {} has several indices for one element", op,
                         impl.layout.shape, impl.layout.strides);
  }
}

bool in_place_needs_gradient(const Tensor& x, std::initializer_list<const Tensor*> operands) noexcept {
  if (!recording) return false;
  return takes_gradient(x.impl()) || gradient_detail::wanted(operands);
}

Tensor& assign_in_place(Tensor& x, const Tensor& result) {
  RUSTORCH_CHECK(result.shape() == x.shape(), shape_mismatch,
                 "an in-place operation on shape {} made a result of shape {}", x.shape(), result.shape());
  const Tensor value = result.to(x.dtype());
  {
    const NoGrad no_grad;
    const Operand source = value;
    elementwise_into(x, Op::copy, {&source, 1});
  }
  if (!recording) return x;
  const GradientEdge edge = gradient_edge(value);
  TensorImpl& impl = x.impl();
  if (!impl.view_base) {
    GradientRecord& record = record_of(impl);
    record.node = edge.node;
    record.output_index = edge.index;
    record.producer.reset();
    ++impl.history_version;  // views of x follow
    return x;
  }
  // x is a view: its base becomes "the old base with this region replaced".
  const Tensor base(impl.view_base);
  if (!edge.node && !takes_gradient(*impl.view_base)) return x;
  auto closure = [base_layout = base.layout(), layout = impl.layout](const Tensor& g, Needs needs) {
    const Tensor dense = g.layout() == base_layout ? g : [&] {
      Tensor copy = allocate(Layout(base_layout.shape, base_layout.strides), g.dtype(), g.device());
      copy.copy_(g);
      return copy;
    }();
    const auto region = [&](const Tensor& of) {
      return of.as_strided(layout.shape, layout.strides,
                           of.storage_offset() + layout.offset - base_layout.offset);
    };
    std::array<Tensor, 2> gradients;
    if (needs[0]) {
      Tensor rest = dense.clone();
      region(rest).zero_();
      gradients[0] = rest;
    }
    if (needs[1]) gradients[1] = region(dense);
    return gradients;
  };
  auto node = gradient_detail::keep(std::make_unique<gradient_detail::ClosureNode<decltype(closure)>>(
      "copy_slices", std::initializer_list<const Tensor*>{&base, &value}, std::move(closure)));
  node->outputs().push_back({base.shape(), base.dtype(), base.device(), {}, nullptr});
  GradientRecord& record = record_of(*impl.view_base);
  record.node = std::move(node);
  record.output_index = 0;
  ++impl.view_base->history_version;  // x itself and all other views follow the base from now on
  return x;
}

// ---- the autograd members of Tensor that need no engine

bool Tensor::requires_grad() const noexcept { return impl_ && takes_gradient(*impl_); }

Tensor& Tensor::requires_grad_(bool wanted) {
  TensorImpl& self = impl();
  RUSTORCH_CHECK(!wanted || is_differentiable(self.dtype), autograd,
                 "only floating-point and complex tensors can require gradients, this one is {}", self.dtype);
  RUSTORCH_CHECK(wanted || is_leaf(), autograd,
                 "the result of {} cannot stop requiring gradients: use detach()", grad_fn_name());
  if (wanted || self.gradient) record_of(self).requires_grad = wanted;
  return *this;
}

bool Tensor::is_leaf() const {
  const TensorImpl& self = impl();
  if (history_is_stale(self)) return !takes_gradient(self);
  return !self.gradient || (!self.gradient->node && self.gradient->producer.expired());
}

Tensor Tensor::grad() const {
  const GradientRecord* record = impl().gradient.get();
  if (record == nullptr) return {};
  return record->retained ? *record->retained : record->grad;
}

void Tensor::set_grad(const Tensor& grad) {
  if (grad.defined()) {
    RUSTORCH_CHECK(grad.shape() == shape(), shape_mismatch, "a gradient of shape {} for a tensor of shape {}",
                   grad.shape(), shape());
    RUSTORCH_CHECK(grad.dtype() == dtype(), dtype_mismatch, "a gradient of dtype {} for a tensor of dtype {}",
                   grad.dtype(), dtype());
    RUSTORCH_CHECK(grad.device() == device(), device_mismatch, "a gradient on {} for a tensor on {}",
                   grad.device(), device());
  }
  record_of(impl()).grad = grad;
}

void Tensor::zero_grad() {
  if (!impl().gradient || !impl().gradient->grad.defined()) return;
  const NoGrad no_grad;
  Tensor grad = impl().gradient->grad.detach();
  grad.zero_();
}

std::string Tensor::grad_fn_name() const {
  const GradientRecord* record = impl().gradient.get();
  if (record == nullptr) return {};
  if (record->node) return record->node->name();
  const auto producer = record->producer.lock();
  return producer ? producer->name() : "";
}

void Tensor::retain_grad() {
  if (is_leaf()) return;
  const GradientEdge edge = gradient_edge(*this);
  GradientRecord& record = record_of(impl());
  if (!record.retained) record.retained = std::make_shared<Tensor>();
  edge.node->outputs()[edge.index].retained = record.retained;
}

void Tensor::register_hook(std::function<Tensor(const Tensor&)> hook) {
  RUSTORCH_CHECK(requires_grad(), autograd, "a gradient hook on a tensor that does not require gradients");
  if (is_leaf()) {
    record_of(impl()).leaf_hooks.push_back(std::move(hook));
  } else {
    const GradientEdge edge = gradient_edge(*this);
    edge.node->outputs()[edge.index].hooks.push_back(std::move(hook));
  }
}

Tensor& Tensor::detach_() {
  TensorImpl& self = impl();
  RUSTORCH_CHECK(!self.view_base, autograd, "detach_() of a view: use detach()");
  if (self.gradient) {
    self.gradient->node = nullptr;
    self.gradient->producer.reset();
    self.gradient->requires_grad = false;
  }
  return *this;
}

}  // namespace rustorch
