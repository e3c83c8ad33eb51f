#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rustorch/backends/gpu/elementwise_source.h"

namespace rustorch::gpu {

/// How a list of operands, inputs first, is gone through by a kernel for many of them: which operands are
/// single elements, and which share a buffer.
class RunShape {
 public:
  /// Of an empty run, or of one whose operands do not lie alike in one range of memory each: not `fits`.
  static RunShape of(std::span<const View> operands, std::size_t inputs);

  bool fits() const noexcept { return fits_; }
  std::int64_t count() const noexcept { return count_; }
  /// Whether a kernel that is made for `other` runs this one, too.
  bool is_like(const RunShape& other) const noexcept;
  /// Makes the form that of kernels for such runs.
  void describe(ElementwiseForm& form) const noexcept;

 private:
  bool fits_ = false;
  std::int64_t count_ = 0;
  std::size_t operands_ = 0;
  std::uint8_t buffers_ = 0;
  std::array<std::uint8_t, most_program_operands> unit_{}, buffer_{};
};

/// The runs of one launch: their buffers, where their operands begin, and which chunks of the grid are
/// theirs. Kept by each thread, so that a steady step allocates nothing.
class RunTable {
 public:
  /// For runs of about so many elements together.
  void begin(const ElementwiseForm& form, std::int64_t elements, const DeviceFacts& facts);
  bool has_room_for(std::int64_t count) const noexcept;
  void add(std::span<const View> operands, std::int64_t count);

  bool empty() const noexcept { return counts_.empty(); }
  std::int64_t chunks() const noexcept { return chunks_; }
  /// A kernel's arguments; good until the next call of any member.
  std::span<const KernelArgument> arguments();

  /// How many runs a launch of such kernels takes at most.
  static std::size_t most_runs(const ElementwiseForm& form, const DeviceFacts& facts) noexcept;

 private:
  ElementwiseForm form_;
  std::int64_t chunk_elements_ = 0, chunks_ = 0;
  std::vector<std::int64_t> places_;
  std::vector<std::int32_t> counts_, first_chunks_;
  std::vector<KernelArgument> arguments_;
  StructBytes parameters_;
};

}  // namespace rustorch::gpu
