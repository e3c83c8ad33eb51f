#include "rustorch/backends/gpu/elementwise_source.h"

#include <iterator>

#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/program_text.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// Writes kernels of programs that have the same operands.
class Source {
 public:
  explicit Source(const ElementwiseForm& form) : form_(form), program_(form.program) { declare_parameters(); }

  /// Appends the kernel of a program whose operands and scalars are those of the form's.
  void add_kernel(std::string_view name, const Program& program) {
    program_ = &program;
    const std::size_t inputs = program.input_dtypes().size(), outputs = program.outputs().size();
    const std::size_t operands = inputs + outputs;
    line("KERNEL({}, {})(", name, group_threads);
    for (std::size_t i = 0; i < inputs; ++i)
      line("BUF(const {}, b{}, {}),", memory_type(program.input_dtypes()[i]), i, i);
    for (std::size_t i = 0; i < outputs; ++i)
      line("BUF({}, b{}, {}),", memory_type(program.outputs()[i].dtype), inputs + i, inputs + i);
    line("PARAMS(Parameters, p, {}) KERNEL_IDS) {{", operands);
    line("const index step = (index)NUM_GROUPS(0) * {};", group_threads);
    line("for (index i = (index)GROUP_ID(0) * {} + (index)LOCAL_ID; i < p.count; i += step) {{",
         group_threads);
    find_elements(operands);
    const ProgramText body(program, "");
    text_ += body.statements([&](std::size_t k) {
      return fmt::format("load_{}(b{}, o{})", storage_name(program.input_dtypes()[k]), k, k);
    });
    for (std::size_t i = 0; i < outputs; ++i)
      line("store_{}(b{}, o{}, {});", storage_name(program.outputs()[i].dtype), inputs + i, inputs + i,
           body.result(i));
    text_ += "}\n}\n";
  }

  std::string finish() { return std::move(text_); }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  void declare_parameters() {
    const std::size_t operands = program_->input_dtypes().size() + program_->outputs().size();
    line("typedef {} index;", form_.wide_index ? "i64" : "i32");
    line("typedef struct {{ i64 offset[{}];", operands);
    const ProgramText scalars(*program_, "");
    text_ += scalars.scalar_members(true);
    if (form_.wide_index) declare_loops(operands);
    text_ += scalars.scalar_members(false);
    if (!form_.wide_index) declare_loops(operands);
    line("}} Parameters;");
  }
  void declare_loops(std::size_t operands) {
    line("index count;");
    if (form_.rank > 1) line("index size[{}]; index stride[{}][{}];", form_.rank, operands, form_.rank);
  }

  /// o0, o1 …: where the operands' elements of index i are.
  void find_elements(std::size_t operands) {
    if (form_.rank <= 1) {
      for (std::size_t k = 0; k < operands; ++k)
        line("const i64 o{} = p.offset[{}]{};", k, k, form_.unit[k] != 0 ? " + i" : "");
      return;
    }
    for (std::size_t k = 0; k < operands; ++k) line("i64 o{} = p.offset[{}];", k, k);
    line("index rest = i;");
    for (std::size_t dim = form_.rank; dim-- > 0;) {
      if (dim > 0) {
        line("{{ const index at = rest % p.size[{}]; rest /= p.size[{}];", dim, dim);
      } else {
        line("{{ const index at = rest;");
      }
      for (std::size_t k = 0; k < operands; ++k) line("o{} += (i64)at * p.stride[{}][{}];", k, k, dim);
      line("}}");
    }
  }

  const ElementwiseForm& form_;
  const Program* program_;
  std::string text_;
};

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
  source.lone_op = lone_op(*form.program);
  const auto out = std::back_inserter(source.key);
  if (source.lone_op) {
    const OpInfo& info = op_info(*source.lone_op);
    source.kernel = fmt::format("op_{}", info.name);
    source.key = info.result == OpResult::boolean ? "tests of" : "ops of";
    for (const Program::Instruction& instruction : form.program->instructions()) {
      if (instruction.kind == Program::Kind::scalar) source.key += " scalar";
      if (instruction.kind == Program::Kind::input)
        fmt::format_to(out, " {}", form.program->input_dtypes()[instruction.slot]);
    }
    fmt::format_to(out, " as {} to {} ", form.program->instructions().back().dtype,
                   form.program->outputs()[0].dtype);
  } else {
    source.kernel = "elementwise";
    source.key = form.program->to_string();
  }
  fmt::format_to(out, "rank {}{}", form.rank, form.wide_index ? " wide" : "");
  if (form.rank <= 1) {
    const std::size_t operands = form.program->input_dtypes().size() + form.program->outputs().size();
    for (std::size_t k = 0; k < operands; ++k) source.key += form.unit[k] != 0 ? " 1" : " 0";
  }
  return source;
}

std::string text_of(const ElementwiseSource& source, const ElementwiseForm& form) {
  Source text(form);
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
      text.add_kernel(fmt::format("op_{}", info.name), with_op(*form.program, op));
  }
  return text.finish();
}

std::vector<std::byte> elementwise_parameters(const ElementwiseForm& form, const ProgramLoops& loops,
                                              std::span<const std::int64_t> offsets) {
  StructBytes bytes;
  for (const std::int64_t offset : offsets) bytes.add(offset);
  const auto add_loops = [&]<class Index>(Index) {
    bytes.add(static_cast<Index>(loops.count()));
    if (form.rank <= 1) return;
    for (std::size_t dim = 0; dim < form.rank; ++dim) bytes.add(static_cast<Index>(loops.size(dim)));
    for (std::size_t k = 0; k < offsets.size(); ++k) {
      for (std::size_t dim = 0; dim < form.rank; ++dim) bytes.add(static_cast<Index>(loops.stride(k, dim)));
    }
  };
  const ProgramText scalars(*form.program, "");
  scalars.add_scalars(bytes, true);
  if (form.wide_index) add_loops(std::int64_t{});
  scalars.add_scalars(bytes, false);
  if (!form.wide_index) add_loops(std::int32_t{});
  return bytes.finish();
}

}  // namespace rustorch::gpu
