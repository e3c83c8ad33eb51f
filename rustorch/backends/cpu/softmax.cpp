#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/run_io.h"
#include "rustorch/backends/cpu/softmax_kernels.h"
#include "rustorch/backends/loop_nest.h"
#include "rustorch/memory/buffer.h"

namespace rustorch {
namespace {

using cpu::SoftmaxLoops;

constexpr std::int64_t grain = 8192;  // elements that are worth a thread

DType computed_in(DType dtype) {
  RUSTORCH_CHECK(is_floating_point(dtype), dtype_mismatch, "op softmax does not take {}", dtype);
  return compute_dtype(dtype);
}

/// One operand of a softmax along its dim: read or written where it lies if its elements are as the kernels
/// want them, through a buffer of adjacent elements otherwise.
struct Operand {
  cpu::RunReader reader;
  std::int64_t stride = 0;  // along the dim
  std::int64_t step = 0;    // to the next row
  bool is_direct = false;
};

/// Fills `buffer` with the block of `n` × `width` elements at `offset`; by rows, width is 1.
void read_block(const Operand& operand, std::int64_t offset, std::int64_t n, std::int64_t width,
                std::size_t item, std::byte* buffer) {
  if (width == 1) return operand.reader.read(offset, operand.stride, n, buffer);
  for (std::int64_t r = 0; r < n; ++r) {
    operand.reader.read(offset + r * operand.stride, operand.step, width,
                        buffer + static_cast<std::size_t>(r * width) * item);
  }
}

void write_block(const cpu::RunWriter& writer, const std::byte* buffer, std::int64_t offset,
                 std::int64_t stride, std::int64_t step, std::int64_t n, std::int64_t width,
                 std::size_t item) {
  if (width == 1) return writer.write(buffer, offset, stride, n);
  for (std::int64_t r = 0; r < n; ++r) {
    writer.write(buffer + static_cast<std::size_t>(r * width) * item, offset + r * stride, step, width);
  }
}

/// Runs a softmax or its gradient over all rows along `dim`: inputs are one or two views, of the result's
/// shape. `by_row(sources, target, n)` and `by_columns(sources, strides, target, stride, n, width)` do the
/// work.
template <std::size_t Inputs, class ByRow, class ByColumns>
void for_each_row(const std::array<const View*, Inputs>& inputs, const View& out, std::size_t dim,
                  const ByRow& by_row, const ByColumns& by_columns) {
  const std::int64_t n = dim_size(out, dim);
  const DType computed = computed_in(out.dtype);
  const std::size_t item = item_size(computed);
  std::array<const View*, Inputs + 1> views;
  std::copy(inputs.begin(), inputs.end(), views.begin());
  views[Inputs] = &out;
  const LoopNest<Inputs + 1> nest = dims_except(dim, views);
  const std::int64_t rows = nest.count();
  if (rows == 0 || n == 0) return;

  // Rows are taken one by one, unless neighbours in memory belong to different rows: then many side by side.
  const std::int64_t stride_0 = dim_stride(*inputs[0], dim);
  const bool side_by_side = rows > 1 && stride_0 != 1 && nest.inner_stride(0) == 1 && n > 1;
  // The wider the better, even where the rows do not stay in the cache; but packed blocks should not grow
  // beyond bounds.
  const std::int64_t bounded = (std::int64_t{1} << 22) / n / 16 * 16;
  const std::int64_t width =
      !side_by_side
          ? 1
          : std::min(nest.inner_size(), std::clamp<std::int64_t>(bounded, 16, SoftmaxLoops::max_width));
  std::array<Operand, Inputs> operands;
  for (std::size_t k = 0; k < Inputs; ++k) {
    Operand operand{cpu::RunReader(*inputs[k], computed), dim_stride(*inputs[k], dim), nest.inner_stride(k)};
    operand.is_direct = operand.reader.is_direct(side_by_side ? operand.step : n == 1 ? 1 : operand.stride);
    operands[k] = operand;
  }
  const cpu::RunWriter writer(out, computed);
  const std::int64_t out_stride = dim_stride(out, dim);
  const std::int64_t out_step = nest.inner_stride(Inputs);
  const bool out_direct = writer.is_direct(side_by_side ? out_step : n == 1 ? 1 : out_stride);
  const std::size_t block_bytes = static_cast<std::size_t>(n * width) * item;

  cpu::parallel_for(0, rows, std::max<std::int64_t>(1, grain / n), [&](std::int64_t begin, std::int64_t end) {
    std::array<Buffer, Inputs + 1> buffers;
    for (std::size_t k = 0; k < Inputs; ++k) {
      if (!operands[k].is_direct) buffers[k] = Buffer(cpu_allocator(), block_bytes);
    }
    if (!out_direct) buffers[Inputs] = Buffer(cpu_allocator(), block_bytes);
    nest.for_each_run(begin, end, [&](const auto& at, std::int64_t length) {
      for (std::int64_t start = 0; start < length; start += width) {
        const std::int64_t count = std::min(width, length - start);
        std::array<const void*, Inputs> sources;
        std::array<std::int64_t, Inputs> strides;
        for (std::size_t k = 0; k < Inputs; ++k) {
          const Operand& operand = operands[k];
          const std::int64_t offset = at[k] + start * operand.step;
          strides[k] = operand.is_direct ? operand.stride : count;
          sources[k] = operand.is_direct ? operand.reader.address(offset) : buffers[k].data();
          if (!operand.is_direct) {
            read_block(operand, offset, n, count, item, static_cast<std::byte*>(buffers[k].data()));
          }
        }
        const std::int64_t offset = at[Inputs] + start * out_step;
        void* const target = out_direct ? writer.address(offset) : buffers[Inputs].data();
        if (side_by_side) {
          by_columns(sources, strides, target, out_direct ? out_stride : count, static_cast<std::size_t>(n),
                     static_cast<std::size_t>(count));
        } else {
          by_row(sources, target, static_cast<std::size_t>(n));
        }
        if (!out_direct) {
          write_block(writer, static_cast<const std::byte*>(target), offset, out_stride, out_step, n, count,
                      item);
        }
      }
    });
  });
}

}  // namespace

void CpuBackend::softmax_forward(const SoftmaxForward& work) {
  const SoftmaxLoops& loops = cpu::softmax_loops(work.output.dtype == DType::float64);
  for_each_row<1>(
      {&work.input}, work.output, work.dim,
      [&](const auto& in, void* out, std::size_t n) { loops.forward_row(in[0], out, n, work.logarithm); },
      [&](const auto& in, const auto& strides, void* out, std::int64_t stride, std::size_t n,
          std::size_t width) {
        loops.forward_columns(in[0], strides[0], out, stride, n, width, work.logarithm);
      });
}

void CpuBackend::softmax_backward(const SoftmaxBackward& work) {
  const SoftmaxLoops& loops = cpu::softmax_loops(work.d_input.dtype == DType::float64);
  for_each_row<2>(
      {&work.output, &work.d_output}, work.d_input, work.dim,
      [&](const auto& in, void* out, std::size_t n) {
        loops.backward_row(in[0], in[1], out, n, work.logarithm);
      },
      [&](const auto& in, const auto& strides, void* out, std::int64_t stride, std::size_t n,
          std::size_t width) {
        loops.backward_columns(in[0], strides[0], in[1], strides[1], out, stride, n, width, work.logarithm);
      });
}

}  // namespace rustorch
