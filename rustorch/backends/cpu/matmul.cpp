#include "rustorch/backends/cpu/matmul.h"

#include <complex>
#include <utility>
#include <vector>

#include "rustorch/backends/apply_in_place.h"
#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/onednn.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/temporary.h"

namespace rustorch {
namespace cpu {
namespace {

/// Multiplications up to which a product without packing is the fastest; fewer where b must be turned
/// first, or is a vector.
constexpr std::int64_t small_work = 96 * 96 * 96;
constexpr std::int64_t small_work_turned = 48 * 48 * 48;
constexpr std::int64_t small_work_vector = 256;
/// Products from which oneDNN is the faster, where it has code for them.
constexpr std::int64_t library_work = 80 * 80 * 80, library_rows = 32, library_columns = 48;
constexpr std::int64_t library_work_bfloat16 = 32 * 32 * 32;
/// Multiplications that are worth a second thread.
constexpr std::int64_t work_per_thread = 64 * 1024;
/// Parts for the threads begin at multiples of these: whole tiles for every instruction set.
constexpr std::int64_t tile_rows_about = 12, tile_columns_about = 16;

std::byte* advance(const void* data, DType dtype, std::int64_t elements) {
  return static_cast<std::byte*>(const_cast<void*>(data)) +
         elements * static_cast<std::int64_t>(item_size(dtype));
}

/// cᵀ = bᵀ·aᵀ: the same product with rows and columns exchanged.
Gemm transposed(const Gemm& work) {
  Gemm turned = work;
  std::swap(turned.m, turned.n);
  turned.a = work.b, turned.a_row = work.b_column, turned.a_column = work.b_row;
  turned.b = work.a, turned.b_row = work.a_column, turned.b_column = work.a_row;
  turned.c_row = work.c_column, turned.c_column = work.c_row;
  return turned;
}

/// How many parts the rows and the columns of c are cut into, one part for a thread.
struct Grid {
  std::int64_t rows = 1, columns = 1;
};

/// The grid whose largest part takes the least time: its tiles, and its share of reading a and b.
Grid best_grid(const Gemm& work, std::int64_t threads) {
  const auto part = [](std::int64_t size, std::int64_t parts, std::int64_t tile) {
    return ((size + parts - 1) / parts + tile - 1) / tile * tile;
  };
  Grid best;
  double least = 0;
  // Of the numbers of rows that leave room for as many columns only the least.
  for (std::int64_t rows = 1; rows <= threads; rows = threads / (threads / rows) + 1) {
    const Grid grid{rows, threads / rows};
    const auto m = static_cast<double>(part(work.m, grid.rows, tile_rows_about));
    const auto n = static_cast<double>(part(work.n, grid.columns, tile_columns_about));
    // Packing an element of b takes about as long as five multiplications; rows of a need none.
    const double time = m * n + 5 * n + m;
    if (least == 0 || time < least) {
      best = grid;
      least = time;
    }
  }
  return best;
}

/// A product in parts of c, side by side.
void run_in_parts(DType dtype, const Gemm& work, void (*product)(DType, const Gemm&)) {
  const std::int64_t volume = work.m * work.n * work.k;
  const std::int64_t threads =
      in_team() ? 1 : std::clamp<std::int64_t>(volume / work_per_thread, 1, num_threads());
  if (threads == 1) return product(dtype, work);
  const Grid grid = best_grid(work, threads);
  const auto edge = [](std::int64_t index, std::int64_t parts, std::int64_t size, std::int64_t tile) {
    const std::int64_t tiles = (size + tile - 1) / tile;
    return std::min(size, tiles * index / parts * tile);
  };
  parallel_for(0, grid.rows * grid.columns, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t row = edge(i / grid.columns, grid.rows, work.m, tile_rows_about);
      const std::int64_t column = edge(i % grid.columns, grid.columns, work.n, tile_columns_about);
      Gemm part = work;
      part.m = edge(i / grid.columns + 1, grid.rows, work.m, tile_rows_about) - row;
      part.n = edge(i % grid.columns + 1, grid.columns, work.n, tile_columns_about) - column;
      if (part.m == 0 || part.n == 0) continue;
      part.a = advance(work.a, dtype, row * work.a_row);
      part.b = advance(work.b, dtype, column * work.b_column);
      part.c = advance(work.c, dtype, row * work.c_row + column * work.c_column);
      if (work.row_bias != nullptr) part.row_bias = advance(work.row_bias, dtype, column);
      product(dtype, part);
    }
  });
}

}  // namespace

namespace {

template <class T>
void repeat_row(const Gemm& work) {
  const T* bias = static_cast<const T*>(work.row_bias);
  T* c = static_cast<T*>(work.c);
  parallel_for(0, work.m, 1 + work_per_thread / work.n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      for (std::int64_t column = 0; column < work.n; ++column) {
        c[row * work.c_row + column * work.c_column] = bias[column];
      }
    }
  });
}

/// A product that does not activate, and the activation of what it made, while that is in the cache.
template <void (*product)(DType, const Gemm&)>
void activated(DType dtype, const Gemm& work) {
  product(dtype, work);
  activate(dtype, work, work.c, work.m, work.n);
}

/// Writes the bias to c, which is added to from then on.
Gemm with_bias_written(DType dtype, const Gemm& work) {
  dtype == DType::float32 ? repeat_row<float>(work) : repeat_row<double>(work);
  Gemm rest = work;
  rest.row_bias = nullptr;
  rest.accumulate = true;
  return rest;
}

/// Large products by oneDNN, where it has faster code than ours. `batch`: so many, whose operands begin these
/// steps apart. Their activation follows on all threads: oneDNN's own relu makes 0 of NaN (seen in 2.6.3).
bool library_products(DType dtype, const Gemm& work, std::int64_t batch = 1, std::int64_t a_batch = 0,
                      std::int64_t b_batch = 0, std::int64_t c_batch = 0) {
  const std::int64_t volume = batch * work.m * work.n * work.k;
  const bool worth = dtype == DType::bfloat16 ? volume >= library_work_bfloat16
                                              : dtype == DType::float32 && volume >= library_work &&
                                                    work.m >= library_rows && work.n >= library_columns;
  if (!worth || work.negate || work.c_column != 1) return false;
  onednn::ProductSizes sizes;
  sizes.dtype = dtype, sizes.batch = batch, sizes.m = work.m, sizes.n = work.n, sizes.k = work.k;
  sizes.a_batch = a_batch, sizes.b_batch = b_batch, sizes.c_batch = c_batch;
  sizes.a_row = work.a_row, sizes.a_column = work.a_column;
  sizes.b_row = work.b_row, sizes.b_column = work.b_column;
  sizes.c_row = work.c_row, sizes.accumulate = work.accumulate, sizes.bias = work.row_bias != nullptr;
  if (!onednn::product(sizes, work.a, work.b, work.row_bias, work.c)) return false;
  if (work.activation != nullptr) {
    parallel_for(0, batch * work.m, 1 + work_per_thread / work.n, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        activate(dtype, work, advance(work.c, dtype, row / work.m * c_batch + row % work.m * work.c_row), 1,
                 work.n);
      }
    });
  }
  return true;
}

}  // namespace

void matrix_product(DType dtype, const Gemm& work) {
  const std::int64_t volume = work.m * work.n * work.k;
  if (volume >= library_work && library_products(dtype, work)) return;
  const bool floating = dtype == DType::float32 || dtype == DType::float64;
  const bool with_vector = work.m == 1 || work.n == 1;
  const std::int64_t most_work = with_vector          ? small_work_vector
                                 : work.b_column == 1 ? small_work
                                                      : small_work_turned;
  if (floating && !work.negate && (work.c_column == 1 || work.n == 1) && work.k <= small_gemm_depth &&
      volume <= most_work) {
    return run_in_parts(dtype, work, work.activation == nullptr ? small_gemm : activated<small_gemm>);
  }
  // Rows of c shall be adjacent, and a vector shall stand on the left.
  const bool turn = work.m > 1 && (work.n == 1 || (work.c_column != 1 && work.c_row == 1));
  if (turn) {
    if (work.row_bias != nullptr) return matrix_product(dtype, with_bias_written(dtype, work));
    return matrix_product(dtype, transposed(work));
  }
  const bool vector = floating && work.m == 1 && !work.negate &&
                      ((work.b_column == 1 && work.c_column == 1) ||
                       (work.b_row == 1 && (work.a_column == 1 || work.k == 1)));
  if (!vector) return run_in_parts(dtype, work, gemm);
  run_in_parts(dtype, work, work.activation == nullptr ? vector_gemm : activated<vector_gemm>);
}

namespace {

/// The product of a pair of complex matrices as four real ones.
template <class Part>
void complex_product(const Gemm& work) {
  const DType part = dtype_of<Part>;
  const Scratch<Part> real(work.m * work.n);
  const Scratch<Part> imaginary(work.m * work.n);
  Gemm product = work;
  product.a_row *= 2, product.a_column *= 2, product.b_row *= 2, product.b_column *= 2;
  product.c_row = work.n, product.c_column = 1;
  const auto* a = static_cast<const Part*>(work.a);
  const auto* b = static_cast<const Part*>(work.b);
  const auto add = [&](const Scratch<Part>& sum, int a_part, int b_part, bool first, bool minus) {
    product.a = a + a_part;
    product.b = b + b_part;
    product.c = sum.data();
    product.accumulate = !first;
    product.negate = minus;
    matrix_product(part, product);
  };
  add(real, 0, 0, true, false);
  add(real, 1, 1, false, true);
  add(imaginary, 0, 1, true, false);
  add(imaginary, 1, 0, false, false);
  auto* c = static_cast<std::complex<Part>*>(work.c);
  for (std::int64_t row = 0; row < work.m; ++row) {
    for (std::int64_t column = 0; column < work.n; ++column) {
      const std::complex<Part> sum(real[row * work.n + column], imaginary[row * work.n + column]);
      std::complex<Part>& target = c[row * work.c_row + column * work.c_column];
      target = work.accumulate ? target + sum : sum;
    }
  }
}

void run_product(DType dtype, const Gemm& work) {
  if (dtype == DType::complex64) return complex_product<float>(work);
  if (dtype == DType::complex128) return complex_product<double>(work);
  matrix_product(dtype, work);
}

/// The loops over the batch dims: those along which only rows of one larger matrix follow are gone.
struct Batch {
  struct Dim {
    std::int64_t size, a, b, c;
  };
  std::array<Dim, Shape::inline_capacity> inline_dims;
  std::vector<Dim> more_dims;
  std::size_t rank = 0;
  std::int64_t count = 1;

  const Dim& operator[](std::size_t i) const {
    return i < inline_dims.size() ? inline_dims[i] : more_dims[i - inline_dims.size()];
  }
  void push(const Dim& dim) {
    count *= dim.size;
    if (rank > 0) {  // one dim with the one before, if their steps go on
      Dim& inner = rank <= inline_dims.size() ? inline_dims[rank - 1] : more_dims.back();
      if (dim.a == inner.a * inner.size && dim.b == inner.b * inner.size && dim.c == inner.c * inner.size) {
        inner.size *= dim.size;
        return;
      }
    }
    if (rank < inline_dims.size()) {
      inline_dims[rank] = dim;
    } else {
      more_dims.push_back(dim);
    }
    ++rank;
  }
  /// The offsets of the `index`-th matrix of the batch; dims are kept innermost first.
  Dim at(std::int64_t index) const {
    Dim offsets{0, 0, 0, 0};
    for (std::size_t i = 0; i < rank; ++i) {
      const Dim& dim = (*this)[i];
      const std::int64_t position = index % dim.size;
      index /= dim.size;
      offsets.a += position * dim.a;
      offsets.b += position * dim.b;
      offsets.c += position * dim.c;
    }
    return offsets;
  }
};

/// The products of a batch: the first, and the steps to the others.
struct Products {
  Gemm first;
  Batch batch;
};

Products products_of(const View& a, const View& b, const View& c, bool accumulate, const void* row_bias) {
  const Layout &a_layout = *a.layout, &b_layout = *b.layout, &c_layout = *c.layout;
  const std::size_t row_dim = c_layout.rank() - 2, column_dim = row_dim + 1;
  Products products;
  Gemm& product = products.first;
  product.m = c_layout.shape[row_dim];
  product.n = c_layout.shape[column_dim];
  product.k = a_layout.shape[column_dim];
  product.a_row = a_layout.strides[row_dim], product.a_column = a_layout.strides[column_dim];
  product.b_row = b_layout.strides[row_dim], product.b_column = b_layout.strides[column_dim];
  product.c_row = c_layout.strides[row_dim], product.c_column = c_layout.strides[column_dim];
  product.accumulate = accumulate;
  product.row_bias = row_bias;
  product.a = advance(a.data, a.dtype, a_layout.offset);
  product.b = advance(b.data, b.dtype, b_layout.offset);
  product.c = advance(c.data, c.dtype, c_layout.offset);

  for (std::size_t dim = row_dim; dim-- > 0;) {
    const std::int64_t size = c_layout.shape[dim];
    if (size == 1) continue;
    const Batch::Dim step{size, a_layout.strides[dim], b_layout.strides[dim], c_layout.strides[dim]};
    // With one b for all, further matrices of a are further rows of one.
    const bool rows_go_on =
        products.batch.rank == 0 && step.b == 0 &&
        (product.m == 1 || (step.a == product.m * product.a_row && step.c == product.m * product.c_row));
    if (rows_go_on) {
      if (product.m == 1) product.a_row = step.a, product.c_row = step.c;
      product.m *= size;
    } else {
      products.batch.push(step);
    }
  }
  return products;
}

/// All of a batch by oneDNN, if it has code for them and their steps are one.
bool library_products(DType dtype, const Products& products) {
  const Batch& batch = products.batch;
  if (batch.rank == 0) return library_products(dtype, products.first);
  return batch.rank == 1 &&
         library_products(dtype, products.first, batch.count, batch[0].a, batch[0].b, batch[0].c);
}

void run_products(DType dtype, const Products& products) {
  const auto& [product, batch] = products;
  if (batch.rank > 0 && library_products(dtype, products)) return;
  const auto run = [&product = product, &batch = batch, dtype](std::int64_t begin, std::int64_t end) {
    Gemm one = product;
    for (std::int64_t i = begin; i < end; ++i) {
      const Batch::Dim offset = batch.at(i);
      one.a = advance(product.a, dtype, offset.a);
      one.b = advance(product.b, dtype, offset.b);
      one.c = advance(product.c, dtype, offset.c);
      run_product(dtype, one);
    }
  };
  // Few large products use all threads one after the other; many go side by side.
  const std::int64_t volume = product.m * product.n * product.k;
  const bool side_by_side =
      batch.count >= 4 * num_threads() || (batch.count > 1 && volume < 8 * work_per_thread);
  const std::int64_t grain = side_by_side ? 1 + work_per_thread / volume : batch.count;
  parallel_for(0, batch.count, grain, run);
}

/// The bias as one row for all rows of all matrices, if it is that.
const void* as_row(const std::optional<View>& bias) {
  if (!bias) return nullptr;
  const Layout& layout = *bias->layout;
  const std::size_t last = layout.rank() - 1;
  for (std::size_t dim = 0; dim < last; ++dim) {
    if (layout.strides[dim] != 0 && layout.shape[dim] != 1) return nullptr;
  }
  return layout.strides[last] == 1 || layout.shape[last] == 1
             ? advance(bias->data, bias->dtype, layout.offset)
             : nullptr;
}

/// A copy in float32, row-major, without repeating what is broadcast.
class WideCopy {
 public:
  explicit WideCopy(const View& view) {
    Layout source = *view.layout;
    for (std::size_t i = 0; i < source.rank(); ++i) {
      if (source.strides[i] == 0) source.shape[i] = 1;
    }
    layout_ = Layout::contiguous(source.shape);
    values_ = Scratch<float>(std::max<std::int64_t>(1, layout_.element_count()));
    const View from{view.data, &source, view.dtype};
    copy_view(from, {values_.data(), &layout_, DType::float32});
    for (std::size_t i = 0; i < source.rank(); ++i) {
      if (view.layout->strides[i] == 0) layout_.strides[i] = 0;
    }
    layout_.shape = view.layout->shape;
  }
  View view() const { return {values_.data(), &layout_, DType::float32}; }

 private:
  Layout layout_;
  Scratch<float> values_;
};

}  // namespace
}  // namespace cpu

void CpuBackend::matmul(const Matmul& work) {
  using namespace cpu;
  const View& out = work.out;
  if (out.layout->element_count() == 0) return;
  if (work.a.layout->shape.back() == 0) {  // empty sums
    work.bias ? copy_view(*work.bias, out) : fill_zero(out);
    if (work.activation) apply_in_place(*this, *work.activation, out);
    return;
  }
  const void* row = is_floating_point(out.dtype) ? as_row(work.bias) : nullptr;
  if (!is_reduced_precision(out.dtype)) {
    if (work.bias && row == nullptr) copy_view(*work.bias, out);
    Products products = products_of(work.a, work.b, out, work.bias && row == nullptr, row);
    if (work.activation) products.first.activation = simd::elementwise_kernel(*work.activation, out.dtype);
    return run_products(out.dtype, products);
  }
  if (row != nullptr || !work.bias) {
    if (library_products(out.dtype, products_of(work.a, work.b, out, false, row))) {
      if (work.activation) apply_in_place(*this, *work.activation, out);
      return;
    }
  }
  const WideCopy a(work.a), b(work.b);
  ResultOperand sums(out, DType::float32, Layout::contiguous(out.layout->shape), false);
  if (work.bias) copy_view(*work.bias, sums.view());
  Products products = products_of(a.view(), b.view(), sums.view(), work.bias.has_value(), nullptr);
  if (work.activation) products.first.activation = simd::elementwise_kernel(*work.activation, DType::float32);
  run_products(DType::float32, products);
  sums.finish();
}

}  // namespace rustorch
