#include <array>
#include <limits>
#include <optional>

#include "rustorch/backends/apply_in_place.h"
#include "rustorch/backends/gpu/dense_operand.h"
#include "rustorch/backends/gpu/matrix_library.h"
#include "rustorch/backends/gpu/product.h"
#include "rustorch/backends/loop_nest.h"

namespace rustorch::gpu {
namespace {

/// The batch dims that a launch may have; products with more take several.
constexpr std::size_t most_batch_dims = 4;

/// As kernels/matmul.h declares it.
template <class Index>
struct Parameters {
  ProductPlan::Parameters<Index> sizes;
  std::array<Index, 4> offset;
  std::array<Index, most_batch_dims> batch_size;
  std::array<std::array<Index, 4>, most_batch_dims> batch_stride;
  Index a_row, a_depth, b_depth, b_column, out_row, out_column, bias_row, bias_column;
};

/// A batch of products whose results lie along the rows where they lie adjacent. Operands: a, b, out, bias.
struct Products {
  explicit Products(const Matmul& work)
      : turned(work.out.layout->strides[work.out.layout->rank() - 2] < work.out.layout->strides.back()),
        views{turned ? work.b : work.a, turned ? work.a : work.b, work.out, work.bias.value_or(work.out)},
        has_bias(work.bias.has_value()),
        activation(work.activation) {
    const std::size_t rank = work.out.layout->rank();
    const std::size_t outer = turned ? rank - 1 : rank - 2, inner = turned ? rank - 2 : rank - 1;
    const auto stride = [&](std::size_t operand, std::size_t dim) {
      return operand == 3 && !has_bias ? 0 : views[operand].layout->strides[dim];
    };
    columns = work.out.layout->shape[inner];
    depth = views[0].layout->shape[inner];
    a_depth = stride(0, inner), b_depth = stride(1, outer), b_column = stride(1, inner);
    out_column = stride(2, inner), bias_column = stride(3, inner);
    for (std::size_t k = 0; k < 4; ++k) offset[k] = views[k].layout->offset;
    for (std::size_t dim = 0; dim + 2 < rank; ++dim) {
      batch.append(work.out.layout->shape[dim],
                   {stride(0, dim), stride(1, dim), stride(2, dim), stride(3, dim)});
    }
    // With one b for all, the matrices of a are further rows of one.
    batch.append(work.out.layout->shape[outer], {stride(0, outer), 0, stride(2, outer), stride(3, outer)});
    batch.coalesce();
    has_rows = batch.rank() > 0 && batch.stride(1, batch.rank() - 1) == 0;
  }

  /// The dims of the batch that are not rows.
  std::size_t batch_rank() const { return batch.rank() - (has_rows ? 1 : 0); }
  std::int64_t rows() const { return has_rows ? batch.inner_size() : 1; }
  std::int64_t row_stride(std::size_t operand) const { return has_rows ? batch.inner_stride(operand) : 0; }

  bool turned;  ///< rows and columns are exchanged
  std::array<View, 4> views;
  bool has_bias;
  std::optional<Op> activation;
  std::int64_t columns = 0, depth = 0;
  std::int64_t a_depth = 0, b_depth = 0, b_column = 0, out_column = 0, bias_column = 0;
  std::array<std::int64_t, 4> offset{};
  LoopNest<4> batch;  ///< and the rows, innermost
  bool has_rows = false;
};

template <class Index>
void run(GpuBackend& backend, const Products& work, const ProductPlan& plan, std::size_t outer_dims,
         const std::array<std::int64_t, 4>& begin) {
  const auto index = [](std::int64_t value) { return static_cast<Index>(value); };
  const std::size_t dims = work.batch_rank() - outer_dims;
  Parameters<Index> parameters{};
  parameters.sizes = plan.parameters<Index>();
  for (std::size_t k = 0; k < 4; ++k) parameters.offset[k] = index(work.offset[k] + begin[k]);
  for (std::size_t dim = 0; dim < dims; ++dim) {
    parameters.batch_size[dim] = index(work.batch.size(outer_dims + dim));
    for (std::size_t k = 0; k < 4; ++k)
      parameters.batch_stride[dim][k] = index(work.batch.stride(k, outer_dims + dim));
  }
  parameters.a_row = index(work.row_stride(0)), parameters.a_depth = index(work.a_depth);
  parameters.b_depth = index(work.b_depth), parameters.b_column = index(work.b_column);
  parameters.out_row = index(work.row_stride(2)), parameters.out_column = index(work.out_column);
  parameters.bias_row = index(work.row_stride(3)), parameters.bias_column = index(work.bias_column);
  const DType dtype = work.views[2].dtype;
  KernelSource source("product_numbers.h", compute_dtype(dtype));
  source.then("matmul.h")
      .storage("T", dtype)
      .define("BATCH_RANK", static_cast<std::int64_t>(dims))
      .define("HAS_BIAS", work.has_bias ? 1 : 0)
      .wide_index(sizeof(Index) == 8);
  if (work.activation) source.function("activation", *work.activation);
  plan.launch(backend, source,
              {work.views[0].data, work.views[1].data, work.views[3].data, work.views[2].data}, parameters);
}

/// An operand whose rows or columns lie adjacent; nothing if neither do, or if they overlap.
std::optional<LibraryMatrix> library_matrix(const View& view, std::int64_t rows, std::int64_t columns,
                                            std::int64_t row_stride, std::int64_t column_stride) {
  LibraryMatrix matrix;
  matrix.buffer = view.data;
  // The stride of a dim of one element says nothing.
  if ((columns == 1 || column_stride == 1) && (rows == 1 || row_stride >= columns)) {
    matrix.leading = rows == 1 ? columns : row_stride;
    return matrix;
  }
  if ((rows == 1 || row_stride == 1) && (columns == 1 || column_stride >= rows)) {
    matrix.transposed = true;
    matrix.leading = columns == 1 ? rows : column_stride;
    return matrix;
  }
  return std::nullopt;
}

/// The calls of a library that make all products but for bias and activation, each with the innermost dim of
/// the batch.
struct LibraryCalls {
  LibraryProduct first;
  std::int64_t rows_of_call = 0, count = 1;

  LibraryProduct at(const Products& work, std::int64_t i) const {
    LibraryProduct call = first;
    const auto begin = work.batch.at(i * rows_of_call);
    call.a.offset = work.offset[0] + begin[0];
    call.b.offset = work.offset[1] + begin[1];
    call.out.offset = work.offset[2] + begin[2];
    return call;
  }
};

/// Nothing if the products do not lie as a library wants them, or if more calls would take longer than one of
/// ours.
std::optional<LibraryCalls> library_calls(const Products& work) {
  const std::int64_t rows = work.rows();
  const auto a = library_matrix(work.views[0], rows, work.depth, work.row_stride(0), work.a_depth);
  const auto b = library_matrix(work.views[1], work.depth, work.columns, work.b_depth, work.b_column);
  const auto out = library_matrix(work.views[2], rows, work.columns, work.row_stride(2), work.out_column);
  if (!a || !b || !out || out->transposed) return std::nullopt;
  LibraryCalls calls;
  LibraryProduct& call = calls.first;
  call.dtype = work.views[2].dtype;
  call.precision = float32_matmul_precision();
  call.rows = rows, call.columns = work.columns, call.depth = work.depth;
  call.a = *a, call.b = *b, call.out = *out;
  const std::size_t rank = work.batch_rank();
  if (rank > 0) {
    call.batches = work.batch.size(rank - 1);
    call.a.batch_stride = work.batch.stride(0, rank - 1);
    call.b.batch_stride = work.batch.stride(1, rank - 1);
    call.out.batch_stride = work.batch.stride(2, rank - 1);
  }
  calls.rows_of_call = rows * call.batches;
  calls.count = work.batch.count() / calls.rows_of_call;
  // Some microseconds of a large GPU, which a launch takes anyway.
  constexpr double worth_a_call = 1 << 24;
  if (calls.count > 1 && static_cast<double>(calls.rows_of_call) * static_cast<double>(call.columns) *
                                 static_cast<double>(call.depth) <
                             worth_a_call) {
    return std::nullopt;
  }
  return calls;
}

/// Whether the bias is one row of adjacent elements for all rows of all products.
bool is_row(const Products& work) {
  bool repeats = work.bias_column == 1;
  for (std::size_t dim = 0; dim < work.batch.rank(); ++dim)
    repeats = repeats && work.batch.stride(3, dim) == 0;
  return repeats;
}

/// Makes the products by the API's library; false, with nothing done, if it is absent or does not take them.
bool multiply_by_library(GpuBackend& backend, const Products& work) {
  MatrixLibrary* const library = backend.executor().matrix_library();
  if (library == nullptr || !is_floating_point(work.views[2].dtype)) return false;
  std::optional<LibraryCalls> calls = library_calls(work);
  if (!calls) return false;
  const auto taken_with = [&](LibraryBias bias) {
    calls->first.bias = bias;
    calls->first.row = bias == LibraryBias::row ? work.views[3].data : nullptr;
    calls->first.row_offset = bias == LibraryBias::row ? work.offset[3] : 0;
    for (std::int64_t i = 0; i < calls->count; ++i) {
      if (!library->takes(calls->at(work, i))) return false;
    }
    return true;
  };
  const auto taken = [&] {
    // Libraries may have no kernel that adds a row; every kernel can add to what `out` holds.
    if (!work.has_bias) return taken_with(LibraryBias::none);
    return (calls->first.batches == 1 && is_row(work) && taken_with(LibraryBias::row)) ||
           taken_with(LibraryBias::out);
  };
  calls->first.activation = work.activation;
  if (!work.activation || !taken()) {  // the activation follows, if there is one
    calls->first.activation = std::nullopt;
    if (!taken()) return false;
  }
  if (calls->first.bias == LibraryBias::out) copy_elements(backend, work.views[3], work.views[2]);
  for (std::int64_t i = 0; i < calls->count; ++i)
    backend.observed("matrix library", "", [&] { library->multiply(calls->at(work, i)); });
  if (work.activation && !calls->first.activation) apply_in_place(backend, *work.activation, work.views[2]);
  return true;
}

}  // namespace

void GpuBackend::matmul(const Matmul& work) {
  if (work.out.layout->element_count() == 0) return;
  if (work.a.layout->shape.back() == 0) {  // empty sums
    work.bias ? copy_elements(*this, *work.bias, work.out) : fill_zero(*this, work.out);
    if (work.activation) apply_in_place(*this, *work.activation, work.out);
    return;
  }
  const Products products(work);
  const std::size_t batch_rank = products.batch_rank();
  const std::size_t outer_dims = batch_rank > most_batch_dims ? batch_rank - most_batch_dims : 0;
  std::int64_t outer_count = 1;
  for (std::size_t dim = 0; dim < outer_dims; ++dim) outer_count *= products.batch.size(dim);

  ProductSizes sizes;
  sizes.rows = products.rows(), sizes.columns = products.columns, sizes.depth = products.depth;
  sizes.batches = products.batch.count() / products.rows() / outer_count;
  sizes.a_along_depth = sizes.rows == 1 || products.a_depth < products.row_stride(0);
  sizes.b_along_depth = sizes.columns == 1 || products.b_depth < products.b_column;
  const ProductPlan plan(sizes, compute_dtype(work.out.dtype), executor_->facts());
  // Thin products are bound by memory, which our kernel reads as fast, or by launching, which costs a library
  // more; large ones by arithmetic, for which libraries have tensor cores and kernels in machine code.
  if (!plan.is_thin() && multiply_by_library(*this, products)) return;
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max() / 2;
  bool wide = plan.results() * plan.parts() > most;
  for (const View& view : products.views) wide = wide || view.layout->end() > most;

  for (std::int64_t i = 0; i < outer_count; ++i) {
    const auto begin = products.batch.at(i * (products.batch.count() / outer_count));
    wide ? run<std::int64_t>(*this, products, plan, outer_dims, begin)
         : run<std::int32_t>(*this, products, plan, outer_dims, begin);
  }
}

}  // namespace rustorch::gpu
