#include "rustorch/backends/fallback_backend.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "rustorch/backends/runtime.h"
#include "rustorch/core/log.h"
#include "rustorch/memory/buffer.h"

namespace rustorch {

std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::elementwise:
      return "elementwise";
    case Kind::reduce:
      return "reduce";
    case Kind::arg_reduce:
      return "arg_reduce";
    case Kind::scan:
      return "scan";
    case Kind::matmul:
      return "matmul";
    case Kind::convolution:
      return "convolution";
    case Kind::pooling:
      return "pooling";
    case Kind::gather:
      return "gather";
    case Kind::scatter:
      return "scatter";
    case Kind::nonzero:
      return "nonzero";
    case Kind::sort:
      return "sort";
    case Kind::generate:
      return "generate";
    case Kind::batch_norm:
      return "batch_norm";
    case Kind::layer_norm:
      return "layer_norm";
    case Kind::softmax:
      return "softmax";
    case Kind::cross_entropy:
      return "cross_entropy";
  }
  return "unknown";
}

namespace {

/// The operands of one call, moved to the CPU for its duration. Each device buffer gets one host block that
/// spans all views of it, so that views which share a buffer share it on the host as well. Views are staged
/// in place: `read` and `write` first, then fetch(), the call, and return_results().
class HostOperands {
 public:
  explicit HostOperands(ComputeBackend& device) : device_(device) {}

  /// `beyond`: how many elements past the layout's own end are reached through indices.
  void read(View& view, std::int64_t beyond = 0) { add(view, false, beyond); }
  void write(View& view, std::int64_t beyond = 0) { add(view, true, beyond); }
  void read(std::optional<View>& view) {
    if (view) add(*view, false, 0);
  }
  void write(std::optional<View>& view) {
    if (view) add(*view, true, 0);
  }

  void fetch() {
    layouts_.reserve(staged_.size());  // views keep pointers into it
    for (Staged& staged : staged_) {
      if (staged.touches_nothing()) continue;
      const auto [begin, end] = byte_range(staged);
      Block& block = find(staged.view->data);
      block.begin = block.end == 0 ? begin : std::min(block.begin, begin);
      block.end = std::max(block.end, end);
      block.written = block.written || staged.written;
    }
    for (Block& block : blocks_) {
      block.host = Buffer(cpu_backend().allocator(), block.end - block.begin);
      // Results are fetched too: what their strides leave out must come back unchanged.
      device_.copy_to_host(block.host.data(), block.device, block.begin, block.end - block.begin);
    }
    for (Staged& staged : staged_) {
      View& view = *staged.view;
      if (staged.touches_nothing()) {
        view.data = &nothing_;  // not null: that would mean "not wanted"
        continue;
      }
      const Block& block = find(view.data);
      Layout layout = *view.layout;
      layout.offset -= static_cast<std::int64_t>(block.begin / item_size(view.dtype));
      layouts_.push_back(std::move(layout));
      view.layout = &layouts_.back();
      view.data = block.host.data();
    }
  }

  void return_results() {
    for (const Block& block : blocks_) {
      if (block.written)
        device_.copy_from_host(block.device, block.begin, block.host.data(), block.end - block.begin);
    }
  }

 private:
  struct Staged {
    View* view;
    bool written;
    std::int64_t beyond;

    bool touches_nothing() const { return view->layout->element_count() == 0; }
  };
  struct Block {
    void* device = nullptr;
    std::size_t begin = 0, end = 0;  // in bytes from the start of the device's buffer
    bool written = false;
    Buffer host;
  };

  void add(View& view, bool written, std::int64_t beyond) {
    if (view.data != nullptr) staged_.push_back({&view, written, beyond});
  }

  Block& find(void* device) {
    const auto found = std::ranges::find(blocks_, device, &Block::device);
    if (found != blocks_.end()) return *found;
    blocks_.emplace_back().device = device;
    return blocks_.back();
  }

  static std::pair<std::size_t, std::size_t> byte_range(const Staged& staged) {
    constexpr std::size_t largest_item = 16;  // a start that is a whole number of elements of every dtype
    const Layout& layout = *staged.view->layout;
    const std::size_t item = item_size(staged.view->dtype);
    const std::size_t begin = static_cast<std::size_t>(layout.offset) * item;
    return {begin / largest_item * largest_item,
            static_cast<std::size_t>(layout.end() + staged.beyond) * item};
  }

  ComputeBackend& device_;
  std::vector<Staged> staged_;
  std::vector<Block> blocks_;
  std::vector<Layout> layouts_;
  char nothing_ = 0;
};

std::vector<IndexOperand> stage_indices(HostOperands& host, std::span<const IndexOperand> indices) {
  std::vector<IndexOperand> staged(indices.begin(), indices.end());
  for (IndexOperand& operand : staged) host.read(operand.index);
  return staged;
}

/// How far index operands can move an address.
std::int64_t reach(std::span<const IndexOperand> indices) noexcept {
  std::int64_t elements = 0;
  for (const IndexOperand& operand : indices)
    elements += std::max<std::int64_t>(0, operand.size - 1) * operand.stride;
  return elements;
}

/// Runs work on the CPU whose operands are members of its struct, some read, some written.
template <class Work>
void run_on_host(ComputeBackend& device, Work work, void (ComputeBackend::*run)(const Work&),
                 std::initializer_list<View Work::*> inputs,
                 std::initializer_list<std::optional<View> Work::*> optional_inputs,
                 std::initializer_list<View Work::*> outputs,
                 std::initializer_list<std::optional<View> Work::*> optional_outputs = {}) {
  HostOperands host(device);
  for (const auto member : inputs) host.read(work.*member);
  for (const auto member : optional_inputs) host.read(work.*member);
  for (const auto member : outputs) host.write(work.*member);
  for (const auto member : optional_outputs) host.write(work.*member);
  host.fetch();
  (cpu_backend().*run)(work);
  host.return_results();
}

}  // namespace

void FallbackBackend::note(Kind kind, DType dtype) {
  if (strict_mode()) {
    fail_with_suggestion(
        ErrorCode::unsupported,
        "move the tensors to the cpu, or leave strict mode (RUSTORCH_STRICT=0) to compute there "
        "with copies",
        "{} has no {} for {}", device(), to_string(kind), dtype);
  }
  count_fallback();
  if (!logged_[static_cast<std::size_t>(kind)].exchange(true, std::memory_order_relaxed)) {
    log_warning(
        fmt::format("{} has no {} for {}; it runs on the cpu with copies", device(), to_string(kind), dtype));
  }
}

namespace {

/// A dtype of a program that a backend does not have.
std::optional<DType> lacking_dtype(const ComputeBackend& backend, const Program& program) {
  std::optional<DType> lacking;
  const auto require = [&](DType dtype) {
    if (!backend.supports(Kind::elementwise, dtype)) lacking = dtype;
  };
  for (const DType dtype : program.input_dtypes()) require(dtype);
  for (const Program::Output& output : program.outputs()) require(output.dtype);
  for (const Program::Instruction& instruction : program.instructions()) require(instruction.dtype);
  return lacking;
}

}  // namespace

void FallbackBackend::elementwise_many(const Program& program, std::span<const View> views) {
  if (!lacking_dtype(*primary_, program)) return primary_->elementwise_many(program, views);
  ComputeBackend::elementwise_many(program, views);
}

void FallbackBackend::elementwise(const Program& program, std::span<const View> inputs,
                                  std::span<const View> outputs) {
  const std::optional<DType> lacking = lacking_dtype(*primary_, program);
  if (!lacking) return primary_->elementwise(program, inputs, outputs);

  note(Kind::elementwise, *lacking);
  std::vector<View> host_inputs(inputs.begin(), inputs.end());
  std::vector<View> host_outputs(outputs.begin(), outputs.end());
  HostOperands host(*primary_);
  for (View& view : host_inputs) host.read(view);
  for (View& view : host_outputs) host.write(view);
  host.fetch();
  cpu_backend().elementwise(program, host_inputs, host_outputs);
  host.return_results();
}

void FallbackBackend::reduce(const Reduction& work) {
  std::optional<DType> lacking;
  for (const View& view : work.inputs) {
    if (!primary_->supports(Kind::reduce, view.dtype)) lacking = view.dtype;
  }
  if (!primary_->supports(Kind::reduce, work.out.dtype)) lacking = work.out.dtype;
  if (!lacking) return primary_->reduce(work);

  note(Kind::reduce, *lacking);
  std::vector<View> inputs(work.inputs.begin(), work.inputs.end());
  Reduction staged = work;
  HostOperands host(*primary_);
  for (View& view : inputs) host.read(view);
  host.write(staged.out);
  host.fetch();
  staged.inputs = inputs;
  cpu_backend().reduce(staged);
  host.return_results();
}

void FallbackBackend::arg_reduce(const ArgReduction& work) {
  if (primary_->supports(Kind::arg_reduce, work.input.dtype)) return primary_->arg_reduce(work);
  note(Kind::arg_reduce, work.input.dtype);
  run_on_host(*primary_, work, &ComputeBackend::arg_reduce, {&ArgReduction::input}, {},
              {&ArgReduction::values, &ArgReduction::indices});
}

void FallbackBackend::scan(const Scan& work) {
  if (primary_->supports(Kind::scan, work.input.dtype)) return primary_->scan(work);
  note(Kind::scan, work.input.dtype);
  run_on_host(*primary_, work, &ComputeBackend::scan, {&Scan::input}, {}, {&Scan::out, &Scan::indices});
}

void FallbackBackend::matmul(const Matmul& work) {
  if (primary_->supports(Kind::matmul, work.a.dtype)) return primary_->matmul(work);
  note(Kind::matmul, work.a.dtype);
  run_on_host(*primary_, work, &ComputeBackend::matmul, {&Matmul::a, &Matmul::b}, {&Matmul::bias},
              {&Matmul::out});
}

void FallbackBackend::convolution_forward(const ConvolutionForward& work) {
  using Work = ConvolutionForward;
  if (primary_->supports(Kind::convolution, work.input.dtype)) return primary_->convolution_forward(work);
  note(Kind::convolution, work.input.dtype);
  run_on_host(*primary_, work, &ComputeBackend::convolution_forward, {&Work::input, &Work::weight},
              {&Work::bias}, {&Work::output});
}

void FallbackBackend::convolution_backward_input(const ConvolutionBackwardInput& work) {
  using Work = ConvolutionBackwardInput;
  if (primary_->supports(Kind::convolution, work.d_output.dtype))
    return primary_->convolution_backward_input(work);
  note(Kind::convolution, work.d_output.dtype);
  run_on_host(*primary_, work, &ComputeBackend::convolution_backward_input, {&Work::d_output, &Work::weight},
              {}, {&Work::d_input});
}

void FallbackBackend::convolution_backward_weight(const ConvolutionBackwardWeight& work) {
  using Work = ConvolutionBackwardWeight;
  if (primary_->supports(Kind::convolution, work.input.dtype))
    return primary_->convolution_backward_weight(work);
  note(Kind::convolution, work.input.dtype);
  run_on_host(*primary_, work, &ComputeBackend::convolution_backward_weight, {&Work::input, &Work::d_output},
              {}, {&Work::d_weight}, {&Work::d_bias});
}

void FallbackBackend::pooling_forward(const PoolingForward& work) {
  using Work = PoolingForward;
  if (primary_->supports(Kind::pooling, work.input.dtype)) return primary_->pooling_forward(work);
  note(Kind::pooling, work.input.dtype);
  run_on_host(*primary_, work, &ComputeBackend::pooling_forward, {&Work::input}, {},
              {&Work::output, &Work::positions});
}

void FallbackBackend::pooling_backward(const PoolingBackward& work) {
  using Work = PoolingBackward;
  if (primary_->supports(Kind::pooling, work.d_output.dtype)) return primary_->pooling_backward(work);
  note(Kind::pooling, work.d_output.dtype);
  run_on_host(*primary_, work, &ComputeBackend::pooling_backward, {&Work::d_output, &Work::positions}, {},
              {&Work::d_input});
}

void FallbackBackend::gather(const Gather& work) {
  if (primary_->supports(Kind::gather, work.base.dtype)) return primary_->gather(work);
  note(Kind::gather, work.base.dtype);
  Gather staged = work;
  HostOperands host(*primary_);
  host.read(staged.base, reach(work.indices));
  std::vector<IndexOperand> indices = stage_indices(host, work.indices);
  host.write(staged.out);
  host.fetch();
  staged.indices = indices;
  cpu_backend().gather(staged);
  host.return_results();
}

void FallbackBackend::scatter(const Scatter& work) {
  if (primary_->supports(Kind::scatter, work.base.dtype)) return primary_->scatter(work);
  note(Kind::scatter, work.base.dtype);
  Scatter staged = work;
  HostOperands host(*primary_);
  host.write(staged.base, reach(work.indices));
  std::vector<IndexOperand> indices = stage_indices(host, work.indices);
  host.read(staged.source);
  host.fetch();
  staged.indices = indices;
  cpu_backend().scatter(staged);
  host.return_results();
}

void FallbackBackend::nonzero(const View& input, const View& out) {
  if (primary_->supports(Kind::nonzero, input.dtype)) return primary_->nonzero(input, out);
  note(Kind::nonzero, input.dtype);
  View host_input = input, host_out = out;
  HostOperands host(*primary_);
  host.read(host_input);
  host.write(host_out);
  host.fetch();
  cpu_backend().nonzero(host_input, host_out);
  host.return_results();
}

void FallbackBackend::sort(const Sort& work) {
  if (primary_->supports(Kind::sort, work.input.dtype)) return primary_->sort(work);
  note(Kind::sort, work.input.dtype);
  run_on_host(*primary_, work, &ComputeBackend::sort, {&Sort::input}, {}, {&Sort::values, &Sort::indices});
}

void FallbackBackend::generate(const Generate& work) {
  if (primary_->supports(Kind::generate, work.out.dtype)) return primary_->generate(work);
  note(Kind::generate, work.out.dtype);
  run_on_host(*primary_, work, &ComputeBackend::generate, {}, {}, {&Generate::out});
}

void FallbackBackend::batch_norm_forward(const BatchNormForward& work) {
  using Work = BatchNormForward;
  if (primary_->supports(Kind::batch_norm, work.input.dtype)) return primary_->batch_norm_forward(work);
  note(Kind::batch_norm, work.input.dtype);
  run_on_host(*primary_, work, &ComputeBackend::batch_norm_forward, {&Work::input},
              {&Work::weight, &Work::bias},
              {&Work::scale, &Work::shift, &Work::saved_mean, &Work::saved_inverse_std},
              {&Work::running_mean, &Work::running_variance});
}

void FallbackBackend::batch_norm_backward(const BatchNormBackward& work) {
  using Work = BatchNormBackward;
  if (primary_->supports(Kind::batch_norm, work.input.dtype)) return primary_->batch_norm_backward(work);
  note(Kind::batch_norm, work.input.dtype);
  run_on_host(*primary_, work, &ComputeBackend::batch_norm_backward,
              {&Work::input, &Work::d_output, &Work::mean, &Work::inverse_std}, {&Work::weight},
              {&Work::by_output_gradient, &Work::by_input, &Work::shift, &Work::d_weight, &Work::d_bias});
}

void FallbackBackend::layer_norm_forward(const LayerNormForward& work) {
  using Work = LayerNormForward;
  if (primary_->supports(Kind::layer_norm, work.input.dtype)) return primary_->layer_norm_forward(work);
  note(Kind::layer_norm, work.input.dtype);
  run_on_host(*primary_, work, &ComputeBackend::layer_norm_forward, {&Work::input},
              {&Work::weight, &Work::bias}, {&Work::output, &Work::mean, &Work::inverse_std});
}

void FallbackBackend::layer_norm_backward(const LayerNormBackward& work) {
  using Work = LayerNormBackward;
  if (primary_->supports(Kind::layer_norm, work.input.dtype)) return primary_->layer_norm_backward(work);
  note(Kind::layer_norm, work.input.dtype);
  run_on_host(*primary_, work, &ComputeBackend::layer_norm_backward,
              {&Work::input, &Work::d_output, &Work::mean, &Work::inverse_std}, {&Work::weight},
              {&Work::d_input, &Work::d_weight, &Work::d_bias});
}

void FallbackBackend::softmax_forward(const SoftmaxForward& work) {
  using Work = SoftmaxForward;
  if (primary_->supports(Kind::softmax, work.input.dtype)) return primary_->softmax_forward(work);
  note(Kind::softmax, work.input.dtype);
  run_on_host(*primary_, work, &ComputeBackend::softmax_forward, {&Work::input}, {}, {&Work::output});
}

void FallbackBackend::softmax_backward(const SoftmaxBackward& work) {
  using Work = SoftmaxBackward;
  if (primary_->supports(Kind::softmax, work.output.dtype)) return primary_->softmax_backward(work);
  note(Kind::softmax, work.output.dtype);
  run_on_host(*primary_, work, &ComputeBackend::softmax_backward, {&Work::output, &Work::d_output}, {},
              {&Work::d_input});
}

void FallbackBackend::cross_entropy_forward(const CrossEntropyForward& work) {
  using Work = CrossEntropyForward;
  if (primary_->supports(Kind::cross_entropy, work.logits.dtype))
    return primary_->cross_entropy_forward(work);
  note(Kind::cross_entropy, work.logits.dtype);
  run_on_host(*primary_, work, &ComputeBackend::cross_entropy_forward, {&Work::logits, &Work::targets},
              {&Work::weight}, {&Work::losses, &Work::log_sum_exp});
}

void FallbackBackend::cross_entropy_backward(const CrossEntropyBackward& work) {
  using Work = CrossEntropyBackward;
  if (primary_->supports(Kind::cross_entropy, work.logits.dtype))
    return primary_->cross_entropy_backward(work);
  note(Kind::cross_entropy, work.logits.dtype);
  run_on_host(*primary_, work, &ComputeBackend::cross_entropy_backward,
              {&Work::logits, &Work::targets, &Work::log_sum_exp, &Work::d_losses}, {&Work::weight},
              {&Work::d_logits});
}

}  // namespace rustorch
