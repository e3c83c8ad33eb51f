#include <algorithm>
#include <array>

#include "rustorch/backends/cpu/onednn.h"
#include "rustorch/backends/cpu/onednn_execution.h"
#include "rustorch/backends/cpu/temporary.h"

namespace rustorch::cpu::onednn {
namespace {

#if DNNL_VERSION_MAJOR >= 3
dnnl::matmul::primitive_desc product_primitive(const Descriptor& a, const Descriptor& b,
                                               const Descriptor& bias, const Descriptor& c,
                                               const dnnl::primitive_attr& attr) {
  return {engine(), a, b, bias, c, attr};
}
#else
dnnl::matmul::primitive_desc product_primitive(const Descriptor& a, const Descriptor& b,
                                               const Descriptor& bias, const Descriptor& c,
                                               const dnnl::primitive_attr& attr) {
  return {dnnl::matmul::desc(a, b, bias, c), attr, engine()};
}
#endif

/// Matrices with adjacent elements in their rows or in their columns. `rank` is 2, or 3 with a batch.
Descriptor matrices(dnnl::memory::data_type type, std::size_t rank, std::int64_t batch,
                    std::int64_t batch_step, std::int64_t rows, std::int64_t columns, std::int64_t row_step,
                    std::int64_t column_step) {
  Dims dims{rows, columns}, steps{row_step, column_step};
  if (rank == 3) {
    const bool repeated = batch_step == 0;
    dims.insert(dims.begin(), repeated ? 1 : batch);
    steps.insert(steps.begin(), repeated ? std::max(rows * row_step, columns * column_step) : batch_step);
  }
  return {dims, type, steps};
}

/// One product ready to run.
class Product {
 public:
  /// Leaves `usable()` false where the library has no fast and safe code.
  explicit Product(const ProductSizes& sizes) : bias_(sizes.bias) {
    dnnl::primitive_attr attr = attributes();
    if (sizes.accumulate) {
      dnnl::post_ops sum;
      sum.append_sum(1.0f);
      attr.set_post_ops(sum);
    }
    try {
      const auto type =
          sizes.dtype == DType::bfloat16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
      const std::size_t rank = sizes.batch > 1 ? 3 : 2;
      const auto made = product_primitive(
          matrices(type, rank, sizes.batch, sizes.a_batch, sizes.m, sizes.k, sizes.a_row, sizes.a_column),
          matrices(type, rank, sizes.batch, sizes.b_batch, sizes.k, sizes.n, sizes.b_row, sizes.b_column),
          bias_ ? matrices(type, rank, 1, 0, 1, sizes.n, sizes.n, 1) : Descriptor(),
          matrices(type, rank, sizes.batch, sizes.c_batch, sizes.m, sizes.n, sizes.c_row, 1), attr);
      if (!acceptable(made.impl_info_str())) return;
      main_ = Execution(dnnl::matmul(made));
      main_.add(DNNL_ARG_SRC, made.src_desc());
      main_.add(DNNL_ARG_WEIGHTS, made.weights_desc());
      main_.add(DNNL_ARG_DST, made.dst_desc());
      main_.add(DNNL_ARG_SCRATCHPAD, made.scratchpad_desc());
      if (bias_) main_.add(DNNL_ARG_BIAS, made.bias_desc());
      scratchpad_bytes_ = made.scratchpad_desc().get_size();
      usable_ = true;
    } catch (const dnnl::error& error) {
      if (error.status != dnnl_unimplemented && error.status != dnnl_invalid_arguments)
        check(error.status, "matmul");
    }
  }

  bool usable() const noexcept { return usable_; }

  void run(const void* a, const void* b, const void* bias, void* c) {
    const Scratch<std::byte> scratchpad(static_cast<std::int64_t>(scratchpad_bytes_));
    const std::array<void*, 5> addresses = {const_cast<void*>(a), const_cast<void*>(b), c, scratchpad.data(),
                                            const_cast<void*>(bias)};
    main_.run(addresses, "matmul");
  }

 private:
  bool bias_;
  bool usable_ = false;
  std::size_t scratchpad_bytes_ = 0;
  Execution main_;
};

struct SizesHash {
  std::size_t operator()(const ProductSizes& s) const noexcept {
    NumberHash hash;
    hash.mix(s.dtype), hash.mix(s.batch), hash.mix(s.m), hash.mix(s.n), hash.mix(s.k);
    hash.mix(s.a_batch), hash.mix(s.b_batch), hash.mix(s.c_batch);
    hash.mix(s.a_row), hash.mix(s.a_column), hash.mix(s.b_row), hash.mix(s.b_column), hash.mix(s.c_row);
    hash.mix(s.accumulate), hash.mix(s.bias);
    return hash.value();
  }
};

using KeptProducts = KeptPrimitives<ProductSizes, Product, SizesHash>;

}  // namespace

bool product(const ProductSizes& sizes, const void* a, const void* b, const void* bias, void* c) {
  if (selected_cpu_isa() != CpuIsa::avx512) return false;
  // The depth of the blocks that a is copied in depends on the number of threads where they are many, and the
  // result on the depth: columns of a are copied, and rows of bfloat16 that are no whole number of blocks.
  const bool brief = sizes.dtype == DType::bfloat16;
  const bool copied = sizes.a_column != 1 || (brief && sizes.k % 32 != 0);
  if ((copied && sizes.k > (brief ? 512 : 1024)) || (brief && sizes.k % 2 != 0)) return false;
  // A matrix whose rows or columns have adjacent elements and do not overlap.
  const auto plain = [](std::int64_t rows, std::int64_t columns, std::int64_t row, std::int64_t column) {
    return (column == 1 && row >= columns) || (row == 1 && column >= rows);
  };
  if (!plain(sizes.m, sizes.k, sizes.a_row, sizes.a_column) ||
      !plain(sizes.k, sizes.n, sizes.b_row, sizes.b_column) || sizes.c_row < sizes.n)
    return false;
  return KeptProducts::run(sizes, a, b, bias, c);
}

}  // namespace rustorch::cpu::onednn
