#include "rustorch/backends/gpu/elementwise_text.h"

#include <algorithm>
#include <vector>

#include "rustorch/backends/gpu/formula.h"
#include "rustorch/backends/gpu/launch.h"

namespace rustorch::gpu {
namespace {

std::string pack_of(DType dtype) { return fmt::format("Pack_{}", storage_name(dtype)); }

}  // namespace

ElementwiseText::ElementwiseText(const ElementwiseForm& form) : form_(form), program_(form.program) {
  declare_parameters();
  if (form_.packed) declare_packs();
}

void ElementwiseText::add_kernel(std::string_view name, const Program& program) {
  program_ = &program;
  line("KERNEL({}, {})(", name, group_threads);
  declare_buffers();
  if (form_.elements_of_thread == 1) {
    one_by_one();
  } else if (!form_.packed) {
    several_at_once();
  } else {
    form_.rank > 1 ? packed_rows() : packed();
  }
  text_ += form_.runs.most == 0 ? "}\n}\n}\n" : "}\n}\n}\n}\n";
}

void ElementwiseText::declare_parameters() {
  line("typedef {} index;", form_.wide_index ? "i64" : "i32");
  if (form_.runs.most == 0) {
    line("typedef struct {{ i64 offset[{}];", operands());
  } else {
    line("typedef struct {{ i64 place[{}];", form_.runs.most * buffers());
  }
  const ProgramText scalars(*program_, "");
  text_ += scalars.scalar_members(true);
  if (form_.wide_index) declare_loops();
  text_ += scalars.scalar_members(false);
  if (!form_.wide_index) declare_loops();
  line("}} Parameters;");
}

void ElementwiseText::declare_loops() {
  if (form_.runs.most != 0) {
    line("index runs, chunks, chunk_elements; index count[{0}], first_chunk[{0}];", form_.runs.most);
    return;
  }
  line("index count;");
  if (form_.rank > 1) text_ += loops().members();
}

void ElementwiseText::declare_packs() {
  std::vector<DType> dtypes(program_->input_dtypes().begin(), program_->input_dtypes().end());
  for (const Program::Output& output : program_->outputs()) dtypes.push_back(output.dtype);
  std::ranges::sort(dtypes);
  const auto rest = std::ranges::unique(dtypes);
  dtypes.erase(rest.begin(), rest.end());
  for (const DType dtype : dtypes) {
    line("typedef struct ALIGNED({}) {{ {} element[{}]; }} {};", pack_bytes(dtype), memory_type(dtype),
         form_.elements_of_thread, pack_of(dtype));
  }
}

void ElementwiseText::declare_buffers() {
  std::size_t argument = 0;
  if (form_.runs.most == 0) {
    for (; argument < operands(); ++argument)
      line("BUF({}, b{}, {}),", element_of(argument), argument, argument);
  } else if (!form_.runs.by_address) {
    for (std::size_t run = 0; run < form_.runs.most; ++run) {
      for (std::size_t k = 0; k < buffers(); ++k, ++argument)
        line("BUF({}, r{}_b{}, {}),", element_of(k), run, k, argument);
    }
  }
  line("PARAMS(Parameters, p, {}) KERNEL_IDS) {{", argument);
}

std::string ElementwiseText::element_of(std::size_t buffer) const {
  // The last operand of a buffer is an output, if any is.
  std::size_t operand = operands() - 1;
  while (buffer_of(operand) != buffer) --operand;
  if (operand >= inputs()) return std::string(memory_type(program_->outputs()[operand - inputs()].dtype));
  return fmt::format("const {}", memory_type(program_->input_dtypes()[operand]));
}

std::string ElementwiseText::place(std::size_t operand, std::string_view index) const {
  const bool moves = form_.unit[operand] != 0;
  if (form_.runs.most != 0) return std::string(moves ? index : "0");
  return moves ? fmt::format("p.offset[{}] + {}", operand, index) : fmt::format("p.offset[{}]", operand);
}

std::string ElementwiseText::load(std::size_t k, std::string_view at) const {
  return fmt::format("load_{}(b{}, {})", storage_name(program_->input_dtypes()[k]), buffer_of(k), at);
}

void ElementwiseText::store(std::size_t k, std::string_view at, const ProgramText& body) {
  line("store_{}(b{}, {}, {});", storage_name(program_->outputs()[k].dtype), buffer_of(inputs() + k), at,
       body.result(k));
}

/// Opens the loop over the elements that a group takes at a time: `first` is the thread's first one, and they
/// end at `count`.
void ElementwiseText::open_loop() {
  if (form_.runs.most != 0) return open_loop_over_runs();
  const int jobs = form_.rank > 1 ? 1 : form_.elements_of_thread;
  const std::uint32_t elements = group_threads * static_cast<std::uint32_t>(jobs);
  line("const index count = p.count, step = (index)NUM_GROUPS(0) * {};", elements);
  line("for (index first = (index)GROUP_ID(0) * {} + (index)LOCAL_ID * {}; first < count; first += step) {{",
       elements, form_.packed ? jobs : 1);
}

/// Chunks are numbered over all runs; a chunk's run is the last one that begins at or before it. A group goes
/// through a chunk in several steps, since to find the run takes longer than an element.
void ElementwiseText::open_loop_over_runs() {
  line("for (index chunk = (index)GROUP_ID(0); chunk < p.chunks; chunk += (index)NUM_GROUPS(0)) {{");
  line("index run = 0;");
  line("for (index beyond = p.runs; beyond - run > 1;) {{");
  line("const index middle = (run + beyond) / 2;");
  line("if (p.first_chunk[middle] <= chunk) run = middle; else beyond = middle;");
  line("}}");
  line("const index begin = (chunk - p.first_chunk[run]) * p.chunk_elements;");
  line("const index rest = p.count[run] - begin;");
  line("const index count = begin + (rest < p.chunk_elements ? rest : p.chunk_elements);");
  for (std::size_t buffer = 0; buffer < buffers(); ++buffer) point_at_run(buffer);
  line("for (index first = begin + (index)LOCAL_ID; first < count; first += {}) {{",
       group_threads * static_cast<std::uint32_t>(form_.elements_of_thread));
}

void ElementwiseText::point_at_run(std::size_t buffer) {
  std::string element = element_of(buffer);
  const bool is_const = element.starts_with("const ");
  const std::string type =
      fmt::format("{}GLOBAL {}*", is_const ? "const " : "", is_const ? element.substr(6) : element);
  const std::string at = fmt::format("p.place[run * {} + {}]", buffers(), buffer);
  if (form_.runs.by_address) {
    line("{0} const b{1} = ({0}){2};", type, buffer, at);
    return;
  }
  std::string chosen;
  for (std::size_t run = 0; run + 1 < form_.runs.most; ++run)
    chosen += fmt::format("run == {} ? r{}_b{} : ", run, run, buffer);
  line("{} const b{} = ({}r{}_b{}) + {};", type, buffer, chosen, form_.runs.most - 1, buffer, at);
}

/// The body for one element of a thread after the other; o0, o1 … are where its operands are.
void ElementwiseText::one_by_one() {
  open_loop();
  line("{{");
  find_operands();
  const ProgramText body(*program_, "");
  text_ += body.statements([&](std::size_t k) { return load(k, fmt::format("o{}", k)); });
  for (std::size_t k = 0; k < program_->outputs().size(); ++k)
    store(k, fmt::format("o{}", inputs() + k), body);
}

/// Declares o0, o1 …
void ElementwiseText::find_operands() {
  std::vector<LoopText::Moved> moved;
  for (std::size_t k = 0; k < operands(); ++k) {
    if (form_.rank > 1) {
      line("i64 o{} = p.offset[{}];", k, k);
      moved.push_back({fmt::format("o{}", k), k});
    } else {
      line("const i64 o{} = {};", k, place(k, "first"));
    }
  }
  if (form_.rank > 1) text_ += loops().walk("first", moved);
}

/// The body for several elements of a thread: all are read before the first is computed, so that many reads
/// are under way. A group's elements are adjacent. Beyond the end the last element is read again.
void ElementwiseText::several_at_once() {
  const int elements = form_.elements_of_thread;
  open_loop();
  line("{{");
  for (std::size_t k = 0; k < inputs(); ++k)
    line("{} x{}[{}];", dialect_type(compute_dtype(program_->input_dtypes()[k])), k, elements);
  const auto each = [&](const auto& body) {
    line("UNROLL\nfor (int e = 0; e < {}; ++e) {{ const index i = first + e * {};", elements, group_threads);
    body();
    line("}}");
  };
  each([&] {
    line("const index near = i < count ? i : count - 1;");
    for (std::size_t k = 0; k < inputs(); ++k) line("x{}[e] = {};", k, load(k, place(k, "near")));
  });
  each([&] {
    const ProgramText body(*program_, "");
    text_ += body.statements([](std::size_t k) { return fmt::format("x{}[e]", k); });
    line("if (i < count) {{");
    for (std::size_t k = 0; k < program_->outputs().size(); ++k) store(k, place(inputs() + k, "i"), body);
    line("}}");
  });
}

/// As `several_at_once`, where a thread's elements are adjacent: one read or write of an operand for all of
/// them, but for the last few elements of all.
void ElementwiseText::packed() {
  const auto outputs = program_->outputs();
  const auto at = [&](std::size_t k) { return place(k, "first"); };
  open_loop();
  line("{{");
  line("const bool whole = first + {} <= count;", form_.elements_of_thread);
  declare_packed_elements();
  line("if (whole) {{");
  read_packs(at);
  line("}} else {{");
  each_of_thread([&] {
    line("const index near = first + e < count ? first + e : count - 1;");
    for (std::size_t k = 0; k < inputs(); ++k) line("x{}[e] = {};", k, load(k, place(k, "near")));
  });
  line("}}");
  compute_packs();
  line("if (whole) {{");
  write_packs(at);
  line("}} else {{");
  line("for (int e = 0; first + e < count; ++e) {{");
  for (std::size_t k = 0; k < outputs.size(); ++k)
    line("b{}[{} + e] = out{}.element[e];", buffer_of(inputs() + k), at(inputs() + k), k);
  line("}}\n}}");
}

/// The same in rows that are whole packs: the loops are over packs.
void ElementwiseText::packed_rows() {
  const auto at = [](std::size_t k) { return fmt::format("o{}", k); };
  open_loop();
  line("{{");
  find_operands();
  declare_packed_elements();
  read_packs(at);
  compute_packs();
  write_packs(at);
}

void ElementwiseText::each_of_thread(const std::function<void()>& body) {
  line("UNROLL\nfor (int e = 0; e < {}; ++e) {{", form_.elements_of_thread);
  body();
  line("}}");
}

void ElementwiseText::declare_packed_elements() {
  for (std::size_t k = 0; k < inputs(); ++k) {
    line("{} x{}[{}];", dialect_type(compute_dtype(program_->input_dtypes()[k])), k,
         form_.elements_of_thread);
  }
}

void ElementwiseText::read_packs(const PlaceOf& at) {
  for (std::size_t k = 0; k < inputs(); ++k) {
    const DType dtype = program_->input_dtypes()[k];
    if (form_.unit[k] == 0) {
      line("const {} one{} = {};", dialect_type(compute_dtype(dtype)), k, load(k, at(k)));
      each_of_thread([&] { line("x{}[e] = one{};", k, k); });
    } else {
      line("const {0} pack{1} = *(const GLOBAL {0}*)(b{2} + ({3}));", pack_of(dtype), k, buffer_of(k), at(k));
      each_of_thread([&] { line("x{}[e] = value_{}(pack{}.element[e]);", k, storage_name(dtype), k); });
    }
  }
}

void ElementwiseText::compute_packs() {
  const auto outputs = program_->outputs();
  for (std::size_t k = 0; k < outputs.size(); ++k) line("{} out{};", pack_of(outputs[k].dtype), k);
  each_of_thread([&] {
    const ProgramText body(*program_, "");
    text_ += body.statements([](std::size_t k) { return fmt::format("x{}[e]", k); });
    for (std::size_t k = 0; k < outputs.size(); ++k)
      line("out{}.element[e] = memory_{}({});", k, storage_name(outputs[k].dtype), body.result(k));
  });
}

void ElementwiseText::write_packs(const PlaceOf& at) {
  const auto outputs = program_->outputs();
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    line("*(GLOBAL {}*)(b{} + ({})) = out{};", pack_of(outputs[k].dtype), buffer_of(inputs() + k),
         at(inputs() + k), k);
  }
}

}  // namespace rustorch::gpu
