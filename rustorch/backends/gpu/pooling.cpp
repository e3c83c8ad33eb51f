#include <algorithm>
#include <array>
#include <limits>

#include "rustorch/backends/gpu/dense_operand.h"
#include "rustorch/backends/gpu/index_split.h"
#include "rustorch/backends/gpu/launch.h"

namespace rustorch::gpu {
namespace {

/// As kernels/pooling.h declares it.
template <class Index>
struct Parameters {
  using Dims = std::array<Index, 3>;

  Index count, divisor;
  Dims offset, image_step, channel_step;
  Dims large_step, small_step, position_step;
  Divisors<Index, 4> job;
  Dims large_size, small_size;
};

/// A pooling's tensors: the larger, the pooled one, and the winners' numbers (or no data).
struct Pooling {
  const PoolingParameters& parameters;
  View large, small, positions;
  bool backward = false;

  /// The tensor of which each number is a job.
  const View& made() const { return backward ? large : small; }
  bool has_positions() const { return positions.data != nullptr; }
};

template <class Index>
Parameters<Index> parameters_of(const Pooling& work) {
  const auto index = [](std::int64_t value) { return static_cast<Index>(value); };
  const PoolingParameters& pooling = work.parameters;
  const Layout &large = *work.large.layout, &small = *work.small.layout, &made = *work.made().layout;
  const Layout& positions = work.has_positions() ? *work.positions.layout : small;
  Parameters<Index> p{};
  p.count = index(made.element_count());
  p.divisor = index(pooling.divisor.value_or(0));
  p.offset = {index(large.offset), index(small.offset), index(positions.offset)};
  p.image_step = {index(large.strides[0]), index(small.strides[0]), index(positions.strides[0])};
  p.channel_step = {index(large.strides[1]), index(small.strides[1]), index(positions.strides[1])};
  p.job.set(3, made.shape[1]);
  for (std::size_t i = 0; i < 3; ++i) {
    p.job.set(i, 1);
    p.large_size[i] = p.small_size[i] = 1;
  }
  for (std::size_t spatial = 0; spatial < pooling.spatial_rank; ++spatial) {
    const std::size_t i = spatial + 3 - pooling.spatial_rank, dim = spatial + 2;
    p.job.set(i, made.shape[dim]);
    p.large_size[i] = index(large.shape[dim]), p.small_size[i] = index(small.shape[dim]);
    p.large_step[i] = index(large.strides[dim]), p.small_step[i] = index(small.strides[dim]);
    p.position_step[i] = index(positions.strides[dim]);
  }
  return p;
}

/// Whether 64 bits must count: elements, and for adaptive windows products of sizes.
bool needs_wide_index(const Pooling& work) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max() / 2;
  const Layout &large = *work.large.layout, &small = *work.small.layout;
  bool wide = std::max(large.end(), small.end()) > most;
  if (work.has_positions()) wide = wide || work.positions.layout->end() > most;
  for (std::size_t dim = 2; dim < large.rank(); ++dim)
    wide = wide || (large.shape[dim] + 1) * (small.shape[dim] + 1) > most;
  return wide;
}

/// The windows of the three dims, leading ones of one cell.
void define_windows(KernelSource& source, const PoolingParameters& pooling) {
  const std::size_t leading = 3 - pooling.spatial_rank;
  const auto define = [&](const char* const(&names)[3], const std::array<std::int64_t, 3>& values,
                          std::int64_t other) {
    for (std::size_t i = 0; i < 3; ++i) source.define(names[i], i < leading ? other : values[i - leading]);
  };
  define({"WINDOW_SIZE_0", "WINDOW_SIZE_1", "WINDOW_SIZE_2"}, pooling.kernel, 1);
  define({"WINDOW_STEP_0", "WINDOW_STEP_1", "WINDOW_STEP_2"}, pooling.stride, 1);
  define({"PADDING_0", "PADDING_1", "PADDING_2"}, pooling.padding, 0);
  define({"CELL_STEP_0", "CELL_STEP_1", "CELL_STEP_2"}, pooling.dilation, 1);
}

void run(GpuBackend& backend, const Pooling& work) {
  const PoolingParameters& pooling = work.parameters;
  const DType dtype = work.large.dtype;
  const Layout& made = *work.made().layout;
  constexpr int cells_inside = 0, cells_padded = 1, given = 2;  // as in kernels/pooling.h
  const bool wide = needs_wide_index(work);
  const bool is_signed = is_integral(dtype) && dtype != DType::uint8;
  KernelSource source("index_split.h", compute_dtype(dtype));
  source.then("pooling.h")
      .storage("T", dtype)
      .storage("POSITION", work.has_positions() ? work.positions.dtype : DType::uint8)
      .define("BACKWARD", work.backward ? 1 : 0)
      .define("IS_MAX", pooling.kind == PoolingKind::max ? 1 : 0)
      .define("ADAPTIVE", pooling.adaptive ? 1 : 0)
      .define("HAS_POSITIONS", work.has_positions() ? 1 : 0)
      .define("CHANNELS_INNERMOST", made.strides[1] < made.strides.back() ? 1 : 0)
      .define("DIVISOR", pooling.divisor             ? given
                         : pooling.count_include_pad ? cells_padded
                                                     : cells_inside)
      .define("INTEGER_BITS", is_signed ? static_cast<std::int64_t>(8 * item_size(dtype)) : 0)
      .wide_index(wide);
  if (!pooling.adaptive) define_windows(source, pooling);
  const char* kernel = work.backward ? "pooling_backward" : "pooling_forward";
  const LaunchShape shape =
      launch_for(made.element_count(), group_threads, most_groups_on(backend.executor().facts()));
  // What is not touched must be some buffer all the same.
  const auto buffer = [&](const View& view) { return view.data != nullptr ? view.data : work.made().data; };
  const auto launch = [&](const auto& parameters) {
    backend.launch(source, kernel, shape, {buffer(work.large), buffer(work.small), buffer(work.positions)},
                   parameters);
  };
  wide ? launch(parameters_of<std::int64_t>(work)) : launch(parameters_of<std::int32_t>(work));
}

/// Whether all of a plane is averaged to one number.
bool is_mean_of_planes(const PoolingForward& work) {
  const Layout &input = *work.input.layout, &output = *work.output.layout;
  bool whole = work.parameters.kind == PoolingKind::average && !work.parameters.divisor;
  for (std::size_t i = 0; i < work.parameters.spatial_rank; ++i) {
    whole =
        whole && output.shape[i + 2] == 1 &&
        (work.parameters.adaptive || (work.parameters.kernel[i] == input.shape[i + 2] &&
                                      work.parameters.padding[i] == 0 && work.parameters.dilation[i] == 1));
  }
  return whole;
}

/// By the reduction, which shares a plane out among threads.
void mean_of_planes(GpuBackend& backend, const PoolingForward& work) {
  const Layout& input = *work.input.layout;
  const std::int64_t cells = input.element_count() / (input.shape[0] * input.shape[1]);
  const DType compute = compute_dtype(work.input.dtype);
  Program scaled;
  const auto scale = scaled.scalar(1.0 / static_cast<double>(cells), compute);
  scaled.output(scaled.apply(Op::mul, scaled.input(compute), scale), work.output.dtype);
  Reduction mean;
  mean.op = ReduceOp::sum;
  mean.inputs = {&work.input, 1};
  mean.out = work.output;
  mean.epilogue = &scaled;
  backend.reduce(mean);
}

}  // namespace

void GpuBackend::pooling_forward(const PoolingForward& work) {
  if (work.output.layout->element_count() == 0) return;
  if (work.input.layout->element_count() != 0 && is_mean_of_planes(work)) return mean_of_planes(*this, work);
  run(*this, {work.parameters, work.input, work.output, work.positions, false});
}

void GpuBackend::pooling_backward(const PoolingBackward& work) {
  if (work.d_input.layout->element_count() == 0) return;
  if (work.d_output.layout->element_count() == 0) return fill_zero(*this, work.d_input);
  run(*this, {work.parameters, work.d_input, work.d_output, work.positions, true});
}

}  // namespace rustorch::gpu
