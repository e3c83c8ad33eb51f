#include "rustorch/backends/gpu/elementwise_source.h"
#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/loop_text.h"
#include "rustorch/backends/gpu/transpose.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// The sizes and strides that are left of `loops` without its outermost dim.
ProgramLoops without_outermost(const ProgramLoops& loops) {
  ProgramLoops rest(loops.operands());
  for (std::size_t dim = 1; dim < loops.rank(); ++dim) {
    ProgramLoops::Offsets steps{};
    for (std::size_t k = 0; k < loops.operands(); ++k) steps[k] = loops.stride(k, dim);
    rest.append(loops.size(dim), steps);
  }
  return rest;
}

DType dtype_of(const Program& program, std::size_t operand) {
  const std::size_t inputs = program.input_dtypes().size();
  return operand < inputs ? program.input_dtypes()[operand] : program.outputs()[operand - inputs].dtype;
}

/// Whether all operands that move in the innermost dim begin, in each row, where several of their elements
/// are moved at once. Buffers are aligned for every dtype.
bool are_aligned(const ElementwiseForm& form, const ProgramLoops& loops,
                 std::span<const std::int64_t> offsets) {
  for (std::size_t k = 0; k < offsets.size(); ++k) {
    const DType dtype = dtype_of(*form.program, k);
    const auto is_aligned = [&](std::int64_t element) {
      return element * static_cast<std::int64_t>(item_size(dtype)) % pack_bytes(dtype) == 0;
    };
    if (form.unit[k] == 0) continue;
    if (!is_aligned(offsets[k])) return false;
    for (std::size_t dim = 0; dim + 1 < loops.rank(); ++dim) {
      if (!is_aligned(loops.stride(k, dim))) return false;
    }
  }
  return true;
}

ElementwiseForm form_of(const Program& program, const ProgramLoops& loops,
                        std::span<const std::int64_t> offsets, const DeviceFacts& facts) {
  ElementwiseForm form;
  form.program = &program;
  form.rank = loops.rank();
  bool units = true;
  for (std::size_t k = 0; k < loops.operands(); ++k) units = units && loops.inner_stride(k) <= 1;
  if (units) {
    const std::size_t operands = std::min(loops.operands(), form.unit.size());
    for (std::size_t k = 0; k < operands; ++k)
      form.unit[k] = static_cast<std::uint8_t>(loops.inner_stride(k));
    form.take_several(loops.count(), facts);
    const bool whole_rows =
        form.rank <= 1 || loops.inner_size() % ElementwiseForm::most_elements_of_thread == 0;
    form.packed = form.elements_of_thread > 1 && whole_rows && are_aligned(form, loops, offsets);
    if (form.rank > 1 && !form.packed) form.elements_of_thread = 1;
  } else if (form.rank == 1) {
    form.rank = 2;  // strides other than 0 and 1 are parameters, which begin with two dims
  }
  // Steps of all threads go beyond the count.
  constexpr std::int64_t step = most_short_groups * group_threads * ElementwiseForm::most_elements_of_thread;
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max() - step;
  form.wide_index = loops.count() > most || has_wide_stride(loops, most);
  return form;
}

/// Whether a program stores its only input as it is.
bool is_copy(const Program& program) {
  const auto passes_on = [](const Program::Instruction& instruction) {
    return instruction.kind == Program::Kind::input ||
           (instruction.kind == Program::Kind::apply && instruction.op == Op::copy);
  };
  return program.input_dtypes().size() == 1 && program.outputs().size() == 1 &&
         program.input_dtypes()[0] == program.outputs()[0].dtype &&
         std::ranges::all_of(program.instructions(), passes_on);
}

}  // namespace

void GpuBackend::elementwise(const Program& program, std::span<const View> inputs,
                             std::span<const View> outputs) {
  const Layout& shape = *outputs[0].layout;
  if (shape.element_count() == 0) return;
  if (is_copy(program) && copy_transposed(*this, inputs[0], outputs[0])) return;
  const std::size_t operands = inputs.size() + outputs.size();
  const auto view = [&](std::size_t k) -> const View& {
    return k < inputs.size() ? inputs[k] : outputs[k - inputs.size()];
  };
  ProgramLoops loops(operands);
  for (std::size_t dim = 0; dim < shape.rank(); ++dim) {
    ProgramLoops::Offsets steps{};
    for (std::size_t k = 0; k < operands; ++k) steps[k] = view(k).layout->strides[dim];
    loops.append(shape.shape[dim], steps);
  }
  loops.sort(inputs.size());
  loops.coalesce();

  std::array<KernelArgument, most_program_operands + 1> arguments;
  std::array<std::int64_t, most_program_operands> offsets{};
  for (std::size_t k = 0; k < operands; ++k) {
    arguments[k].buffer = view(k).data;
    offsets[k] = view(k).layout->offset;
  }

  const auto run = [&](const auto& self, const ProgramLoops& nest,
                       std::span<const std::int64_t> begin) -> void {
    ElementwiseForm form = form_of(program, nest, begin.first(operands), executor_->facts());
    const bool in_rows = form.packed && form.rank > 1;
    ProgramLoops padded = in_rows ? loops_of_packs(nest) : nest;
    if (nest.rank() < form.rank) {  // one outer dim of one step
      padded = ProgramLoops(operands);
      padded.append(1, {});
      ProgramLoops::Offsets steps{};
      for (std::size_t k = 0; k < operands; ++k) steps[k] = nest.inner_stride(k);
      padded.append(nest.inner_size(), steps);
    }
    const StructBytes parameters = elementwise_parameters(form, padded, begin.first(operands));
    if (parameters.size() + operands * sizeof(void*) > executor_->facts().most_argument_bytes &&
        nest.rank() > 2) {
      // Too many strides for one launch: a launch for each step of the outermost dim.
      const ProgramLoops rest = without_outermost(nest);
      std::array<std::int64_t, most_program_operands> at{};
      for (std::int64_t i = 0; i < nest.size(0); ++i) {
        for (std::size_t k = 0; k < operands; ++k) at[k] = begin[k] + i * nest.stride(k, 0);
        self(self, rest, at);
      }
      return;
    }
    const ElementwiseSource source = elementwise_source(form);
    Kernel& kernel = kernels_.get(source.key.view(), source.kernel, [&] { return text_of(source, form); });
    arguments[operands] = {nullptr, parameters.data(), parameters.size()};
    run_kernel(kernel, "elementwise", "",
               launch_for(padded.count(), group_threads * (in_rows ? 1 : form.elements_of_thread),
                          most_groups_on(executor_->facts())),
               std::span(arguments).first(operands + 1));
  };
  run(run, loops, offsets);
}

}  // namespace rustorch::gpu
