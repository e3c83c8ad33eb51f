#include <bit>

#include "rustorch/backends/gpu/dense_operand.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/program_text.h"
#include "rustorch/backends/gpu/radix_sort.h"
#include "rustorch/backends/loop_nest.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// As kernels/sort.h declares it.
struct Parameters {
  std::int64_t in_offset, values_offset, indices_offset;
  std::int64_t rows, length, wanted;
  std::uint32_t flip, want_values, want_indices, padding;
};

/// Rows up to here are sorted by one group each, in local memory.
constexpr std::int64_t longest_short_row = 2048;

std::int64_t infinity_bits(DType dtype) {
  return visit_dtype(dtype, [](auto tag) -> std::int64_t {
    using T = typename decltype(tag)::type;
    if constexpr (is_reduced_precision(dtype_of<T>)) {
      return T(std::numeric_limits<float>::infinity()).bits;
    } else if constexpr (std::is_same_v<T, float>) {
      return std::bit_cast<std::int32_t>(std::numeric_limits<float>::infinity());
    } else if constexpr (std::is_same_v<T, double>) {
      return std::bit_cast<std::int64_t>(std::numeric_limits<double>::infinity());
    } else {
      return 0;
    }
  });
}

KernelSource source_for(DType dtype, std::int64_t short_rows) {
  const int width = 8 * static_cast<int>(item_size(dtype));
  KernelSource source("sort.h", width == 64 ? DType::int64 : DType::int32);
  const bool is_signed = is_integral(dtype) && dtype != DType::uint8;
  source.define("BITS", bits_type(dtype))
      .define("KEY", width == 64 ? "u64" : "u32")
      .define("WIDTH", width)
      .define("IS_SIGNED", is_signed ? 1 : 0)
      .define("IS_FLOAT", is_floating_point(dtype) ? 1 : 0)
      .define("INFINITY_BITS", infinity_bits(dtype))
      .define("SHORT_ROWS", short_rows);
  return source;
}

/// A view whose dim `dim` is the last one.
class WithDimLast {
 public:
  WithDimLast(const View& view, std::size_t dim) : view_(view) {
    if (view.data == nullptr) return;
    layout_ = *view.layout;
    for (std::size_t d = dim; d + 1 < layout_.rank(); ++d) {
      std::swap(layout_.shape[d], layout_.shape[d + 1]);
      std::swap(layout_.strides[d], layout_.strides[d + 1]);
    }
    view_.layout = &layout_;
  }
  WithDimLast(const WithDimLast&) = delete;
  const View& view() const noexcept { return view_; }

 private:
  View view_;
  Layout layout_;
};

}  // namespace

void GpuBackend::sort(const Sort& work) {
  const std::int64_t length = dim_size(work.input, work.dim);
  const View& some = work.values.data != nullptr ? work.values : work.indices;
  if (some.data == nullptr || some.layout->element_count() == 0) return;
  const std::int64_t wanted = dim_size(some, work.dim);
  const std::int64_t rows = work.input.layout->element_count() / length;
  RUSTORCH_CHECK(length <= RadixSort::most_length, unsupported,
                 "sort on {} takes at most {} elements in a row, not {}", device_, RadixSort::most_length,
                 length);

  const WithDimLast input(work.input, work.dim), values_view(work.values, work.dim),
      indices_view(work.indices, work.dim);
  const DenseInput in(*this, input.view());
  DenseOutput values(*this, values_view.view()), indices(*this, indices_view.view());
  Parameters parameters{};
  parameters.in_offset = in.offset();
  parameters.values_offset = values.offset();
  parameters.indices_offset = indices.offset();
  parameters.rows = rows;
  parameters.length = length;
  parameters.wanted = wanted;
  parameters.flip = work.descending ? 1 : 0;
  parameters.want_values = values.is_wanted() ? 1 : 0;
  parameters.want_indices = indices.is_wanted() ? 1 : 0;
  // What is not wanted is not touched: any buffer will do.
  void* const values_buffer = values.is_wanted() ? values.buffer() : indices.buffer();
  void* const indices_buffer = indices.is_wanted() ? indices.buffer() : values.buffer();

  if (length <= longest_short_row) {
    const KernelSource source = source_for(work.input.dtype, length <= 128   ? 128
                                                             : length <= 512 ? 512
                                                                             : longest_short_row);
    launch(source, "sort_short", launch_for(rows, 1), {in.buffer(), values_buffer, indices_buffer},
           parameters);
  } else {
    const KernelSource source = source_for(work.input.dtype, 0);
    const int width = 8 * static_cast<int>(item_size(work.input.dtype));
    RadixSort sorted(*this, rows, length, width);
    launch(source, "make_keys", launch_for(rows * length, group_threads),
           {in.buffer(), sorted.keys(), sorted.places()}, parameters);
    sorted.sort();
    launch(source, "take_sorted", launch_for(rows * wanted, group_threads),
           {in.buffer(), sorted.places(), values_buffer, indices_buffer}, parameters);
  }
  values.finish();
  indices.finish();
}

}  // namespace rustorch::gpu
