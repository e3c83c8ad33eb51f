#include "rustorch/backends/gpu/elementwise_source.h"

#include "rustorch/backends/gpu/elementwise_text.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/loop_text.h"
#include "rustorch/backends/gpu/program_text.h"

namespace rustorch::gpu {
namespace {

/// The op of a program that only applies one to its inputs and scalars, in their order.
std::optional<Op> lone_op(const Program& program) {
  const std::span<const Program::Instruction> all = program.instructions();
  const Program::Instruction& last = all.back();
  if (last.kind != Program::Kind::apply || program.outputs().size() != 1 ||
      program.outputs()[0].value != all.size() - 1 || op_info(last.op).arity != all.size() - 1)
    return std::nullopt;
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    if ((all[i].kind != Program::Kind::input && all[i].kind != Program::Kind::scalar) ||
        last.operands[i] != i)
      return std::nullopt;
  }
  return last.op;
}

/// "op_add" …
std::string_view kernel_name(Op op) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (int i = 0; i < op_count; ++i) all.push_back(fmt::format("op_{}", op_info(static_cast<Op>(i)).name));
    return all;
  }();
  return names[static_cast<std::size_t>(op)];
}

/// The same program with another op of the same arity.
Program with_op(const Program& like, Op op) {
  Program program;
  std::vector<Program::Register> operands;
  for (const Program::Instruction& instruction : like.instructions()) {
    if (instruction.kind == Program::Kind::input)
      operands.push_back(program.input(like.input_dtypes()[instruction.slot], instruction.dtype));
    if (instruction.kind == Program::Kind::scalar)
      operands.push_back(program.scalar(like.scalars()[instruction.slot], instruction.dtype));
  }
  program.output(program.apply(op, operands), like.outputs()[0].dtype);
  return program;
}

}  // namespace

ElementwiseSource elementwise_source(const ElementwiseForm& form) {
  ElementwiseSource source;
  const Program& program = *form.program;
  if (form.runs.most == 0) source.lone_op = lone_op(program);
  source.key.add(source.lone_op.has_value());
  if (source.lone_op) {
    source.kernel = kernel_name(*source.lone_op);
    source.key.add(op_info(*source.lone_op).result == OpResult::boolean);
    for (const Program::Instruction& instruction : program.instructions()) {
      const bool is_input = instruction.kind == Program::Kind::input;
      source.key.add(instruction.kind).add(is_input ? program.input_dtypes()[instruction.slot] : DType{});
    }
    source.key.add(program.instructions().back().dtype).add(program.outputs()[0].dtype);
  } else {
    source.kernel = "elementwise";
    source.key.add(program);
  }
  source.key.add(form.rank).add(form.wide_index).add(form.elements_of_thread).add(form.packed);
  if (form.rank <= 1 || form.packed) source.key.add(form.unit);
  source.key.add(form.runs.most);
  if (form.runs.most != 0) source.key.add(form.runs.by_address).add(form.runs.buffers).add(form.runs.buffer);
  return source;
}

std::string text_of(const ElementwiseSource& source, const ElementwiseForm& form) {
  ElementwiseText text(form);
  if (!source.lone_op) {
    text.add_kernel(source.kernel, *form.program);
    return text.finish();
  }
  const OpInfo& wanted = op_info(*source.lone_op);
  const DType compute = form.program->instructions().back().dtype;
  for (int i = 0; i < op_count; ++i) {
    const Op op = static_cast<Op>(i);
    const OpInfo& info = op_info(op);
    const bool alike = info.arity == wanted.arity &&
                       (info.result == OpResult::boolean) == (wanted.result == OpResult::boolean);
    if (alike && domain_has(info.domain, compute))
      text.add_kernel(kernel_name(op), with_op(*form.program, op));
  }
  return text.finish();
}

ProgramLoops loops_of_packs(const ProgramLoops& loops) {
  constexpr std::int64_t elements = ElementwiseForm::most_elements_of_thread;
  ProgramLoops packs(loops.operands());
  for (std::size_t dim = 0; dim < loops.rank(); ++dim) {
    const bool innermost = dim + 1 == loops.rank();
    ProgramLoops::Offsets steps{};
    for (std::size_t k = 0; k < loops.operands(); ++k)
      steps[k] = loops.stride(k, dim) * (innermost ? elements : 1);
    packs.append(loops.size(dim) / (innermost ? elements : 1), steps);
  }
  return packs;
}

StructBytes elementwise_parameters(const ElementwiseForm& form, const ProgramLoops& loops,
                                   std::span<const std::int64_t> offsets) {
  StructBytes bytes;
  for (const std::int64_t offset : offsets) bytes.add(offset);
  const auto add_loops = [&]<class Index>(Index) {
    bytes.add(static_cast<Index>(loops.count()));
    if (form.rank > 1) rustorch::gpu::add_loops<Index>(bytes, loops);
  };
  const ProgramText scalars(*form.program, "");
  scalars.add_scalars(bytes, true);
  if (form.wide_index) add_loops(std::int64_t{});
  scalars.add_scalars(bytes, false);
  if (!form.wide_index) add_loops(std::int32_t{});
  bytes.finish();
  return bytes;
}

}  // namespace rustorch::gpu
