#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "rustorch/backends/compute_backend.h"
#include "rustorch/backends/gpu/kernel_key.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/struct_bytes.h"
#include "rustorch/backends/loop_nest.h"

namespace rustorch::gpu {

inline constexpr std::size_t most_program_operands = Program::max_inputs + Program::max_outputs;
/// The loops over a program's operands, inputs first.
using ProgramLoops = LoopNest<most_program_operands>;

/// What decides the text of a program's kernel: the program without its scalars' values, and how its operands
/// are gone through.
struct ElementwiseForm {
  static constexpr int most_elements_of_thread = 4;

  const Program* program = nullptr;
  std::size_t rank = 0;     ///< dims that are left; 1: operands are adjacent elements or one element
  bool wide_index = false;  ///< indices and strides need 64 bits
  /// How many elements a thread reads before it computes; for a higher rank than 1 they are packed.
  int elements_of_thread = 1;
  /// For several elements of a thread: they are adjacent, and moved at once from and to memory that is
  /// aligned for it. With more than one dim, the loops are over packs of elements: `loops_of_packs`.
  bool packed = false;
  /// By operand, for rank 1 and for packed elements: the stride of the innermost dim, 0 or 1.
  std::array<std::uint8_t, most_program_operands> unit{};
  /// For kernels that run the program over many lists of operands, each of rank 1, in one launch.
  struct Runs {
    std::uint32_t most = 0;    ///< how many a launch takes; 0: the kernel runs over one list, as all above
    bool by_address = false;   ///< buffers are addresses in the parameter struct, not arguments
    std::uint8_t buffers = 0;  ///< of a run: an output that is one of its inputs shares that one's
    std::array<std::uint8_t, most_program_operands> buffer{};  ///< by operand
  };
  Runs runs;

  /// Lets a thread take several elements if there are enough for all threads of a device with memory of its
  /// own: only many reads at once fill its bus.
  void take_several(std::int64_t count, const DeviceFacts& facts) {
    if (!facts.unified_memory && count >= most_groups * group_threads)
      elements_of_thread = most_elements_of_thread;
  }
};

/// How memory must be aligned for the elements of a dtype that a thread moves at once.
constexpr std::int64_t pack_bytes(DType dtype) {
  return std::min<std::int64_t>(
      16, ElementwiseForm::most_elements_of_thread * static_cast<std::int64_t>(item_size(dtype)));
}

/// A source without the prelude, and its kernel for a program. A kernel's parameters are the operands'
/// buffers, inputs first, and the struct that `elementwise_parameters` fills. Of kernels for many runs they
/// are the buffers of each of Runs::most runs, none if they stand in the struct, which RunTable fills.
struct ElementwiseSource {
  KernelKey key{"elementwise"};  ///< equal for forms that share a source
  std::string_view kernel;       ///< the kernel's name
  /// The op, if the program does nothing else: its source then has the kernels of all ops that take operands
  /// of the same kinds, since a compiler charges for each source more than for each kernel.
  std::optional<Op> lone_op;
};
ElementwiseSource elementwise_source(const ElementwiseForm& form);
/// The source's text.
std::string text_of(const ElementwiseSource& source, const ElementwiseForm& form);

/// The loops of a packed form over packs, from those over elements, of which the innermost dim has a multiple
/// of a pack's.
ProgramLoops loops_of_packs(const ProgramLoops& loops);

/// The bytes of the parameter struct: where the operands begin (in elements), the program's scalars, and the
/// loops.
StructBytes elementwise_parameters(const ElementwiseForm& form, const ProgramLoops& loops,
                                   std::span<const std::int64_t> offsets);

}  // namespace rustorch::gpu
