#include "rustorch/backends/cpu/indexing.h"

#include "rustorch/backends/cpu/temporary.h"

namespace rustorch::cpu {
namespace {

template <class Index>
void add_indices(const IndexOperand& operand, std::int64_t offset, std::int64_t step, std::int64_t count,
                 const char* op, std::int64_t* offsets) {
  const Index* index = first_element<const Index>(operand.index) + offset;
  const std::int64_t size = operand.size;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto given = static_cast<std::int64_t>(index[i * step]);
    const std::int64_t wrapped = given < 0 ? given + size : given;
    if (static_cast<std::uint64_t>(wrapped) >= static_cast<std::uint64_t>(size)) [[unlikely]] {
      fail(ErrorCode::index_out_of_range, "index {} is out of bounds for dimension size {} in op {}", given,
           size, op);
    }
    offsets[i] += wrapped * operand.stride;
  }
}

}  // namespace

void indexed_offsets(const IndexedLoops::Nest& outer, const IndexedLoops::Nest::Offsets& at,
                     std::int64_t start, std::int64_t count, std::span<const IndexOperand> indices,
                     const char* op, std::int64_t* offsets) {
  const std::int64_t base_step = outer.inner_stride(IndexedLoops::base);
  const std::int64_t base = at[IndexedLoops::base] + start * base_step;
  for (std::int64_t i = 0; i < count; ++i) offsets[i] = base + i * base_step;
  for (std::size_t k = 0; k < indices.size(); ++k) {
    const std::int64_t step = outer.inner_stride(2 + k);
    const std::int64_t offset = at[2 + k] + start * step;
    switch (indices[k].index.dtype) {
      case DType::int64:
        add_indices<std::int64_t>(indices[k], offset, step, count, op, offsets);
        break;
      case DType::int32:
        add_indices<std::int32_t>(indices[k], offset, step, count, op, offsets);
        break;
      case DType::uint8:
        add_indices<std::uint8_t>(indices[k], offset, step, count, op, offsets);
        break;
      default:
        fail(ErrorCode::dtype_mismatch, "op {} takes int64, int32 or uint8 indices, not {}", op,
             indices[k].index.dtype);
    }
  }
}

}  // namespace rustorch::cpu
