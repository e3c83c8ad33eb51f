#include "rustorch/backends/gpu/convolution_by_library.h"

#include "rustorch/backends/gpu/dense_operand.h"

namespace rustorch::gpu {
namespace {

/// out += bias, one number for each channel.
void add_bias(GpuBackend& backend, const View& bias, const View& out) {
  const DType compute = compute_dtype(out.dtype);
  Layout repeated(out.layout->shape, Strides::filled(out.layout->rank(), 0), bias.layout->offset);
  repeated.strides[1] = bias.layout->strides[0];
  Program program;
  const auto sum = program.input(out.dtype, compute);
  program.output(program.apply(Op::add, sum, program.input(bias.dtype, compute)), out.dtype);
  const std::array<View, 2> inputs{out, View{bias.data, &repeated, bias.dtype}};
  backend.elementwise(program, inputs, {&out, 1});
}

/// A weight as libraries want it, in the order of the activations: itself, or a buffer of its own.
class OrderedWeight {
 public:
  OrderedWeight(const View& weight, bool channels_last)
      : own_(weight),
        ordered_(channels_last ? Layout::channels_last(weight.layout->shape)
                               : Layout::contiguous(weight.layout->shape)),
        is_copy_(channels_last ? !weight.layout->is_channels_last() : !weight.layout->is_contiguous()) {}
  OrderedWeight(const OrderedWeight&) = delete;
  OrderedWeight& operator=(const OrderedWeight&) = delete;

  View view() const { return is_copy_ ? View{buffer_.data(), &ordered_, own_.dtype} : own_; }
  /// Gives the copy its buffer.
  void take_memory(GpuBackend& backend) {
    if (!is_copy_) return;
    buffer_ = Buffer(backend.allocator(),
                     static_cast<std::size_t>(ordered_.element_count()) * item_size(own_.dtype));
  }
  void fetch(GpuBackend& backend) const {
    if (is_copy_) copy_elements(backend, own_, view());
  }
  void give_back(GpuBackend& backend) const {
    if (is_copy_) copy_elements(backend, view(), own_);
  }

 private:
  View own_;
  Layout ordered_;
  bool is_copy_;
  Buffer buffer_;
};

}  // namespace

bool convolve_by_library(GpuBackend& backend, LibraryConvolution work) {
  ConvolutionLibrary* const library = backend.executor().convolution_library();
  if (library == nullptr) return false;
  const Layout &input = *work.input.layout, &output = *work.output.layout;
  const bool plain = input.is_contiguous() && output.is_contiguous();
  work.channels_last = !plain && input.is_channels_last() && output.is_channels_last();
  if (!plain && !work.channels_last) return false;
  work.precision = float32_convolution_precision();
  OrderedWeight weight(work.weight, work.channels_last);
  work.weight = weight.view();

  // Libraries may have no kernel that adds a bias, or want it without gaps.
  const std::optional<View> bias = work.bias;
  if (bias && bias->layout->shape[0] > 1 && bias->layout->strides[0] != 1) work.bias.reset();
  std::shared_ptr<const LibraryConvolutionPlan> plan = library->plan_for(work);
  if (plan == nullptr && work.bias) {
    work.bias.reset();
    plan = library->plan_for(work);
  }
  if (plan == nullptr) return false;

  weight.take_memory(backend);
  work.weight = weight.view();
  const bool of_weight = work.direction == ConvolutionDirection::backward_weight;
  if (!of_weight) weight.fetch(backend);
  const std::size_t bytes = plan->workspace_bytes();
  const Buffer workspace = bytes > 0 ? Buffer(backend.allocator(), bytes) : Buffer();
  backend.observed("convolution library", "", [&] { library->run(*plan, work, workspace.data()); });
  if (of_weight) weight.give_back(backend);
  if (bias && !work.bias) add_bias(backend, *bias, work.output);
  return true;
}

}  // namespace rustorch::gpu
