#include "rustorch/backends/cpu/pooling.h"

#include <algorithm>
#include <array>
#include <vector>

#include "rustorch/backends/cpu/channels_last.h"
#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/temporary.h"

namespace rustorch {
namespace cpu {
namespace {

/// Elements of the larger tensor that are worth a second thread.
constexpr std::int64_t elements_per_thread = 32 * 1024;

/// One dim's part of a window: which cells of it lie inside the input.
struct Extent {
  std::int64_t first = 0;       ///< the input index under the first cell that lies inside
  std::int64_t step = 1;        ///< input indices from cell to cell
  std::int64_t cells = 0;       ///< how many lie inside
  std::int64_t first_cell = 0;  ///< the number of the first one
  std::int64_t width = 0;       ///< cells of the whole window, inside or not: what positions are counted in
  std::int64_t padded = 0;      ///< cells inside the padded input: what averages may divide by

  /// Whether a window has the same cells, moved.
  bool same_cells(const Extent& other) const noexcept {
    return cells == other.cells && first_cell == other.first_cell && width == other.width &&
           padded == other.padded;
  }
};

Extent extent_of(const PoolingParameters& parameters, std::size_t dim, std::int64_t in, std::int64_t out,
                 std::int64_t index) {
  Extent extent;
  if (parameters.adaptive) {
    extent.first = index * in / out;
    extent.cells = extent.width = extent.padded = ((index + 1) * in + out - 1) / out - extent.first;
    return extent;
  }
  const std::int64_t kernel = parameters.kernel[dim], padding = parameters.padding[dim];
  extent.step = parameters.dilation[dim];
  extent.width = kernel;
  const std::int64_t start = index * parameters.stride[dim] - padding;
  const auto cells_below =
      [&](std::int64_t end) {  // cells of the window whose input index is less than `end`
        return std::clamp<std::int64_t>((end - start + extent.step - 1) / extent.step, 0, kernel);
      };
  extent.first_cell = start >= 0 ? 0 : cells_below(0);
  extent.first = start + extent.first_cell * extent.step;
  extent.cells = std::max<std::int64_t>(0, cells_below(in) - extent.first_cell);
  extent.padded = cells_below(in + padding);
  return extent;
}

/// A pooling with its sizes and strides; spatial dims are three, leading ones of size 1.
class Pooling {
 public:
  /// `large` and `small` have the shapes [N, C, spatial…]; `winners` may be null data.
  Pooling(const PoolingParameters& parameters, const View& large, const View& small, const View& winners)
      : parameters_(parameters), large_(large), small_(small), winners_(winners) {
    const std::size_t rank = parameters.spatial_rank;
    for (std::size_t i = 0; i < 3; ++i) {
      if (i + rank < 3) {
        extents_[i] = {Extent{.cells = 1, .width = 1, .padded = 1}};
        continue;
      }
      const std::size_t spatial = i + rank - 3, dim = spatial + 2;
      in_[i] = large.layout->shape[dim];
      out_[i] = small.layout->shape[dim];
      large_stride_[i] = large.layout->strides[dim];
      small_stride_[i] = small.layout->strides[dim];
      if (winners.data != nullptr) winner_stride_[i] = winners.layout->strides[dim];
      extents_[i].clear();
      for (std::int64_t index = 0; index < out_[i]; ++index) {
        extents_[i].push_back(extent_of(parameters, spatial, in_[i], out_[i], index));
      }
    }
  }

  /// Whether no two windows share a cell.
  bool windows_are_apart() const {
    for (const auto& extents : extents_) {
      for (std::size_t i = 1; i < extents.size(); ++i) {
        if (last_index(extents[i - 1]) >= extents[i].first) return false;
      }
    }
    return true;
  }

  /// Whether every cell of the input is in some window.
  bool windows_cover_all() const {
    for (std::size_t i = 0; i < 3; ++i) {
      std::int64_t covered = 0;
      for (const Extent& extent : extents_[i]) {
        if (extent.first > covered || (extent.step > 1 && extent.cells > 1)) return false;
        covered = std::max(covered, last_index(extent) + 1);
      }
      if (covered < in_[i]) return false;
    }
    return true;
  }

  /// Calls work(run) for every run of windows. Threads share out images and rows, or where windows overlap
  /// and are added to, images and channels.
  template <class Work>
  void for_each_run(bool overlapping_sums, const Work& work) const {
    const std::int64_t batch = large_.layout->shape[0], channels = large_.layout->shape[1];
    const std::int64_t rows = out_[0] * out_[1];
    const std::int64_t volume = std::max(large_.layout->element_count(), small_.layout->element_count());
    if (!overlapping_sums) {
      const std::int64_t grain = 1 + elements_per_thread * batch * rows / std::max<std::int64_t>(1, volume);
      return parallel_for(0, batch * rows, grain, [&](std::int64_t begin, std::int64_t end) {
        Cells cells;
        for (std::int64_t unit = begin; unit < end; ++unit)
          run_row(unit / rows, unit % rows, 0, channels, cells, work);
      });
    }
    constexpr std::int64_t block = 32;
    const std::int64_t blocks = (channels + block - 1) / block;
    const std::int64_t grain = 1 + elements_per_thread * batch * blocks / std::max<std::int64_t>(1, volume);
    parallel_for(0, batch * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
      Cells cells;
      for (std::int64_t unit = begin; unit < end; ++unit) {
        const std::int64_t first = unit % blocks * block;
        for (std::int64_t row = 0; row < rows; ++row) {
          run_row(unit / blocks, row, first, std::min(channels, first + block), cells, work);
        }
      }
    });
  }

 private:
  /// The cells of a window, as kernels want them.
  struct Cells {
    std::vector<std::int64_t> offsets;
    std::vector<std::int32_t> positions;
  };

  static std::int64_t last_index(const Extent& extent) noexcept {
    return extent.cells == 0 ? extent.first - 1 : extent.first + (extent.cells - 1) * extent.step;
  }

  /// One row of results, in runs of windows with the same cells.
  template <class Work>
  void run_row(std::int64_t image, std::int64_t row, std::int64_t first_channel, std::int64_t end_channel,
               Cells& cells, const Work& work) const {
    const std::int64_t plane = row / out_[1], line = row % out_[1];
    const Extent& depth = extents_[0][static_cast<std::size_t>(plane)];
    const Extent& height = extents_[1][static_cast<std::size_t>(line)];
    const std::vector<Extent>& widths = extents_[2];
    for (std::size_t begin = 0; begin < widths.size();) {
      const Extent& width = widths[begin];
      std::size_t end = begin + 1;
      while (end < widths.size() && widths[end].same_cells(width) &&
             (end == begin + 1 ||
              widths[end].first - widths[end - 1].first == widths[begin + 1].first - width.first)) {
        ++end;
      }
      WindowRun run;
      run.windows = static_cast<std::int64_t>(end - begin);
      run.channels = end_channel - first_channel;
      list_cells(depth, height, width, cells);
      run.cells = static_cast<std::int64_t>(cells.offsets.size());
      run.offsets = cells.offsets.data();
      run.positions = cells.positions.data();
      run.scale = scale_of(depth, height, width);

      const auto first = static_cast<std::int64_t>(begin);
      const Layout &large = *large_.layout, &small = *small_.layout;
      run.large = address(large_, large.offset + image * large.strides[0] + first_channel * large.strides[1] +
                                      depth.first * large_stride_[0] + height.first * large_stride_[1] +
                                      width.first * large_stride_[2]);
      run.large_window = run.windows > 1 ? (widths[begin + 1].first - width.first) * large_stride_[2] : 0;
      run.large_channel = large.strides[1];
      run.small =
          address(small_, small.offset + image * small.strides[0] + first_channel * small.strides[1] +
                              plane * small_stride_[0] + line * small_stride_[1] + first * small_stride_[2]);
      run.small_window = small_stride_[2];
      run.small_channel = small.strides[1];
      if (winners_.data != nullptr) {
        const Layout& winners = *winners_.layout;
        run.winners = address(winners_, winners.offset + image * winners.strides[0] +
                                            first_channel * winners.strides[1] + plane * winner_stride_[0] +
                                            line * winner_stride_[1] + first * winner_stride_[2]);
        run.winner_window = winner_stride_[2];
        run.winner_channel = winners.strides[1];
      }
      work(run);
      begin = end;
    }
  }

  void list_cells(const Extent& depth, const Extent& height, const Extent& width, Cells& cells) const {
    cells.offsets.clear();
    cells.positions.clear();
    for (std::int64_t i = 0; i < depth.cells; ++i) {
      for (std::int64_t j = 0; j < height.cells; ++j) {
        for (std::int64_t k = 0; k < width.cells; ++k) {
          cells.offsets.push_back(i * depth.step * large_stride_[0] + j * height.step * large_stride_[1] +
                                  k * width.step * large_stride_[2]);
          const std::int64_t position =
              ((depth.first_cell + i) * height.width + height.first_cell + j) * width.width +
              width.first_cell + k;
          cells.positions.push_back(static_cast<std::int32_t>(position));
        }
      }
    }
  }

  double scale_of(const Extent& depth, const Extent& height, const Extent& width) const {
    std::int64_t divisor = depth.cells * height.cells * width.cells;
    if (parameters_.count_include_pad) divisor = depth.padded * height.padded * width.padded;
    if (parameters_.divisor) divisor = *parameters_.divisor;
    return divisor == 0 ? 0.0 : 1.0 / static_cast<double>(divisor);  // 0: a window of padding alone gives 0
  }

  static void* address(const View& view, std::int64_t element) {
    return static_cast<std::byte*>(view.data) + element * static_cast<std::int64_t>(item_size(view.dtype));
  }

  const PoolingParameters& parameters_;
  View large_, small_, winners_;
  std::array<std::int64_t, 3> in_{1, 1, 1}, out_{1, 1, 1}, large_stride_{}, small_stride_{}, winner_stride_{};
  std::array<std::vector<Extent>, 3> extents_;
};

/// float16 and bfloat16 are pooled in float32.
DType pooling_dtype(DType dtype) { return is_reduced_precision(dtype) ? DType::float32 : dtype; }

bool has_adjacent_channels(const View& view) {
  return view.layout->shape[1] > 1 && view.layout->strides[1] == 1;
}

Layout wide_layout(const View& view) { return Layout::dense_like(view.layout->shape, *view.layout); }

}  // namespace
}  // namespace cpu

void CpuBackend::pooling_forward(const PoolingForward& work) {
  using namespace cpu;
  if (work.output.layout->element_count() == 0) return;
  const DType dtype = pooling_dtype(work.input.dtype);
  const bool fits = dtype == work.input.dtype;
  const Operand input(work.input, dtype, fits ? Layout() : wide_layout(work.input), fits);
  ResultOperand output(work.output, dtype, fits ? Layout() : wide_layout(work.output), fits);
  const Pooling pooling(work.parameters, input.view(), output.view(), work.positions);
  if (work.parameters.kind == PoolingKind::max) {
    pooling.for_each_run(false, [&](const WindowRun& run) { max_pool(dtype, work.positions.dtype, run); });
  } else {
    pooling.for_each_run(false, [&](const WindowRun& run) { average_pool(dtype, run); });
  }
  output.finish();
}

void CpuBackend::pooling_backward(const PoolingBackward& work) {
  using namespace cpu;
  if (work.d_input.layout->element_count() == 0) return;
  if (work.d_output.layout->element_count() == 0) return fill_zero(work.d_input);
  const DType dtype = pooling_dtype(work.d_output.dtype);
  const bool fits = dtype == work.d_output.dtype;
  // The gradient of a flattened result comes in plain order: to turn it is quicker than to read it across.
  const bool alike = has_adjacent_channels(work.d_output) == has_adjacent_channels(work.d_input);
  const Layout like_input = Layout::dense_like(work.d_output.layout->shape, *work.d_input.layout);
  const Operand d_output(work.d_output, dtype, like_input, fits && alike);
  ResultOperand d_input(work.d_input, dtype, fits ? Layout() : wide_layout(work.d_input), fits);
  const Pooling pooling(work.parameters, d_input.view(), d_output.view(), work.positions);
  const bool sums = !pooling.windows_are_apart();
  if (sums || !pooling.windows_cover_all()) fill_zero(d_input.view());
  if (work.parameters.kind == PoolingKind::max) {
    pooling.for_each_run(
        sums, [&](const WindowRun& run) { max_pool_backward(dtype, work.positions.dtype, sums, run); });
  } else {
    pooling.for_each_run(sums, [&](const WindowRun& run) { average_pool_backward(dtype, sums, run); });
  }
  d_input.finish();
}

}  // namespace rustorch
