#include "rustorch/backends/cpu/onednn.h"
#include "rustorch/backends/cpu/onednn_execution.h"
#include "rustorch/backends/cpu/temporary.h"

namespace rustorch::cpu::onednn {
namespace {

using Tag = dnnl::memory::format_tag;

Descriptor describe(const Dims& dims, Tag tag) { return {dims, dnnl::memory::data_type::f32, tag}; }

/// The descriptors that a convolution is made from. Weights are left to the library, the rest is
/// channels-last.
struct ConvolutionDescriptors {
  Descriptor input, weight, bias, output, plain_weight;
  Dims stride, dilation, padding_begin, padding_end;

  explicit ConvolutionDescriptors(const ConvolutionSizes& sizes) {
    const auto rank = static_cast<std::size_t>(sizes.spatial_rank);
    Dims in = {sizes.batch, sizes.in_channels}, out = {sizes.batch, sizes.out_channels}, kernel;
    if (sizes.groups > 1) {
      kernel = {sizes.groups, sizes.out_channels / sizes.groups, sizes.in_channels / sizes.groups};
    } else {
      kernel = {sizes.out_channels, sizes.in_channels};
    }
    for (std::size_t i = 0; i < rank; ++i) {
      in.push_back(sizes.input[i]);
      out.push_back(sizes.output[i]);
      kernel.push_back(sizes.kernel[i]);
      stride.push_back(sizes.stride[i]);
      dilation.push_back(sizes.dilation[i] - 1);
      padding_begin.push_back(sizes.padding[i]);
      // What makes the sizes agree exactly: the floor in the output's size may leave some input unused.
      padding_end.push_back((sizes.output[i] - 1) * sizes.stride[i] +
                            (sizes.kernel[i] - 1) * sizes.dilation[i] + 1 - sizes.input[i] -
                            sizes.padding[i]);
    }
    // Also for one channel: the same bytes tagged channels-first end in the reference kernel.
    const Tag activations = std::array{Tag::nwc, Tag::nhwc, Tag::ndhwc}[rank - 1];
    const Tag weights = sizes.groups > 1 ? std::array{Tag::goiw, Tag::goihw, Tag::goidhw}[rank - 1]
                                         : std::array{Tag::oiw, Tag::oihw, Tag::oidhw}[rank - 1];
    input = describe(in, activations);
    output = describe(out, activations);
    weight = describe(kernel, Tag::any);
    plain_weight = describe(kernel, weights);
    if (sizes.bias) bias = describe({sizes.out_channels}, Tag::x);
  }
};

constexpr auto direct = dnnl::algorithm::convolution_direct;

#if DNNL_VERSION_MAJOR >= 3
dnnl::convolution_forward::primitive_desc forward_primitive(const ConvolutionDescriptors& c) {
  return {engine(),      dnnl::prop_kind::forward_inference,
          direct,        c.input,
          c.weight,      c.bias,
          c.output,      c.stride,
          c.dilation,    c.padding_begin,
          c.padding_end, attributes()};
}
dnnl::convolution_backward_data::primitive_desc backward_input_primitive(const ConvolutionDescriptors& c) {
  const dnnl::convolution_forward::primitive_desc hint(engine(), dnnl::prop_kind::forward_training, direct,
                                                       c.input, c.weight, c.output, c.stride, c.dilation,
                                                       c.padding_begin, c.padding_end);
  return {engine(),   direct,          c.input,       c.weight, c.output,    c.stride,
          c.dilation, c.padding_begin, c.padding_end, hint,     attributes()};
}
dnnl::convolution_backward_weights::primitive_desc backward_weight_primitive(
    const ConvolutionDescriptors& c) {
  const dnnl::convolution_forward::primitive_desc hint(engine(), dnnl::prop_kind::forward_training, direct,
                                                       c.input, c.weight, c.bias, c.output, c.stride,
                                                       c.dilation, c.padding_begin, c.padding_end);
  return {engine(), direct,     c.input,         c.weight,      c.bias, c.output,
          c.stride, c.dilation, c.padding_begin, c.padding_end, hint,   attributes()};
}
#else
dnnl::convolution_forward::primitive_desc forward_primitive(const ConvolutionDescriptors& c) {
  const dnnl::convolution_forward::desc operation(dnnl::prop_kind::forward_inference, direct, c.input,
                                                  c.weight, c.bias, c.output, c.stride, c.dilation,
                                                  c.padding_begin, c.padding_end);
  return {operation, attributes(), engine()};
}
dnnl::convolution_backward_data::primitive_desc backward_input_primitive(const ConvolutionDescriptors& c) {
  const dnnl::convolution_forward::desc forward(dnnl::prop_kind::forward_training, direct, c.input, c.weight,
                                                c.output, c.stride, c.dilation, c.padding_begin,
                                                c.padding_end);
  const dnnl::convolution_forward::primitive_desc hint(forward, engine());
  const dnnl::convolution_backward_data::desc operation(direct, c.input, c.weight, c.output, c.stride,
                                                        c.dilation, c.padding_begin, c.padding_end);
  return {operation, attributes(), engine(), hint};
}
dnnl::convolution_backward_weights::primitive_desc backward_weight_primitive(
    const ConvolutionDescriptors& c) {
  const dnnl::convolution_forward::desc forward(dnnl::prop_kind::forward_training, direct, c.input, c.weight,
                                                c.bias, c.output, c.stride, c.dilation, c.padding_begin,
                                                c.padding_end);
  const dnnl::convolution_forward::primitive_desc hint(forward, engine());
  const dnnl::convolution_backward_weights::desc operation(
      direct, c.input, c.weight, c.bias, c.output, c.stride, c.dilation, c.padding_begin, c.padding_end);
  return {operation, attributes(), engine(), hint};
}
#endif

Execution reorder(const Descriptor& from, const Descriptor& to) {
  Execution execution(dnnl::reorder(dnnl::reorder::primitive_desc(engine(), from, engine(), to)));
  execution.add(DNNL_ARG_FROM, from);
  execution.add(DNNL_ARG_TO, to);
  return execution;
}

/// One convolution ready to run: the primitive, and the weights' way into or out of the layout that it wants.
class Convolution {
 public:
  /// Leaves `usable()` false where the library has only its reference code.
  explicit Convolution(const ConvolutionSizes& sizes) : work_(sizes.work), bias_(sizes.bias) {
    const ConvolutionDescriptors descriptors(sizes);
    try {
      switch (work_) {
        case ConvolutionWork::forward: {
          const auto made = forward_primitive(descriptors);
          if (!take(made, descriptors)) return;
          main_ = Execution(dnnl::convolution_forward(made));
          main_.add(DNNL_ARG_SRC, made.src_desc());
          main_.add(DNNL_ARG_WEIGHTS, made.weights_desc());
          main_.add(DNNL_ARG_DST, made.dst_desc());
          main_.add(DNNL_ARG_SCRATCHPAD, made.scratchpad_desc());
          if (bias_) main_.add(DNNL_ARG_BIAS, made.bias_desc());
          break;
        }
        case ConvolutionWork::backward_input: {
          const auto made = backward_input_primitive(descriptors);
          if (!take(made, descriptors)) return;
          main_ = Execution(dnnl::convolution_backward_data(made));
          main_.add(DNNL_ARG_DIFF_SRC, made.diff_src_desc());
          main_.add(DNNL_ARG_WEIGHTS, made.weights_desc());
          main_.add(DNNL_ARG_DIFF_DST, made.diff_dst_desc());
          main_.add(DNNL_ARG_SCRATCHPAD, made.scratchpad_desc());
          break;
        }
        case ConvolutionWork::backward_weight: {
          const auto made = backward_weight_primitive(descriptors);
          if (!take(made, descriptors)) return;
          main_ = Execution(dnnl::convolution_backward_weights(made));
          main_.add(DNNL_ARG_SRC, made.src_desc());
          main_.add(DNNL_ARG_DIFF_WEIGHTS, made.diff_weights_desc());
          main_.add(DNNL_ARG_DIFF_DST, made.diff_dst_desc());
          main_.add(DNNL_ARG_SCRATCHPAD, made.scratchpad_desc());
          if (bias_) main_.add(DNNL_ARG_DIFF_BIAS, made.diff_bias_desc());
          break;
        }
      }
      usable_ = true;
    } catch (const dnnl::error& error) {
      if (error.status != dnnl_unimplemented && error.status != dnnl_invalid_arguments)
        check(error.status, "convolution");
    }
  }

  bool usable() const noexcept { return usable_; }

  void run(float* input, float* weight, float* bias, float* output) {
    const Scratch<std::byte> scratchpad(static_cast<std::int64_t>(scratchpad_bytes_));
    Scratch<std::byte> turned;
    void* weights = weight;
    if (reorder_weights_) {
      turned = Scratch<std::byte>(static_cast<std::int64_t>(weight_bytes_));
      weights = turned.data();
      if (work_ != ConvolutionWork::backward_weight) run_reorder(weight, weights);
    }
    const std::array<void*, 5> addresses = {input, weights, output, scratchpad.data(), bias};
    main_.run(addresses, "convolution");
    if (reorder_weights_ && work_ == ConvolutionWork::backward_weight) run_reorder(weights, weight);
  }

 private:
  template <class PrimitiveDescriptor>
  bool take(const PrimitiveDescriptor& made, const ConvolutionDescriptors& descriptors) {
    if (!acceptable(made.impl_info_str())) return false;
    const bool writes = work_ == ConvolutionWork::backward_weight;
    Descriptor wanted;
    if constexpr (std::is_same_v<PrimitiveDescriptor, dnnl::convolution_backward_weights::primitive_desc>) {
      wanted = made.diff_weights_desc();
    } else {
      wanted = made.weights_desc();
    }
    scratchpad_bytes_ = made.scratchpad_desc().get_size();
    weight_bytes_ = wanted.get_size();
    reorder_weights_ = wanted != descriptors.plain_weight;
    if (reorder_weights_) {
      reorder_ =
          writes ? reorder(wanted, descriptors.plain_weight) : reorder(descriptors.plain_weight, wanted);
    }
    return true;
  }

  void run_reorder(void* from, void* to) {
    const std::array addresses = {from, to};
    reorder_.run(addresses, "reordering convolution weights");
  }

  ConvolutionWork work_;
  bool bias_;
  bool usable_ = false;
  bool reorder_weights_ = false;
  std::size_t scratchpad_bytes_ = 0, weight_bytes_ = 0;
  Execution main_, reorder_;
};

struct SizesHash {
  std::size_t operator()(const ConvolutionSizes& s) const noexcept {
    NumberHash hash;
    hash.mix(s.work), hash.mix(s.bias), hash.mix(s.spatial_rank);
    hash.mix(s.batch), hash.mix(s.in_channels), hash.mix(s.out_channels), hash.mix(s.groups);
    for (const auto& sizes : {s.input, s.output, s.kernel, s.stride, s.padding, s.dilation}) {
      for (const std::int64_t size : sizes) hash.mix(size);
    }
    return hash.value();
  }
};

using KeptConvolutions = KeptPrimitives<ConvolutionSizes, Convolution, SizesHash>;

}  // namespace

bool convolution(const ConvolutionSizes& sizes, float* input, float* weight, float* bias, float* output) {
  return KeptConvolutions::run(sizes, input, weight, bias, output);
}

}  // namespace rustorch::cpu::onednn
