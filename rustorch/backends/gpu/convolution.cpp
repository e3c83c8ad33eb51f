#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "rustorch/backends/gpu/convolution_by_library.h"
#include "rustorch/backends/gpu/dense_operand.h"
#include "rustorch/backends/gpu/index_split.h"
#include "rustorch/backends/gpu/product.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// As kernels/convolution.h declares it.
template <class Index>
struct Parameters {
  template <std::size_t N>
  using Indices = std::array<Index, N>;

  ProductPlan::Parameters<Index> sizes;
  Indices<4> offset, group_stride;
  Divisors<Index, 3> position;
  Divisors<Index, 4> tap;
  Indices<3> window_first, window_step, tap_step, extent;
  Index gathered_image, gathered_channel;
  Indices<3> gathered_step;
  Index pixel_image, pixel_filter;
  Indices<3> pixel_step;
  Index weight_filter, weight_channel;
  Indices<3> weight_step;
  Index bias_filter, unused;
};

/// One spatial dim: the places of the window, and its cells. Window `i`'s cell `k` is at first + i · step +
/// k · tap_step of the gathered tensor, outside of it where that is not in [0, extent).
struct Dim {
  std::int64_t positions = 1, taps = 1;
  std::int64_t first = 0, step = 1, tap_step = 1, extent = 1;
  std::int64_t gathered_stride = 0, pixel_stride = 0, weight_stride = 0;  ///< of extent, positions, taps

  bool reaches_outside() const {
    const std::int64_t windows = (positions - 1) * step, cells = (taps - 1) * tap_step;
    return first + std::min<std::int64_t>(windows, 0) + std::min<std::int64_t>(cells, 0) < 0 ||
           first + std::max<std::int64_t>(windows, 0) + std::max<std::int64_t>(cells, 0) >= extent;
  }
};

/// The three tensors of a convolution as kernels/convolution.h has them.
struct Windows {
  std::array<Dim, 3> dims;  ///< those that are not there lead
  std::int64_t spatial_rank = 0;
  std::int64_t images = 0, groups = 1;
  std::int64_t channels = 0, filters = 0;  ///< of a group
  View gathered, pixels, weight;
  std::int64_t gathered_offset = 0, pixel_offset = 0, weight_offset = 0;
  std::size_t weight_filter_dim = 0, weight_channel_dim = 1;

  std::int64_t positions() const {
    return images * dims[0].positions * dims[1].positions * dims[2].positions;
  }
  std::int64_t cells() const { return dims[0].taps * dims[1].taps * dims[2].taps; }
  std::int64_t taps() const { return channels * cells(); }
  bool channels_innermost() const {
    return channels > 1 && gathered.layout->strides[1] < dims[2].gathered_stride;
  }
};

/// Forward and weight gradient: the windows lie in the input.
Windows input_windows(const ConvolutionParameters& parameters, const View& input, const View& weight,
                      const View& output) {
  Windows windows;
  windows.spatial_rank = static_cast<std::int64_t>(parameters.spatial_rank);
  windows.groups = parameters.groups;
  windows.images = input.layout->shape[0];
  windows.channels = weight.layout->shape[1];
  windows.filters = weight.layout->shape[0] / parameters.groups;
  windows.gathered = input, windows.pixels = output, windows.weight = weight;
  windows.gathered_offset = input.layout->offset;
  windows.pixel_offset = output.layout->offset;
  windows.weight_offset = weight.layout->offset;
  for (std::size_t i = 0; i < parameters.spatial_rank; ++i) {
    Dim& dim = windows.dims[i + 3 - parameters.spatial_rank];
    dim.positions = output.layout->shape[i + 2], dim.taps = weight.layout->shape[i + 2];
    dim.first = -parameters.padding[i], dim.step = parameters.stride[i];
    dim.tap_step = parameters.dilation[i];
    dim.extent = input.layout->shape[i + 2];
    dim.gathered_stride = input.layout->strides[i + 2];
    dim.pixel_stride = output.layout->strides[i + 2];
    dim.weight_stride = weight.layout->strides[i + 2];
  }
  return windows;
}

/// Every stride-th cell of a dim of the input's gradient, from one of the first: the cells of the output's
/// gradient that reach them are windows without gaps, and the taps that lead there every so many.
struct Residue {
  Dim dim;
  std::int64_t pixel_offset = 0, weight_offset = 0;  ///< of the first cell and tap
};

/// The residues of a dim that have cells; taps are 0 where no window reaches them.
std::vector<Residue> residues_of(std::int64_t stride, std::int64_t padding, std::int64_t dilation,
                                 const View& d_output, const View& weight, const View& d_input,
                                 std::size_t i) {
  const std::int64_t size = d_input.layout->shape[i], kernel = weight.layout->shape[i];
  const std::int64_t common = std::gcd(stride, dilation);
  std::vector<Residue> residues;
  for (std::int64_t cell = 0; cell < std::min(stride, size); ++cell) {
    // Cell j + padding = window · stride + tap · dilation.
    std::int64_t tap = 0;
    while (tap < kernel && (cell + padding - tap * dilation) % stride != 0) ++tap;
    Residue residue;
    Dim& dim = residue.dim;
    dim.positions = (size - cell + stride - 1) / stride;
    dim.taps = tap == kernel ? 0 : (kernel - 1 - tap) / (stride / common) + 1;
    dim.first = (cell + padding - tap * dilation) / stride;
    dim.tap_step = -dilation / common;
    dim.extent = d_output.layout->shape[i];
    dim.gathered_stride = d_output.layout->strides[i];
    dim.pixel_stride = stride * d_input.layout->strides[i];
    dim.weight_stride = stride / common * weight.layout->strides[i];
    residue.pixel_offset = cell * d_input.layout->strides[i];
    residue.weight_offset = tap * weight.layout->strides[i];
    residues.push_back(residue);
  }
  return residues;
}

/// The layout of rows, columns and depth, and what lies adjacent.
ProductSizes sizes_of(const Windows& windows, bool of_weight, bool position_rows) {
  const Layout &gathered = *windows.gathered.layout, &pixels = *windows.pixels.layout;
  const Layout& weight = *windows.weight.layout;
  const Dim& inner = windows.dims[2];
  const bool channels_innermost = windows.channels_innermost();
  ProductSizes sizes;
  sizes.batches = windows.groups;
  if (of_weight) {
    sizes.rows = windows.filters, sizes.columns = windows.taps(), sizes.depth = windows.positions();
    sizes.a_along_depth = inner.pixel_stride < pixels.strides[1];
    sizes.b_along_depth = !channels_innermost && gathered.strides[1] > inner.gathered_stride;
    sizes.batches_adjacent = windows.filters == 1 && windows.groups > 1 && !sizes.b_along_depth;
    return sizes;
  }
  const std::int64_t tap_step = channels_innermost || windows.cells() == 1
                                    ? weight.strides[windows.weight_channel_dim]
                                    : inner.weight_stride;
  const bool weight_along = tap_step <= weight.strides[windows.weight_filter_dim];
  sizes.depth = windows.taps();
  sizes.rows = position_rows ? windows.positions() : windows.filters;
  sizes.columns = position_rows ? windows.filters : windows.positions();
  sizes.a_along_depth = position_rows ? channels_innermost : weight_along;
  sizes.b_along_depth = position_rows ? weight_along : channels_innermost;
  sizes.batches_adjacent =
      windows.filters == 1 && windows.groups > 1 && pixels.strides[1] < inner.pixel_stride;
  return sizes;
}

template <class Index>
Parameters<Index> parameters_of(const Windows& windows, const ProductPlan& plan, const View* bias) {
  const auto index = [](std::int64_t value) { return static_cast<Index>(value); };
  const Layout &gathered = *windows.gathered.layout, &pixels = *windows.pixels.layout;
  const Layout& weight = *windows.weight.layout;
  Parameters<Index> p{};
  p.sizes = plan.parameters<Index>();
  p.offset = {index(windows.gathered_offset), index(windows.pixel_offset), index(windows.weight_offset),
              index(bias != nullptr ? bias->layout->offset : 0)};
  p.bias_filter = index(bias != nullptr ? bias->layout->strides[0] : 0);
  p.gathered_image = index(gathered.strides[0]), p.gathered_channel = index(gathered.strides[1]);
  p.pixel_image = index(pixels.strides[0]), p.pixel_filter = index(pixels.strides[1]);
  p.weight_filter = index(weight.strides[windows.weight_filter_dim]);
  p.weight_channel = index(weight.strides[windows.weight_channel_dim]);
  p.group_stride = {index(windows.channels * gathered.strides[1]), index(windows.filters * pixels.strides[1]),
                    // The weight's first dim has the output's channels of all groups.
                    index(weight.shape[0] / windows.groups * weight.strides[0]),
                    index(windows.filters) * p.bias_filter};
  for (std::size_t i = 0; i < 3; ++i) {
    const Dim& dim = windows.dims[i];
    p.position.set(i, dim.positions), p.tap.set(i, dim.taps);
    p.window_first[i] = index(dim.first), p.window_step[i] = index(dim.step);
    p.tap_step[i] = index(dim.tap_step), p.extent[i] = index(dim.extent);
    p.gathered_step[i] = index(dim.gathered_stride), p.pixel_step[i] = index(dim.pixel_stride);
    p.weight_step[i] = index(dim.weight_stride);
  }
  p.tap.set(3, windows.channels);
  return p;
}

/// Sums over the taps into `pixels`, or over the positions into `weight`.
void run(GpuBackend& backend, const Windows& windows, bool of_weight, const View* bias) {
  const DType dtype = windows.gathered.dtype;
  const bool position_rows = windows.pixels.layout->strides[1] < windows.dims[2].pixel_stride;
  const ProductSizes sizes = sizes_of(windows, of_weight, position_rows);
  const ProductPlan plan(sizes, compute_dtype(dtype), backend.executor().facts());
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max() / 2;
  const bool wide = std::max({windows.gathered.layout->end(), windows.pixels.layout->end(),
                              windows.weight.layout->end(), plan.results() * plan.parts()}) > most;
  const bool has_padding = std::ranges::any_of(windows.dims, &Dim::reaches_outside);
  KernelSource source("product_numbers.h", compute_dtype(dtype));
  source.then("index_split.h")
      .then("convolution.h")
      .storage("T", dtype)
      .define("SPATIAL_RANK", windows.spatial_rank)
      .define("TAP_RANK", windows.cells() == 1 ? 0 : windows.spatial_rank)
      .define("CHANNELS_INNERMOST", windows.channels_innermost() ? 1 : 0)
      .define("POSITION_ROWS", position_rows ? 1 : 0)
      .define("HAS_PADDING", has_padding ? 1 : 0)
      .define("OF_WEIGHT", of_weight ? 1 : 0)
      .define("HAS_BIAS", bias != nullptr ? 1 : 0)
      .wide_index(wide);
  const View& first = of_weight ? windows.pixels : position_rows ? windows.gathered : windows.weight;
  const View& second = of_weight || !position_rows ? windows.gathered : windows.weight;
  const View& out = of_weight ? windows.weight : windows.pixels;
  const ProductPlan::Buffers buffers{first.data, second.data, bias != nullptr ? bias->data : out.data,
                                     out.data};
  wide ? plan.launch(backend, source, buffers, parameters_of<std::int64_t>(windows, plan, bias))
       : plan.launch(backend, source, buffers, parameters_of<std::int32_t>(windows, plan, bias));
}

bool is_empty(const View& view) { return view.layout->element_count() == 0; }

/// A view of one number for each channel, as broadcast over a tensor of this shape (or as its sums).
Layout per_channel(const Layout& values, const Shape& shape, bool broadcast) {
  Layout layout = values;
  layout.shape = broadcast ? shape : Shape::filled(shape.size(), 1);
  layout.shape[1] = shape[1];
  layout.strides = Shape::filled(shape.size(), 0);
  layout.strides[1] = values.strides[0];
  return layout;
}

}  // namespace

void GpuBackend::convolution_forward(const ConvolutionForward& work) {
  if (is_empty(work.output)) return;
  if (is_empty(work.input) || is_empty(work.weight)) {  // empty sums
    if (!work.bias) return fill_zero(*this, work.output);
    const Layout bias = per_channel(*work.bias->layout, work.output.layout->shape, true);
    return copy_elements(*this, {work.bias->data, &bias, work.bias->dtype}, work.output);
  }
  if (convolve_by_library(*this, {.direction = ConvolutionDirection::forward,
                                  .parameters = work.parameters,
                                  .input = work.input,
                                  .weight = work.weight,
                                  .output = work.output,
                                  .bias = work.bias})) {
    return;
  }
  run(*this, input_windows(work.parameters, work.input, work.weight, work.output), false,
      work.bias ? &*work.bias : nullptr);
}

void GpuBackend::convolution_backward_input(const ConvolutionBackwardInput& work) {
  if (is_empty(work.d_input)) return;
  if (is_empty(work.d_output) || is_empty(work.weight)) return fill_zero(*this, work.d_input);
  const ConvolutionParameters& parameters = work.parameters;
  if (convolve_by_library(*this, {.direction = ConvolutionDirection::backward_input,
                                  .parameters = parameters,
                                  .input = work.d_input,
                                  .weight = work.weight,
                                  .output = work.d_output})) {
    return;
  }
  Windows windows;
  windows.spatial_rank = static_cast<std::int64_t>(parameters.spatial_rank);
  windows.groups = parameters.groups;
  windows.images = work.d_input.layout->shape[0];
  windows.channels = work.weight.layout->shape[0] / parameters.groups;
  windows.filters = work.weight.layout->shape[1];
  windows.weight_filter_dim = 1, windows.weight_channel_dim = 0;
  windows.gathered = work.d_output, windows.pixels = work.d_input, windows.weight = work.weight;
  windows.gathered_offset = work.d_output.layout->offset;

  std::array<std::vector<Residue>, 3> residues;
  bool all_reached = true;
  for (std::size_t i = 0; i < 3; ++i) {
    if (i + parameters.spatial_rank < 3) {
      residues[i].emplace_back();
      continue;
    }
    const std::size_t spatial = i + parameters.spatial_rank - 3;
    residues[i] =
        residues_of(parameters.stride[spatial], parameters.padding[spatial], parameters.dilation[spatial],
                    work.d_output, work.weight, work.d_input, spatial + 2);
    for (const Residue& residue : residues[i]) all_reached = all_reached && residue.dim.taps > 0;
  }
  if (!all_reached) fill_zero(*this, work.d_input);
  for (const Residue& depth : residues[0]) {
    for (const Residue& height : residues[1]) {
      for (const Residue& width : residues[2]) {
        windows.dims = {depth.dim, height.dim, width.dim};
        if (windows.cells() == 0) continue;
        windows.pixel_offset =
            work.d_input.layout->offset + depth.pixel_offset + height.pixel_offset + width.pixel_offset;
        windows.weight_offset =
            work.weight.layout->offset + depth.weight_offset + height.weight_offset + width.weight_offset;
        run(*this, windows, false, nullptr);
      }
    }
  }
}

void GpuBackend::convolution_backward_weight(const ConvolutionBackwardWeight& work) {
  if (is_empty(work.d_output) || is_empty(work.input)) {
    if (!is_empty(work.d_weight)) fill_zero(*this, work.d_weight);
    if (work.d_bias && !is_empty(*work.d_bias)) fill_zero(*this, *work.d_bias);
    return;
  }
  if (!is_empty(work.d_weight) &&
      !convolve_by_library(*this, {.direction = ConvolutionDirection::backward_weight,
                                   .parameters = work.parameters,
                                   .input = work.input,
                                   .weight = work.d_weight,
                                   .output = work.d_output})) {
    run(*this, input_windows(work.parameters, work.input, work.d_weight, work.d_output), true, nullptr);
  }
  if (!work.d_bias) return;
  const Layout sums = per_channel(*work.d_bias->layout, work.d_output.layout->shape, false);
  Reduction reduction;
  reduction.op = ReduceOp::sum;
  reduction.inputs = {&work.d_output, 1};
  reduction.out = {work.d_bias->data, &sums, work.d_bias->dtype};
  reduce(reduction);
}

}  // namespace rustorch::gpu
