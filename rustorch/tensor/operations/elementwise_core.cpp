#include "rustorch/tensor/operations/elementwise_core.h"

#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "rustorch/backends/runtime.h"
#include "rustorch/core/inline_list.h"
#include "rustorch/device/device_scope.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/pending.h"

namespace rustorch {
namespace {

/// "float32 [2, 3], 1.5": the operands as errors name them.
std::string describe(std::span<const Operand> operands) {
  std::string text;
  for (const Operand& operand : operands) {
    if (!text.empty()) text += ", ";
    text += operand.is_tensor() ? fmt::format("{} {}", operand.tensor()->dtype(), operand.tensor()->shape())
                                : operand.scalar().to_string();
  }
  return text;
}

/// Shape, device and order of strides of an elementwise result, from its tensor operands.
class ResultForm {
 public:
  explicit ResultForm(const char* op) : op_(op) {}

  void add(const Tensor& tensor) {
    const Layout& layout = tensor.layout();
    if (first_ == nullptr) {
      first_ = &tensor;
      shape_ = layout.shape;
      return;
    }
    check_device(tensor);
    if (layout.shape == shape_) {
      same_layout_ = same_layout_ && layout.strides == first_->strides() && first_->shape() == shape_;
    } else {
      same_layout_ = false;
      shape_ = broadcast_shapes(shape_, layout.shape, op_);
    }
  }

  const Shape& shape() const noexcept { return shape_; }
  Device device() const { return first_ != nullptr ? first_->device() : default_device(); }

  /// The order of strides of the first operand that has the full shape and says something about it.
  Layout result_layout(std::span<const Tensor* const> tensors) const {
    if (first_ == nullptr) return Layout::contiguous(shape_);
    if (same_layout_ && first_->is_contiguous()) return Layout::contiguous(shape_);
    for (const Tensor* tensor : tensors) {
      if (tensor->shape() == shape_ && !tensor->layout().may_overlap_itself()) {
        return Layout::dense_like(shape_, tensor->layout());
      }
    }
    return Layout::contiguous(shape_);
  }

 private:
  void check_device(const Tensor& tensor) const {
    if (tensor.device() != first_->device()) {
      fail_with_suggestion(
          ErrorCode::device_mismatch, fmt::format("copy one of them: x.to(\"{}\")", first_->device()),
          "{}: operands on different devices, {} and {}", op_, first_->device(), tensor.device());
    }
  }
  const char* op_;
  const Tensor* first_ = nullptr;
  bool same_layout_ = true;
  Shape shape_;
};

/// Input views of a call: a tensor's own layout where it already has the result's shape, else a broadcast
/// one.
template <std::size_t Capacity>
class InputViews {
 public:
  void add(const Tensor& tensor, const Shape& shape) {
    View& view = views_.emplace_back(tensor.view_for_read());
    if (!(view.layout->shape == shape))
      view.layout = &layouts_.emplace_back(view.layout->broadcast_to(shape));
  }
  std::span<const View> views() const noexcept { return {views_.data(), views_.size()}; }

 private:
  InlineList<View, Capacity> views_;
  InlineList<Layout, Capacity> layouts_;
};

/// Ops whose result on complex numbers is real.
bool gives_real_part(Op op) noexcept {
  return op == Op::abs || op == Op::real || op == Op::imag || op == Op::angle;
}

/// The bits of a bool are one bit.
Op effective_op(Op op, DType operand) noexcept {
  return op == Op::bitwise_not && operand == DType::bool_ ? Op::logical_not : op;
}

/// Integer division by zero has no value: an Error, as in PyTorch, before anything is written.
void check_divisor(Op op, DType compute, std::span<const Operand> operands) {
  const bool divides =
      op == Op::floor_divide || op == Op::trunc_divide || op == Op::remainder || op == Op::fmod;
  if (!divides || is_differentiable(compute)) return;
  const Operand& divisor = operands[1];
  const bool has_zero = divisor.is_tensor() ? any(elementwise(Op::eq, divisor, Scalar(0))).item<bool>()
                                            : !divisor.scalar().to<bool>();
  if (has_zero) {
    fail_with_suggestion(ErrorCode::invalid_argument, "mask the zeros, or convert to floating point first",
                         "{}: integer division by zero ({})", op_info(op).name, describe(operands));
  }
}

/// Operands as the common dtype holds them: numbers and 0-d tensors take part in promotion by category only,
/// so that among integers they may not fit and wrap, as in PyTorch (-1 beside a uint8 tensor is 255).
class WrappedOperands {
 public:
  std::span<const Operand> of(std::span<const Operand> operands, DType common) {
    if (!is_integral(common)) return operands;
    for (const Operand& operand : operands) operands_.emplace_back(wrapped(operand, common));
    return {operands_.data(), operands.size()};
  }

 private:
  Operand wrapped(const Operand& operand, DType common) {
    if (!operand.is_tensor()) {
      return visit_dtype(common,
                         [&]<class T>(TypeTag<T>) { return Operand(Scalar(operand.scalar().to<T>())); });
    }
    if (operand.tensor()->rank() != 0 || operand.tensor()->dtype() == common) return operand;
    return converted_.emplace_back(operand.tensor()->detach().to(common));
  }
  InlineList<Operand, 3> operands_;
  InlineList<Tensor, 3> converted_;
};

Program single_op(Op op, std::span<const Operand> operands, DType compute, DType result) {
  Program program;
  Program::Register registers[3] = {};
  for (std::size_t i = 0; i < operands.size(); ++i) {
    registers[i] = operands[i].is_tensor() ? program.input(operands[i].tensor()->dtype(), compute)
                                           : program.scalar(operands[i].scalar(), compute);
  }
  program.output(program.apply(op, std::span<const Program::Register>(registers, operands.size())), result);
  return program;
}

/// What an op makes of tensors of one dtype, which can be real or complex, and of numbers: the types, and its
/// program, with any numbers in it.
struct AlikeForm {
  ElementwiseTypes types;
  Program program;
};
using AlikeFormPlace = std::atomic<const AlikeForm*>;

[[gnu::noinline]] const AlikeForm& make_alike_form(Op op, std::span<const Operand> operands,
                                                   AlikeFormPlace& place) {
  const ElementwiseTypes types = elementwise_types(op, operands);
  auto made = std::make_unique<AlikeForm>(
      AlikeForm{types, single_op(effective_op(op, types.result), operands, types.compute, types.result)});
  const AlikeForm* before = nullptr;
  if (place.compare_exchange_strong(before, made.get(), std::memory_order_acq_rel)) before = made.release();
  return *before;
}

/// Operands that need no decision: tensors of one dtype (real or complex), shape and device, in row-major
/// order or expanded to the shape of one that is, and numbers that leave them their dtype. Most calls are of
/// this kind, and what they cost beside the work is this file: so operands go by reference, and nothing is
/// made for them.
template <std::size_t Count>
class AlikeOperands {
 public:
  template <class... Operands>
  explicit AlikeOperands(const Operands&... operands) : operands_{&operands...} {
    std::int64_t elements = 0;
    (void)((elements = row_major_elements(operands), elements != 0) || ...);
    if (elements == 0 || !is_differentiable(like_->dtype)) return;
    std::size_t bit = 1;
    if ((fits(operands, std::exchange(bit, bit << 1)) && ...)) elements_ = elements;
  }

  explicit operator bool() const noexcept { return elements_ != 0; }
  /// The tensor that the others are alike to: the first in row-major order.
  const TensorImpl& like() const noexcept { return *like_; }

  /// Forms do not change, so each is made once. They are told apart by where the numbers stand.
  const AlikeForm& form(Op op) const {
    static std::array<std::array<std::array<AlikeFormPlace, std::size_t{1} << Count>, dtype_count>, op_count>
        forms;
    AlikeFormPlace& place =
        forms[static_cast<std::size_t>(op)][static_cast<std::size_t>(like_->dtype)][numbers_];
    const AlikeForm* const form = place.load(std::memory_order_acquire);
    if (form != nullptr) [[likely]]
      return *form;
    InlineList<Operand, Count> operands;
    for (const Operand* operand : operands_) operands.emplace_back(*operand);
    return make_alike_form(op, {operands.data(), operands.size()}, place);
  }

  /// Calls `use` with the program of a form and these numbers.
  template <class Use>
  decltype(auto) with_program(const AlikeForm& form, const Use& use) const {
    if (numbers_ == 0) return use(form.program);
    Program program = form.program;
    std::size_t slot = 0;
    for (const Operand* operand : operands_) {
      if (!operand->is_tensor()) program.set_scalar(slot++, operand->scalar());
    }
    return use(std::as_const(program));
  }

  /// Runs a form into `out`, which lies as the operands do.
  void run(const AlikeForm& form, TensorImpl& out) const {
    std::array<View, Count> inputs;
    std::size_t count = 0;
    for (std::size_t i = 0; i < Count; ++i) {
      if (!operands_[i]->is_tensor()) continue;
      const TensorImpl& tensor = operands_[i]->tensor()->impl();
      // One address for what is one layout: so backends see it at once.
      const bool same = tensor.layout.offset == out.layout.offset && (repeating_ >> i & 1) == 0;
      inputs[count++] = {tensor.storage->data(), same ? &out.layout : &tensor.layout, tensor.dtype};
    }
    const View output{out.storage->data(), &out.layout, out.dtype};
    with_program(form, [&](const Program& program) {
      backend_for(out.storage->device()).elementwise(program, {inputs.data(), count}, {&output, 1});
    });
  }

  /// The result of a form as a new tensor: computed, or left to its first reader.
  Tensor run_new(Op op) const {
    const AlikeForm& form = this->form(op);
    const Device device = like_->storage->device();
    if (like_->layout.offset != 0) [[unlikely]]
      return run_new(op, form, Layout::contiguous(like_->layout.shape), device);
    return run_new(op, form, like_->layout, device);
  }

  /// Whether a tensor among them lies in the memory of `out`, but in another way.
  bool overlap_in_part(const TensorImpl& out) const {
    for (std::size_t i = 0; i < Count; ++i) {
      if (!operands_[i]->is_tensor()) continue;
      const TensorImpl& tensor = operands_[i]->tensor()->impl();
      if (tensor.storage != out.storage) continue;
      if (tensor.layout.offset != out.layout.offset || (repeating_ >> i & 1) != 0) return true;
    }
    return false;
  }

 private:
  /// Takes a tensor in row-major order as the one that the others are measured by. Its elements; 0 if it lies
  /// otherwise, has none, or is none.
  std::int64_t row_major_elements(const Operand& operand) {
    if (!operand.is_tensor()) return 0;
    like_ = &operand.tensor()->impl();
    const std::int64_t* const sizes = like_->layout.shape.data();
    const std::int64_t* const strides = like_->layout.strides.data();
    std::int64_t elements = 1;
    for (std::size_t dim = like_->layout.rank(); dim-- > 0;) {
      if (strides[dim] != elements) return 0;
      elements *= sizes[dim];
    }
    return elements;
  }

  /// Whether an operand is a tensor of the same shape, dtype and device that lies the same way or repeats
  /// itself, or a number that leaves the dtype. `bit` notes which.
  bool fits(const Operand& operand, std::size_t bit) {
    if (!operand.is_tensor()) {
      numbers_ |= bit;
      return !operand.scalar().is_complex() || is_complex(like_->dtype);
    }
    const TensorImpl& other = operand.tensor()->impl();
    if (&other == like_) return true;
    const std::size_t rank = like_->layout.rank();
    if (other.dtype != like_->dtype || other.storage->device() != like_->storage->device() ||
        other.layout.rank() != rank) {
      return false;
    }
    const std::int64_t* const sizes = like_->layout.shape.data();
    const std::int64_t* const strides = like_->layout.strides.data();
    const std::int64_t* const other_sizes = other.layout.shape.data();
    const std::int64_t* const other_strides = other.layout.strides.data();
    for (std::size_t dim = 0; dim < rank; ++dim) {
      if (other_sizes[dim] != sizes[dim]) return false;
      if (other_strides[dim] == strides[dim]) continue;
      if (other_strides[dim] != 0) return false;
      repeating_ |= bit;
    }
    return true;
  }

  Tensor run_new(Op op, const AlikeForm& form, const Layout& layout, Device device) const {
    if (elements_ >= least_deferred_elements()) {
      Tensor result = with_program(
          form, [&](const Program& program) { return deferred(op, program, form, layout, device); });
      if (result.defined()) return result;
    }
    Tensor out = allocate(layout, form.types.result, device);
    run(form, out.impl());
    return out;
  }

  /// The result left to its first reader, if that can be.
  Tensor deferred(Op op, const Program& program, const AlikeForm& form, const Layout& layout,
                  Device device) const {
    std::array<const Tensor*, Count> inputs{};
    std::size_t count = 0;
    for (const Operand* operand : operands_) {
      if (operand->is_tensor()) inputs[count++] = operand->tensor();
    }
    const std::span<const Tensor* const> tensors(inputs.data(), count);
    if (!can_defer(elements_, program, tensors)) return {};
    return defer(op_info(op).name.data(), program, tensors, layout, form.types.result, device);
  }

  std::array<const Operand*, Count> operands_;
  const TensorImpl* like_ = nullptr;
  std::size_t numbers_ = 0;    // the operands that are numbers, a bit each
  std::size_t repeating_ = 0;  // those that have a stride of 0
  std::int64_t elements_ = 0;  // 0: not alike, or empty, which is no loss of time
};
template <class... Operands>
AlikeOperands(const Operands&...) -> AlikeOperands<sizeof...(Operands)>;

/// The result of a program of one output: computed, or left to its first reader.
template <std::size_t MaxInputs>
Tensor run_new(const char* name, const Program& program, std::span<const Tensor* const> tensors,
               const ResultForm& form) {
  const Layout layout = form.result_layout(tensors);
  const DType dtype = program.outputs()[0].dtype;
  if (can_defer(layout.element_count(), program, tensors))
    return defer(name, program, tensors, layout, dtype, form.device());
  Tensor out = allocate(layout, dtype, form.device());
  InputViews<MaxInputs> inputs;
  for (const Tensor* tensor : tensors) inputs.add(*tensor, form.shape());
  const View output = out.view_for_read();
  backend_for(form.device()).elementwise(program, inputs.views(), {&output, 1});
  return out;
}

/// The way of operands that are not alike.
[[gnu::noinline]] Tensor elementwise_of(Op op, std::span<const Operand> operands) {
  const ElementwiseTypes types = elementwise_types(op, operands);
  WrappedOperands wrapped;
  operands = wrapped.of(operands, types.common);
  ResultForm form(op_info(op).name.data());
  std::array<const Tensor*, 3> tensors{};
  std::size_t count = 0;
  for (const Operand& operand : operands) {
    if (!operand.is_tensor()) continue;
    form.add(*operand.tensor());
    tensors[count++] = operand.tensor();
  }
  op = effective_op(op, types.result);
  check_divisor(op, types.compute, operands);
  const Program program = single_op(op, operands, types.compute, types.result);
  return run_new<3>(op_info(op).name.data(), program, {tensors.data(), count}, form);
}

}  // namespace

ElementwiseTypes elementwise_types(Op op, std::span<const Operand> operands) {
  const OpInfo& info = op_info(op);
  ResultType promoted;
  for (const Operand& operand : operands) {
    if (operand.is_tensor()) {
      const Tensor& tensor = *operand.tensor();
      promoted.add(tensor.dtype(),
                   tensor.rank() == 0 ? PromotionClass::zero_dim : PromotionClass::dimensioned);
    } else {
      promoted.add(operand.scalar());
    }
  }
  DType dtype = promoted.result();
  if (info.result == OpResult::to_float && !is_differentiable(dtype)) dtype = default_dtype();
  const DType compute = compute_dtype(dtype);
  if (!domain_has(info.domain, compute)) {
    const char* takes = info.domain == OpDomain::integral ? "integers and bool" : "real numbers";
    if (info.domain == OpDomain::fractional) takes = "floating-point and complex numbers";
    if (info.domain == OpDomain::floating) takes = "floating-point numbers";
    fail_with_suggestion(
        ErrorCode::dtype_mismatch,
        info.domain == OpDomain::integral ? "convert them: x.to(int64)" : "convert them: x.to(float32)",
        "{} takes {}, not {} ({})", info.name, takes, dtype, describe(operands));
  }
  if (dtype == DType::bool_ && op == Op::square) return {DType::int64, DType::int64, DType::int64};
  if (dtype == DType::bool_ && (op == Op::sub || op == Op::neg)) {
    fail_with_suggestion(
        ErrorCode::dtype_mismatch,
        op == Op::sub ? "use logical_xor, or ~y for its complement" : "use logical_not or ~x",
        "{} takes numbers, not bool ({})", info.name, describe(operands));
  }
  if (gives_real_part(op)) return {compute, real_dtype(dtype), dtype};
  return {compute, info.result == OpResult::boolean ? DType::bool_ : dtype, dtype};
}

Tensor elementwise(Op op, const Operand& x) {
  if (const AlikeOperands alike(x); alike) return alike.run_new(op);
  return elementwise_of(op, {&x, 1});
}

Tensor elementwise(Op op, const Operand& x, const Operand& y) {
  if (const AlikeOperands alike(x, y); alike) return alike.run_new(op);
  return elementwise_of(op, std::array{x, y});
}

Tensor elementwise(Op op, const Operand& x, const Operand& y, const Operand& z) {
  if (const AlikeOperands alike(x, y, z); alike) return alike.run_new(op);
  return elementwise_of(op, std::array{x, y, z});
}

namespace {

/// In place on operands alike, of which `out` is the first tensor, there is nothing to decide either, unless
/// others overlap it in part. Whether it was done.
template <class... Operands>
bool run_alike_in_place(Op op, const Tensor& out, const Operands&... operands) {
  const AlikeOperands alike(operands...);
  if (!alike || &alike.like() != &out.impl()) return false;
  TensorImpl& target = out.impl();
  if (alike.overlap_in_part(target)) return false;
  const AlikeForm& form = alike.form(op);
  if (form.types.result != target.dtype) return false;
  target.storage->prepare_write();
  alike.run(form, target);
  return true;
}

}  // namespace

Tensor& elementwise_into(Tensor& out, Op op, std::span<const Operand> operands) {
  const bool done = operands.size() == 1 ? run_alike_in_place(op, out, operands[0])
                    : operands.size() == 2
                        ? run_alike_in_place(op, out, operands[0], operands[1])
                        : run_alike_in_place(op, out, operands[0], operands[1], operands[2]);
  if (done) return out;
  const OpInfo& info = op_info(op);
  const char* name = info.name.data();
  ElementwiseTypes types = elementwise_types(op, operands);
  if (op == Op::copy) {
    // A conversion: any dtype may be written into any other, computed in the source's type.
    types.result = out.dtype();
  }
  RUSTORCH_CHECK(can_cast(types.result, out.dtype()), dtype_mismatch,
                 "{}: the result of dtype {} cannot be written into a tensor of dtype {} ({})", name,
                 types.result, out.dtype(), describe(operands));
  WrappedOperands wrapped;
  if (op != Op::copy) operands = wrapped.of(operands, types.common);
  op = effective_op(op, types.result);
  check_divisor(op, types.compute, operands);
  InputViews<3> inputs;
  InlineList<Tensor, 3> copies;  // operands that overlap `out` in another way than being it
  for (const Operand& operand : operands) {
    if (!operand.is_tensor()) continue;
    const Tensor* tensor = operand.tensor();
    if (tensor->device() != out.device()) {
      fail(ErrorCode::device_mismatch, "{}: operands on different devices, {} and {}", name, out.device(),
           tensor->device());
    }
    if (!(tensor->shape() == out.shape())) {
      const Shape shape = broadcast_shapes(tensor->shape(), out.shape(), name);
      if (!(shape == out.shape())) {
        fail(ErrorCode::shape_mismatch, "{}: the result of shape {} does not fit in place into shape {}",
             name, shape, out.shape());
      }
    }
    if (tensor->shares_storage(out) && !(tensor->layout() == out.layout())) {
      tensor = &copies.emplace_back(tensor->detach().clone());
    }
    inputs.add(*tensor, out.shape());
  }
  const View output = out.view_for_write();
  backend_for(out.device())
      .elementwise(single_op(op, operands, types.compute, out.dtype()), inputs.views(), {&output, 1});
  return out;
}

Tensor run_program(const Program& program, std::span<const Tensor> inputs, const char* name) {
  ResultForm form(name);
  std::array<const Tensor*, Program::max_inputs> tensors{};
  std::size_t count = 0;
  for (const Tensor& input : inputs) {
    form.add(input);
    tensors[count++] = &input;
  }
  RUSTORCH_CHECK(program.outputs().size() == 1 && count == program.input_dtypes().size(), internal,
                 "{}: a program of {} inputs and {} outputs was given {} and 1", name,
                 program.input_dtypes().size(), program.outputs().size(), count);
  return run_new<Program::max_inputs>(name, program, {tensors.data(), count}, form);
}

void run_program_into(const Program& program, std::span<const Tensor> inputs, std::span<Tensor> outputs,
                      const char* name) {
  RUSTORCH_CHECK(!outputs.empty() && inputs.size() == program.input_dtypes().size() &&
                     outputs.size() == program.outputs().size(),
                 internal, "{}: a program of {} inputs and {} outputs was given {} and {}", name,
                 program.input_dtypes().size(), program.outputs().size(), inputs.size(), outputs.size());
  InputViews<Program::max_inputs> views;
  for (const Tensor& input : inputs) views.add(input, outputs.front().shape());
  std::array<View, Program::max_outputs> output_views;
  for (std::size_t i = 0; i < outputs.size(); ++i) output_views[i] = outputs[i].view_for_write();
  backend_for(outputs.front().device())
      .elementwise(program, views.views(), {output_views.data(), outputs.size()});
}

Device common_device(const char* op, std::initializer_list<const Tensor*> tensors) {
  const Tensor* first = nullptr;
  for (const Tensor* tensor : tensors) {
    if (tensor == nullptr || !tensor->defined()) continue;
    if (first == nullptr) {
      first = tensor;
    } else if (tensor->device() != first->device()) {
      fail_with_suggestion(
          ErrorCode::device_mismatch, fmt::format("copy one of them: x.to(\"{}\")", first->device()),
          "{}: operands on different devices, {} and {}", op, first->device(), tensor->device());
    }
  }
  return first != nullptr ? first->device() : Device();
}

}  // namespace rustorch
