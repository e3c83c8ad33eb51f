#include "rustorch/tensor/operations/pooling.h"

#include "rustorch/backends/runtime.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/reduction_core.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

/// The windows of one spatial dim.
struct Windows {
  std::vector<std::int64_t> starts;   ///< may be negative: in the padding
  std::vector<std::int64_t> extents;  ///< cells
};

Windows windows_of(const PoolingParameters& parameters, std::size_t dim, std::int64_t in, std::int64_t out) {
  Windows windows;
  for (std::int64_t i = 0; i < out; ++i) {
    if (parameters.adaptive) {
      const std::int64_t start = i * in / out;
      windows.starts.push_back(start);
      windows.extents.push_back(((i + 1) * in + out - 1) / out - start);
    } else {
      windows.starts.push_back(i * parameters.stride[dim] - parameters.padding[dim]);
      windows.extents.push_back(parameters.kernel[dim]);
    }
  }
  return windows;
}

/// What the backend stores the positions of winners in.
DType position_dtype(const PoolingParameters& parameters, const Shape& in, const Shape& out) {
  std::int64_t cells = 1;
  for (std::size_t i = 0; i < parameters.spatial_rank; ++i) {
    std::int64_t largest = parameters.kernel[i];
    if (!parameters.adaptive) {
      cells *= largest;
      continue;
    }
    for (const std::int64_t extent : windows_of(parameters, i, in[i + 2], out[i + 2]).extents) {
      largest = std::max(largest, extent);
    }
    cells *= largest;
  }
  return cells <= 256 ? DType::uint8 : DType::int32;
}

/// Winners' positions in their windows as int64 positions in the flattened spatial plane of each channel.
Tensor plane_indices(const Tensor& positions, const PoolingParameters& parameters, const Shape& in) {
  const std::size_t rank = positions.rank();
  Tensor cell = positions.to(DType::int64);
  Tensor index;
  std::int64_t stride = 1;
  for (std::size_t i = parameters.spatial_rank; i-- > 0;) {  // the innermost dim varies first in both
    const std::int64_t out = positions.shape()[i + 2];
    const Windows windows = windows_of(parameters, i, in[i + 2], out);
    Shape along = Shape::filled(rank, 1);
    along[i + 2] = out;
    const TensorOptions options{.device = positions.device()};
    const Tensor extents = from_vector(windows.extents, along, options);
    const Tensor place =
        from_vector(windows.starts, along, options) + cell.remainder(extents) * parameters.dilation[i];
    index = index.defined() ? index + place * stride : place;
    cell = cell.floor_divide(extents);
    stride *= in[i + 2];
  }
  return index;
}

/// x with its spatial dims in one.
Tensor flat_planes(const Tensor& x) { return x.flatten(2); }

Tensor average(const Tensor& x, const PoolingParameters& parameters, const Shape& output);

/// The gradient of a pooling, back to the input's layout (dense). Linear in g: its own gradient is the
/// pooling again, for averages, and a gather of the winners for maxima.
Tensor pooling_gradient(const Tensor& g, const Tensor& positions, const PoolingParameters& parameters,
                        const Layout& input) {
  Tensor dx = allocate(input, g.dtype(), g.device());
  const bool is_max = parameters.kind == PoolingKind::max;
  if (dx.numel() != 0) {
    backend_for(g.device())
        .pooling_backward({.parameters = parameters,
                           .d_output = g.view_for_read(),
                           .positions = is_max ? positions.view_for_read() : View{},
                           .d_input = dx.view_for_write()});
  }
  return with_gradient(std::move(dx), is_max ? "max_pool_backward" : "avg_pool_backward", {&g},
                       [positions, parameters, shape = g.shape()](const Tensor& gg) {
                         if (parameters.kind == PoolingKind::average) return average(gg, parameters, shape);
                         const Tensor index = flat_planes(plane_indices(positions, parameters, gg.shape()));
                         return gather(flat_planes(gg), -1, index).reshape(shape);
                       });
}

Tensor average(const Tensor& x, const PoolingParameters& parameters, const Shape& output) {
  Tensor y = allocate(Layout::dense_like(output, x.layout()), x.dtype(), x.device());
  if (y.numel() != 0) {
    backend_for(x.device())
        .pooling_forward({.parameters = parameters,
                          .input = x.view_for_read(),
                          .output = y.view_for_write(),
                          .positions = {}});
  }
  return with_gradient(std::move(y), "avg_pool", {&x},
                       [parameters, input = Layout::dense_like(x.shape(), x.layout())](const Tensor& g) {
                         return pooling_gradient(g, {}, parameters, input);
                       });
}

/// Maxima, and the winners' positions where `positions` is given or the gradient needs them.
Tensor maximum_of_windows(const Tensor& x, const PoolingParameters& parameters, const Shape& output,
                          Tensor* positions = nullptr) {
  const Layout layout = Layout::dense_like(output, x.layout());
  Tensor y = allocate(layout, x.dtype(), x.device());
  Tensor winners;
  if (positions != nullptr || (grad_enabled() && x.requires_grad())) {
    winners = allocate(layout, position_dtype(parameters, x.shape(), output), x.device());
  }
  if (y.numel() != 0) {
    backend_for(x.device())
        .pooling_forward({.parameters = parameters,
                          .input = x.view_for_read(),
                          .output = y.view_for_write(),
                          .positions = winners.defined() ? winners.view_for_write() : View{}});
  }
  if (positions != nullptr) *positions = winners;
  return with_gradient(
      std::move(y), "max_pool", {&x},
      [winners = std::move(winners), parameters, input = Layout::dense_like(x.shape(), x.layout())](
          const Tensor& g) { return pooling_gradient(g, winners, parameters, input); });
}

// ---- checks and shapes

struct Pool {
  PoolingParameters parameters;
  Tensor input;  ///< x with a batch dim
  Shape output;
};

Pool pool_over(const char* op, PoolingKind kind, std::size_t spatial_rank, const Tensor& x) {
  if (kind == PoolingKind::average) {
    check_floating(x, op, false);
  } else {
    check_ordered(x, op);
    if (x.dtype() == DType::bool_) {
      fail_with_suggestion(ErrorCode::dtype_mismatch, "use x.to(uint8)", "{} is not defined for bool", op);
    }
  }
  const std::size_t rank = spatial_rank + 2;
  RUSTORCH_CHECK(x.rank() == rank || x.rank() + 1 == rank, shape_mismatch,
                 "{}: the input must have {} dims, or {} without a batch, its shape is {}", op, rank,
                 rank - 1, x.shape());
  Pool pool;
  pool.parameters.kind = kind;
  pool.parameters.spatial_rank = spatial_rank;
  pool.input = x.rank() == rank ? x : x.unsqueeze(0);
  pool.output = {pool.input.shape()[0], pool.input.shape()[1]};
  for (std::size_t dim = 2; dim < rank; ++dim) {
    RUSTORCH_CHECK(pool.input.shape()[dim] > 0, shape_mismatch,
                   "{}: the input of shape {} is empty in a spatial dim", op, x.shape());
  }
  return pool;
}

Pool pool_with_windows(const char* op, PoolingKind kind, std::size_t spatial_rank, const Tensor& x,
                       const SpatialSizes& kernel_size, const SpatialSizes& stride,
                       const SpatialSizes& padding, const SpatialSizes& dilation, bool ceil_mode) {
  Pool pool = pool_over(op, kind, spatial_rank, x);
  PoolingParameters& parameters = pool.parameters;
  parameters.kernel = kernel_size.expand(spatial_rank, op, "kernel_size");
  parameters.stride = stride.empty() ? parameters.kernel : stride.expand(spatial_rank, op, "stride");
  parameters.padding = padding.expand(spatial_rank, op, "padding");
  parameters.dilation = dilation.expand(spatial_rank, op, "dilation");
  for (std::size_t i = 0; i < spatial_rank; ++i) {
    const std::int64_t kernel = parameters.kernel[i], step = parameters.stride[i],
                       pad = parameters.padding[i];
    RUSTORCH_CHECK(kernel > 0, invalid_argument, "{}: kernel_size must be positive, got {}", op,
                   kernel_size.list());
    RUSTORCH_CHECK(step > 0, invalid_argument, "{}: stride must be positive, got {}", op, stride.list());
    RUSTORCH_CHECK(parameters.dilation[i] > 0, invalid_argument, "{}: dilation must be positive, got {}", op,
                   dilation.list());
    const std::int64_t extent = parameters.dilation[i] * (kernel - 1) + 1;
    RUSTORCH_CHECK(pad >= 0 && pad <= extent / 2, invalid_argument,
                   "{}: padding must be at least 0 and at most half of the kernel's extent, got padding {} "
                   "with kernel_size "
                   "{} and dilation {}",
                   op, padding.list(), kernel_size.list(), dilation.list());
    const std::int64_t in = pool.input.shape()[i + 2];
    const std::int64_t room = in + 2 * pad - extent;
    std::int64_t out = room < 0 ? 0 : (room + (ceil_mode ? step - 1 : 0)) / step + 1;
    // Rounded up, the last window must still start inside the input or its left padding.
    if (ceil_mode && (out - 1) * step >= in + pad) --out;
    RUSTORCH_CHECK(out > 0, shape_mismatch,
                   "{}: the window spans {} along spatial dim {}, the padded input {} only {}", op, extent, i,
                   x.shape(), in + 2 * pad);
    pool.output.push_back(out);
  }
  return pool;
}

Pool adaptive_pool(const char* op, PoolingKind kind, std::size_t spatial_rank, const Tensor& x,
                   const SpatialSizes& output_size) {
  Pool pool = pool_over(op, kind, spatial_rank, x);
  pool.parameters.adaptive = true;
  const auto sizes = output_size.expand(spatial_rank, op, "output_size");
  for (std::size_t i = 0; i < spatial_rank; ++i) {
    RUSTORCH_CHECK(sizes[i] >= 0, invalid_argument, "{}: output_size must not be negative, got {}", op,
                   output_size.list());
    pool.output.push_back(sizes[i]);
  }
  return pool;
}

/// y without the batch dim that x did not have.
Tensor like_input(const Tensor& y, const Tensor& x) { return y.rank() == x.rank() ? y : y.squeeze(0); }

Tensor max_pool(const char* op, std::size_t spatial_rank, const Tensor& x, const SpatialSizes& kernel_size,
                const SpatialSizes& stride, const SpatialSizes& padding, const SpatialSizes& dilation,
                bool ceil_mode) {
  const Pool pool = pool_with_windows(op, PoolingKind::max, spatial_rank, x, kernel_size, stride, padding,
                                      dilation, ceil_mode);
  return like_input(maximum_of_windows(pool.input, pool.parameters, pool.output), x);
}

std::tuple<Tensor, Tensor> max_pool_with_indices(const char* op, std::size_t spatial_rank, const Tensor& x,
                                                 const SpatialSizes& kernel_size, const SpatialSizes& stride,
                                                 const SpatialSizes& padding, const SpatialSizes& dilation,
                                                 bool ceil_mode) {
  const Pool pool = pool_with_windows(op, PoolingKind::max, spatial_rank, x, kernel_size, stride, padding,
                                      dilation, ceil_mode);
  Tensor positions;
  Tensor y = maximum_of_windows(pool.input, pool.parameters, pool.output, &positions);
  const Tensor indices = plane_indices(positions, pool.parameters, pool.input.shape());
  return {like_input(y, x), like_input(indices, x)};
}

Tensor avg_pool(const char* op, std::size_t spatial_rank, const Tensor& x, const SpatialSizes& kernel_size,
                const SpatialSizes& stride, const SpatialSizes& padding, bool ceil_mode,
                bool count_include_pad, std::optional<std::int64_t> divisor) {
  Pool pool = pool_with_windows(op, PoolingKind::average, spatial_rank, x, kernel_size, stride, padding, 1,
                                ceil_mode);
  RUSTORCH_CHECK(divisor != 0, invalid_argument, "{}: divisor_override must not be 0", op);
  pool.parameters.count_include_pad = count_include_pad;
  pool.parameters.divisor = divisor;
  return like_input(average(pool.input, pool.parameters, pool.output), x);
}

Tensor adaptive_average(const char* op, std::size_t spatial_rank, const Tensor& x,
                        const SpatialSizes& output_size) {
  const Pool pool = adaptive_pool(op, PoolingKind::average, spatial_rank, x, output_size);
  return like_input(average(pool.input, pool.parameters, pool.output), x);
}

Tensor adaptive_maximum(const char* op, std::size_t spatial_rank, const Tensor& x,
                        const SpatialSizes& output_size) {
  const Pool pool = adaptive_pool(op, PoolingKind::max, spatial_rank, x, output_size);
  return like_input(maximum_of_windows(pool.input, pool.parameters, pool.output), x);
}

}  // namespace

Tensor max_pool1d(const Tensor& x, SpatialSizes kernel_size, SpatialSizes stride, SpatialSizes padding,
                  SpatialSizes dilation, bool ceil_mode) {
  return max_pool("max_pool1d", 1, x, kernel_size, stride, padding, dilation, ceil_mode);
}
Tensor max_pool2d(const Tensor& x, SpatialSizes kernel_size, SpatialSizes stride, SpatialSizes padding,
                  SpatialSizes dilation, bool ceil_mode) {
  return max_pool("max_pool2d", 2, x, kernel_size, stride, padding, dilation, ceil_mode);
}
Tensor max_pool3d(const Tensor& x, SpatialSizes kernel_size, SpatialSizes stride, SpatialSizes padding,
                  SpatialSizes dilation, bool ceil_mode) {
  return max_pool("max_pool3d", 3, x, kernel_size, stride, padding, dilation, ceil_mode);
}

std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& x, SpatialSizes kernel_size,
                                                   SpatialSizes stride, SpatialSizes padding,
                                                   SpatialSizes dilation, bool ceil_mode) {
  return max_pool_with_indices("max_pool1d", 1, x, kernel_size, stride, padding, dilation, ceil_mode);
}
std::tuple<Tensor, Tensor> max_pool2d_with_indices(const Tensor& x, SpatialSizes kernel_size,
                                                   SpatialSizes stride, SpatialSizes padding,
                                                   SpatialSizes dilation, bool ceil_mode) {
  return max_pool_with_indices("max_pool2d", 2, x, kernel_size, stride, padding, dilation, ceil_mode);
}
std::tuple<Tensor, Tensor> max_pool3d_with_indices(const Tensor& x, SpatialSizes kernel_size,
                                                   SpatialSizes stride, SpatialSizes padding,
                                                   SpatialSizes dilation, bool ceil_mode) {
  return max_pool_with_indices("max_pool3d", 3, x, kernel_size, stride, padding, dilation, ceil_mode);
}

Tensor avg_pool1d(const Tensor& x, SpatialSizes kernel_size, SpatialSizes stride, SpatialSizes padding,
                  bool ceil_mode, bool count_include_pad) {
  return avg_pool("avg_pool1d", 1, x, kernel_size, stride, padding, ceil_mode, count_include_pad, {});
}
Tensor avg_pool2d(const Tensor& x, SpatialSizes kernel_size, SpatialSizes stride, SpatialSizes padding,
                  bool ceil_mode, bool count_include_pad, std::optional<std::int64_t> divisor_override) {
  return avg_pool("avg_pool2d", 2, x, kernel_size, stride, padding, ceil_mode, count_include_pad,
                  divisor_override);
}
Tensor avg_pool3d(const Tensor& x, SpatialSizes kernel_size, SpatialSizes stride, SpatialSizes padding,
                  bool ceil_mode, bool count_include_pad, std::optional<std::int64_t> divisor_override) {
  return avg_pool("avg_pool3d", 3, x, kernel_size, stride, padding, ceil_mode, count_include_pad,
                  divisor_override);
}

Tensor adaptive_avg_pool1d(const Tensor& x, SpatialSizes output_size) {
  return adaptive_average("adaptive_avg_pool1d", 1, x, output_size);
}
Tensor adaptive_avg_pool2d(const Tensor& x, SpatialSizes output_size) {
  return adaptive_average("adaptive_avg_pool2d", 2, x, output_size);
}
Tensor adaptive_avg_pool3d(const Tensor& x, SpatialSizes output_size) {
  return adaptive_average("adaptive_avg_pool3d", 3, x, output_size);
}
Tensor adaptive_max_pool1d(const Tensor& x, SpatialSizes output_size) {
  return adaptive_maximum("adaptive_max_pool1d", 1, x, output_size);
}
Tensor adaptive_max_pool2d(const Tensor& x, SpatialSizes output_size) {
  return adaptive_maximum("adaptive_max_pool2d", 2, x, output_size);
}
Tensor adaptive_max_pool3d(const Tensor& x, SpatialSizes output_size) {
  return adaptive_maximum("adaptive_max_pool3d", 3, x, output_size);
}

}  // namespace rustorch
