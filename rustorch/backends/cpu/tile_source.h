#pragma once

#include <optional>

#include "rustorch/backends/cpu/program_tile.h"
#include "rustorch/backends/loop_nest.h"
#include "rustorch/memory/buffer.h"

namespace rustorch::cpu {

/// Hands out blocks of what a reduction reduces as adjacent elements of one dtype: its inputs packed, put
/// through the prologue where there is one, and converted. An object serves one thread.
class TileSource {
 public:
  using Nest = LoopNest<1 + Program::max_inputs>;  ///< operand 0 is the result, the inputs follow
  using Offsets = Nest::Offsets;

  /// Blocks will not be larger than `max_elements`.
  TileSource(std::span<const View> inputs, const Program* prologue, DType result, std::int64_t max_elements);

  /// Where elements can be read where they lie, if they are adjacent; nullptr otherwise.
  const std::byte* direct() const noexcept { return direct_; }
  /// The most elements of one block.
  std::int64_t capacity() const noexcept { return capacity_; }
  /// rows · n ≤ capacity elements: `n` along `inner` in each of `rows` rows along `outer`, from the offsets
  /// `at`.
  const void* fetch(const Offsets& at, std::int64_t rows, const Offsets& outer, std::int64_t n,
                    const Offsets& inner);

 private:
  const void* packed(std::size_t input, const Offsets& at, std::int64_t rows, const Offsets& outer,
                     std::int64_t n, const Offsets& inner);

  std::span<const View> inputs_;
  const std::byte* direct_ = nullptr;
  std::int64_t capacity_;
  simd::ConversionKernel convert_ = nullptr;
  std::optional<ProgramTile> prologue_;
  std::int64_t packed_bytes_ = 0;  // room for one input's block
  Buffer packed_;
  alignas(64) std::array<std::byte, 16384> tile_;  // uninitialized
};

/// The dtype that a reduction reduces.
inline DType reduced_dtype(std::span<const View> inputs, const Program* prologue) {
  return prologue != nullptr ? prologue->outputs()[0].dtype : inputs[0].dtype;
}

}  // namespace rustorch::cpu
