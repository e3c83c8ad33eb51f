// CUDA's compiler accepts the kernels of whole ops, on machines without a device too.
#include "backends/gpu/cuda_compilation.h"
#include "backends/gpu/device_copy.h"

namespace rustorch::testing {
namespace {

class NvrtcKernels : public CudaCompilation {};

TEST_F(NvrtcKernels, OfMatrixProducts) {
  for (const DType dtype :
       {DType::float32, DType::float64, DType::bfloat16, DType::int8, DType::complex64, DType::complex128}) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      for (const Shape& size :
           {Shape{4, 4, 4}, Shape{1, 500, 500}, Shape{300, 300, 3000}, Shape{2000, 2000, 40}}) {
        HostTensor a(dtype, {size[0], size[2]}), b(dtype, {size[2], size[1]}), out(dtype, {size[0], size[1]});
        HostTensor bias(dtype, Layout({size[0], size[1]}, {0, 1}));
        backend->matmul({a.view(), b.view(), out.view(), bias.view()});
        if (is_floating_point(dtype) && size[0] == 4)
          backend->matmul({a.view(), b.view(), out.view(), bias.view(), Op::relu});
        if (is_floating_point(dtype) && size[0] == 300)
          backend->matmul({a.view(), b.view(), out.view(), bias.view(), Op::gelu});
      }
    }
  }
  EXPECT_GT(backends.front()->kernels().statistics().compiled, 12u);
}

TEST_F(NvrtcKernels, OfConvolutions) {
  for (const DType dtype : {DType::float32, DType::float16}) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      for (const Order order : {Order::plain, Order::channels_last}) {
        for (const std::int64_t groups : {1, 32}) {
          ConvolutionParameters parameters;
          parameters.padding = {1, 1, 0};
          parameters.groups = groups;
          HostTensor input(dtype, {4, 32, 20, 20}, order), weight(dtype, {64, 32 / groups, 3, 3});
          HostTensor output(dtype, {4, 64, 20, 20}, order), bias(dtype, {64});
          backend->convolution_forward({parameters, input.view(), weight.view(), bias.view(), output.view()});
          backend->convolution_backward_input({parameters, output.view(), weight.view(), input.view()});
          backend->convolution_backward_weight(
              {parameters, input.view(), output.view(), weight.view(), bias.view()});
        }
      }
    }
  }
}

TEST_F(NvrtcKernels, OfPooling) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      for (const bool adaptive : {false, true}) {
        for (const PoolingKind kind : {PoolingKind::max, PoolingKind::average}) {
          PoolingParameters parameters;
          parameters.kind = kind, parameters.adaptive = adaptive;
          parameters.kernel = parameters.stride = {2, 2, 1};
          HostTensor large(dtype, {2, 3, 8, 8}), small(dtype, {2, 3, 4, 4});
          HostTensor positions(DType::uint8, {2, 3, 4, 4});
          const View winners = kind == PoolingKind::max ? positions.view() : View{};
          backend->pooling_forward({parameters, large.view(), small.view(), winners});
          backend->pooling_backward({parameters, small.view(), winners, large.view()});
        }
      }
    }
  }
}

TEST_F(NvrtcKernels, OfScatters) {
  for (const DType dtype : {DType::float32, DType::bfloat16, DType::int64, DType::complex128}) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      for (const ScatterMode mode : {ScatterMode::write, ScatterMode::add, ScatterMode::max}) {
        if (is_complex(dtype) && mode == ScatterMode::max) continue;
        HostTensor table(dtype, {50, 3}), source(dtype, {70000, 3}), index(DType::int64, {70000});
        const Layout base({70000, 3}, {0, 1}), moves({70000, 3}, {1, 0});
        Scatter work{
            .op = "rows", .mode = mode, .base = table.view(), .indices = {}, .source = source.view()};
        work.base.layout = &base;
        IndexOperand operand{index.view(), 50, 3};
        operand.index.layout = &moves;
        work.indices = {&operand, 1};
        backend->scatter(work);
      }
    }
  }
  EXPECT_GE(backends.front()->kernels().statistics().compiled, 10u);
}

TEST_F(NvrtcKernels, OfRows) {
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    for (gpu::GpuBackend* backend : backends_for(dtype)) {
      for (const std::int64_t n : {16384, 20000}) {
        if (n != 16384 && dtype != DType::float32) continue;
        HostTensor x(dtype, {300, n}), y(dtype, {300, n});
        HostTensor losses(DType::float32, {300}), lse(DType::float32, {300}), targets(DType::int64, {300});
        for (const bool logarithm : {false, true}) {
          backend->softmax_forward({x.view(), 1, logarithm, y.view()});
          backend->softmax_backward({x.view(), x.view(), 1, logarithm, y.view()});
        }
        backend->layer_norm_forward({x.view(), {}, {}, 1e-5, y.view(), losses.view(), lse.view()});
        CrossEntropyForward forward{};
        forward.logits = x.view(), forward.targets = targets.view();
        forward.losses = losses.view(), forward.log_sum_exp = lse.view();
        backend->cross_entropy_forward(forward);
        CrossEntropyBackward backward{};
        backward.logits = x.view(), backward.targets = targets.view(), backward.log_sum_exp = lse.view();
        backward.d_losses = losses.view(), backward.d_logits = y.view();
        backend->cross_entropy_backward(backward);
      }
    }
  }
}

}  // namespace
}  // namespace rustorch::testing
