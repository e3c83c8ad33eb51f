#include "rustorch/backends/gpu/elementwise_source.h"

#include <iterator>

#include "rustorch/backends/gpu/formula.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/loop_text.h"
#include "rustorch/backends/gpu/program_text.h"
#include "rustorch/backends/gpu/source_lines.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// Writes kernels of programs that have the same operands.
class Source : SourceLines {
 public:
  explicit Source(const ElementwiseForm& form) : form_(form), program_(form.program) { declare_parameters(); }

  /// Appends the kernel of a program whose operands and scalars are those of the form's.
  void add_kernel(std::string_view name, const Program& program) {
    program_ = &program;
    const std::size_t inputs = program.input_dtypes().size(), outputs = program.outputs().size();
    line("KERNEL({}, {})(", name, group_threads);
    for (std::size_t i = 0; i < inputs; ++i)
      line("BUF(const {}, b{}, {}),", memory_type(program.input_dtypes()[i]), i, i);
    for (std::size_t i = 0; i < outputs; ++i)
      line("BUF({}, b{}, {}),", memory_type(program.outputs()[i].dtype), inputs + i, inputs + i);
    line("PARAMS(Parameters, p, {}) KERNEL_IDS) {{", inputs + outputs);
    form_.elements_of_thread == 1 ? one_by_one() : several_at_once();
    text_ += "}\n}\n";
  }

  std::string finish() { return std::move(text_); }

 private:
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
    if (form_.rank > 1) text_ += loops(operands).members();
  }

  std::string load(std::size_t k, std::string_view at) const {
    return fmt::format("load_{}(b{}, {})", storage_name(program_->input_dtypes()[k]), k, at);
  }
  void store(std::size_t k, std::string_view at, const ProgramText& body) {
    line("store_{}(b{}, {}, {});", storage_name(program_->outputs()[k].dtype),
         program_->input_dtypes().size() + k, at, body.result(k));
  }

  /// The body for one element of a thread after the other; o0, o1 … are where its operands are.
  void one_by_one() {
    const std::size_t inputs = program_->input_dtypes().size(), outputs = program_->outputs().size();
    line("const index step = (index)NUM_GROUPS(0) * {};", group_threads);
    line("for (index i = (index)GROUP_ID(0) * {} + (index)LOCAL_ID; i < p.count; i += step) {{",
         group_threads);
    std::vector<LoopText::Moved> moved;
    for (std::size_t k = 0; k < inputs + outputs; ++k) {
      const bool moves = form_.rank > 1 || form_.unit[k] == 0;
      line("{}i64 o{} = p.offset[{}]{};", form_.rank > 1 ? "" : "const ", k, k, moves ? "" : " + i");
      moved.push_back({fmt::format("o{}", k), k});
    }
    if (form_.rank > 1) text_ += loops(inputs + outputs).walk("i", moved);
    const ProgramText body(*program_, "");
    text_ += body.statements([&](std::size_t k) { return load(k, fmt::format("o{}", k)); });
    for (std::size_t k = 0; k < outputs; ++k) store(k, fmt::format("o{}", inputs + k), body);
  }

  /// The body for several elements of a thread: all are read before the first is computed, so that many reads
  /// are under way. A group's elements are adjacent. Beyond the end the last element is read again.
  void several_at_once() {
    const std::size_t inputs = program_->input_dtypes().size(), outputs = program_->outputs().size();
    const int elements = form_.elements_of_thread;
    const auto place = [&](std::size_t k, const char* index) {
      return form_.unit[k] != 0 ? fmt::format("p.offset[{}] + {}", k, index) : fmt::format("p.offset[{}]", k);
    };
    line("const index step = (index)NUM_GROUPS(0) * {};", group_threads * elements);
    line("for (index first = (index)GROUP_ID(0) * {} + (index)LOCAL_ID; first < p.count; first += step) {{",
         group_threads * elements);
    for (std::size_t k = 0; k < inputs; ++k)
      line("{} x{}[{}];", dialect_type(compute_dtype(program_->input_dtypes()[k])), k, elements);
    const auto each = [&](const auto& body) {
      line("UNROLL\nfor (int e = 0; e < {}; ++e) {{ const index i = first + e * {};", elements,
           group_threads);
      body();
      line("}}");
    };
    each([&] {
      line("const index near = i < p.count ? i : p.count - 1;");
      for (std::size_t k = 0; k < inputs; ++k) line("x{}[e] = {};", k, load(k, place(k, "near")));
    });
    each([&] {
      const ProgramText body(*program_, "");
      text_ += body.statements([](std::size_t k) { return fmt::format("x{}[e]", k); });
      line("if (i < p.count) {{");
      for (std::size_t k = 0; k < outputs; ++k) store(k, place(inputs + k, "i"), body);
      line("}}");
    });
  }

  LoopText loops(std::size_t operands) const { return {"", form_.rank, operands}; }

  const ElementwiseForm& form_;
  const Program* program_;
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
  source.lone_op = lone_op(program);
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
  source.key.add(form.rank).add(form.wide_index).add(form.elements_of_thread);
  if (form.rank <= 1) source.key.add(form.unit);
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
      text.add_kernel(kernel_name(op), with_op(*form.program, op));
  }
  return text.finish();
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
