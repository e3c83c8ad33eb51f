#include <array>
#include <limits>

#include "rustorch/backends/gpu/dense_operand.h"
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
        has_bias(work.bias.has_value()) {
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
  plan.launch(backend, source,
              {work.views[0].data, work.views[1].data, work.views[3].data, work.views[2].data}, parameters);
}

}  // namespace

void GpuBackend::matmul(const Matmul& work) {
  if (work.out.layout->element_count() == 0) return;
  if (work.a.layout->shape.back() == 0) {  // empty sums
    return work.bias ? copy_elements(*this, *work.bias, work.out) : fill_zero(*this, work.out);
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
