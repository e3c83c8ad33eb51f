#include "rustorch/backends/gpu/reduce_source.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>

#include "rustorch/backends/gpu/formula.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/loop_text.h"
#include "rustorch/backends/gpu/program_text.h"
#include "rustorch/backends/gpu/source_lines.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// The dtype of the elements that are reduced.
DType element_dtype(const Reduction& work) {
  return work.prologue != nullptr ? work.prologue->outputs()[0].dtype : work.inputs[0].dtype;
}

std::string bound_of(DType element, bool lowest) {
  if (is_floating_point(element)) {
    const bool wide = compute_dtype(element) == DType::float64;
    return fmt::format("{}INFINITY_{}", lowest ? "-" : "", wide ? "F64" : "F32");
  }
  return visit_dtype(element, [&](auto tag) -> std::string {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      const T bound = lowest ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
      const auto value = static_cast<std::int64_t>(bound);  // NOLINT(bugprone-signed-char-misuse): a number
      // C has no literal for the least value of its type.
      return lowest && value < 0 ? fmt::format("((i64){} - 1)", value + 1) : fmt::format("((i64){})", value);
    } else {
      fail(ErrorCode::dtype_mismatch, "op {} does not take {}", lowest ? "max" : "min", element);
    }
  });
}

/// Writes the kernels of a reduction.
class Source : SourceLines {
 public:
  Source(const Reduction& work, const ReducePlan& plan)
      : work_(work), plan_(plan), state_(state_of(work)), type_(dialect_type(state_.type)) {}

  std::string run() {
    declare_parameters();
    declare_combine();
    plan_.by_rows ? rows_kernel() : columns_kernel();
    if (plan_.chunks > 1) chunks_kernel();
    return std::move(text_);
  }

 private:
  void declare_parameters() {
    line("typedef {} index;", plan_.wide_index ? "i64" : "i32");
    line("typedef struct {{ i64 out_offset; i64 offset[{}];", work_.inputs.size());
    if (is_variance()) line("{} correction;", type_);
    const auto scalars = [&](bool wide) {
      if (work_.prologue != nullptr) text_ += ProgramText(*work_.prologue, "pro_").scalar_members(wide);
      if (work_.epilogue != nullptr) text_ += ProgramText(*work_.epilogue, "epi_").scalar_members(wide);
    };
    scalars(true);
    if (!plan_.wide_index) scalars(false);
    line("index results; index per_result; index chunk; index chunks;");
    text_ += kept().members() + reduced().members();
    if (plan_.wide_index) scalars(false);
    line("}} Parameters;");
  }

  /// State `a` joined with state `b`, in place: s, or count, mean and squares.
  void declare_combine() {
    std::string_view formula;
    switch (work_.op) {
      case ReduceOp::sum:
        formula = "x + y";
        break;
      case ReduceOp::prod:
        formula = "x * y";
        break;
      case ReduceOp::max:
        formula = "select(x >= y || x != x, x, y)";
        break;
      case ReduceOp::min:
        formula = "select(x <= y || x != x, x, y)";
        break;
      case ReduceOp::all:
        formula = "select(x != lit(0) && y != lit(0), lit(1), lit(0))";
        break;
      case ReduceOp::any:
        formula = "select(x != lit(0) || y != lit(0), lit(1), lit(0))";
        break;
      case ReduceOp::variance:
        return;
    }
    const std::array<std::string, 2> states = {"a", "b"};
    line("FN {0} combine({0} a, {0} b) {{ return {1}; }}", type_,
         translate_formula(formula, state_.type, states));
  }

  std::string identity() const {
    switch (work_.op) {
      case ReduceOp::prod:
      case ReduceOp::all:
        return translate_formula("lit(1)", state_.type, {});
      case ReduceOp::max:
        return bound_of(element_dtype(work_), true);
      case ReduceOp::min:
        return bound_of(element_dtype(work_), false);
      default:
        return translate_formula("lit(0)", state_.type, {});
    }
  }

  bool is_variance() const { return work_.op == ReduceOp::variance; }

  void declare_state() {
    if (is_variance()) {
      line("{0} count = 0, mean = 0, squares = 0;", type_);
    } else {
      line("{} s = {};", type_, identity());
    }
  }
  /// Joins the state with another, given by expressions that are safe to repeat.
  void join(const std::string& first, const std::string& second, const std::string& third) {
    if (!is_variance()) return line("s = combine(s, {});", first);
    line("{{ const {} other = {}, total = count + other;", type_, first);
    line("if (other > 0) {{ const {} distance = {} - mean;", type_, second);
    line("mean += distance * (other / total); squares += {} + distance * distance * (count * other / total);",
         third);
    line("count = total; }} }}");
  }

  void begin_kernel(const char* name, bool with_inputs) {
    line("KERNEL({}, {})(", name, group_threads);
    std::size_t at = 0;
    for (std::size_t k = 0; with_inputs && k < work_.inputs.size(); ++k, ++at)
      line("BUF(const {}, b{}, {}),", memory_type(work_.inputs[k].dtype), k, at);
    line("BUF({}, states, {}),", type_, at);
    line("BUF({}, out, {}),", memory_type(work_.out.dtype), at + 1);
    line("PARAMS(Parameters, p, {}) KERNEL_IDS) {{", at + 2);
  }

  /// o0, o1 …: where the inputs of a result begin.
  void find_result(bool with_inputs, bool with_out) {
    for (std::size_t k = 0; with_inputs && k < work_.inputs.size(); ++k)
      line("i64 o{} = p.offset[{}];", k, k);
    if (with_out) line("i64 o_out = p.out_offset;");
    std::vector<LoopText::Moved> moved;
    for (std::size_t k = 0; with_inputs && k < work_.inputs.size(); ++k)
      moved.push_back({fmt::format("o{}", k), k + 1});
    if (with_out) moved.push_back({"o_out", 0});
    text_ += kept().walk("result", moved);
  }

  LoopText kept() const { return {"kept_", plan_.kept_rank, plan_.kept.operands()}; }
  LoopText reduced() const { return {"reduced_", plan_.reduced_rank, plan_.reduced.operands()}; }

  /// Loads element r of a result and joins it to the state.
  void take_element() {
    for (std::size_t k = 0; k < work_.inputs.size(); ++k) line("i64 e{} = o{};", k, k);
    std::vector<LoopText::Moved> moved;
    for (std::size_t k = 0; k < work_.inputs.size(); ++k) moved.push_back({fmt::format("e{}", k), k + 1});
    text_ += reduced().walk("r", moved);
    const auto load = [&](std::size_t k) {
      return fmt::format("load_{}(b{}, e{})", storage_name(work_.inputs[k].dtype), k, k);
    };
    std::string value = load(0);
    if (work_.prologue != nullptr) {
      const ProgramText prologue(*work_.prologue, "pro_");
      text_ += prologue.statements(load);
      value = prologue.result(0);
    }
    const DType element = element_dtype(work_);
    if (is_truth()) {
      value = converted(rounded(value, compute_dtype(element), DType::bool_), DType::int32, state_.type);
    } else {
      value = converted(value, compute_dtype(element), state_.type);
    }
    line("const {} value = {};", type_, value);
    join(is_variance() ? "1" : "value", "value", "0");
  }
  bool is_truth() const { return work_.op == ReduceOp::all || work_.op == ReduceOp::any; }

  /// Writes the result from the state.
  void store_result() {
    std::string value = "s";
    if (is_variance()) {
      line("const {} freedom = count - p.correction;", type_);
      // Of infinities and NaN, which show in the mean, there is no variance.
      line("const {0} s = squares / (freedom > 0 ? freedom : 0) + (mean - mean);", type_);
    }
    DType dtype = state_.type;
    if (work_.epilogue != nullptr) {
      const ProgramText epilogue(*work_.epilogue, "epi_");
      const DType input = work_.epilogue->input_dtypes()[0];
      line("const {} reduced = {};", dialect_type(compute_dtype(input)), rounded(value, state_.type, input));
      text_ += epilogue.statements([](std::size_t) { return std::string("reduced"); });
      value = epilogue.result(0);
      dtype = compute_dtype(work_.epilogue->outputs()[0].dtype);
    }
    line("store_{}(out, o_out, {});", storage_name(work_.out.dtype), rounded(value, dtype, work_.out.dtype));
  }
  void store_state() {
    if (!is_variance()) return line("states[chunk * p.results + result] = s;");
    line("{{ const i64 at = 3 * ((i64)chunk * p.results + result);");
    line("states[at] = count; states[at + 1] = mean; states[at + 2] = squares; }}");
  }
  void store_either() {
    line("if (p.chunks > 1) {{");
    store_state();
    line("}} else {{");
    store_result();
    line("}}");
  }

  void declare_shared() {
    for (int field = 0; field < state_.values; ++field)
      line("LOCAL_ARRAY({}, shared{}, {});", type_, field, group_threads);
  }
  /// Joins the states of a group's threads in one order; the first thread has the result.
  void join_group() {
    const auto keep = [&] {
      if (is_variance()) {
        line("shared0[LOCAL_ID] = count; shared1[LOCAL_ID] = mean; shared2[LOCAL_ID] = squares;");
      } else {
        line("shared0[LOCAL_ID] = s;");
      }
    };
    keep();
    line("for (u32 half_size = {}; half_size > 0u; half_size /= 2u) {{", group_threads / 2);
    line("BARRIER();");
    line("if (LOCAL_ID < half_size) {{");
    join("shared0[LOCAL_ID + half_size]", "shared1[LOCAL_ID + half_size]", "shared2[LOCAL_ID + half_size]");
    keep();
    line("}} }}");
  }

  /// A group for each chunk: its threads take every 256th element, and a tree joins them in one order.
  void rows_kernel() {
    begin_kernel("reduce_rows", true);
    declare_shared();
    line("for (index job = (index)GROUP_ID(0); job < p.results * p.chunks; job += (index)NUM_GROUPS(0)) {{");
    line("const index result = job / p.chunks, chunk = job % p.chunks;");
    find_result(true, true);
    declare_state();
    line("const index first = chunk * p.chunk;");
    line("const index end = p.per_result - first < p.chunk ? p.per_result : first + p.chunk;");
    line("for (index r = first + (index)LOCAL_ID; r < end; r += {}) {{", group_threads);
    take_element();
    line("}}");
    join_group();
    line("if (LOCAL_ID == 0u) {{");
    store_either();
    line("}}");
    line("BARRIER();");  // the next job writes to the shared array
    line("}} }}");
  }

  /// A thread for each chunk: neighbours take neighbouring results.
  void columns_kernel() {
    begin_kernel("reduce_columns", true);
    line("const index step = (index)NUM_GROUPS(0) * {};", group_threads);
    line(
        "for (index job = (index)GROUP_ID(0) * {} + (index)LOCAL_ID; job < p.results * p.chunks; job += "
        "step) {{",
        group_threads);
    line("const index result = job % p.results, chunk = job / p.results;");
    find_result(true, true);
    declare_state();
    line("const index first = chunk * p.chunk;");
    line("const index end = p.per_result - first < p.chunk ? p.per_result : first + p.chunk;");
    line("for (index r = first; r < end; ++r) {{");
    take_element();
    line("}}");
    store_either();
    line("}} }}");
  }

  /// A group (with rows) or a thread for each result joins the states of its chunks.
  void chunks_kernel() {
    const bool by_groups = plan_.by_rows;
    begin_kernel("reduce_chunks", false);
    if (by_groups) declare_shared();
    if (by_groups) {
      line("for (index result = (index)GROUP_ID(0); result < p.results; result += (index)NUM_GROUPS(0)) {{");
    } else {
      line("const index step = (index)NUM_GROUPS(0) * {};", group_threads);
      line(
          "for (index result = (index)GROUP_ID(0) * {} + (index)LOCAL_ID; result < p.results; result += "
          "step) {{",
          group_threads);
    }
    find_result(false, true);
    declare_state();
    line("for (index chunk = {}; chunk < p.chunks; chunk += {}) {{", by_groups ? "(index)LOCAL_ID" : "0",
         by_groups ? group_threads : 1);
    line("const i64 at = {} * ((i64)chunk * p.results + result);", state_.values);
    join("states[at]", "states[at + 1]", "states[at + 2]");
    line("}}");
    if (by_groups) {
      join_group();
      line("if (LOCAL_ID == 0u) {{");
      store_result();
      line("}}");
      line("BARRIER();");
    } else {
      store_result();
    }
    line("}} }}");
  }

  const Reduction& work_;
  const ReducePlan& plan_;
  ReduceState state_;
  std::string_view type_;
};

}  // namespace

ReducePlan::ReducePlan(const Reduction& work)
    : kept(1 + work.inputs.size()), reduced(1 + work.inputs.size()) {
  const Layout& first = *work.inputs[0].layout;
  for (std::size_t dim = 0; dim < first.rank(); ++dim) {
    ReduceLoops::Offsets steps{};
    for (std::size_t k = 0; k < work.inputs.size(); ++k) steps[k + 1] = work.inputs[k].layout->strides[dim];
    const bool is_kept = work.out.layout->shape[dim] == first.shape[dim];
    if (is_kept) steps[0] = work.out.layout->strides[dim];
    (is_kept ? kept : reduced).append(first.shape[dim], steps);
  }
  for (ReduceLoops* nest : {&kept, &reduced}) {
    nest->sort(1);
    nest->coalesce();
  }
  const auto rounded_up = [](std::size_t rank) { return (rank + 1) / 2 * 2; };
  kept_rank = std::max<std::size_t>(2, rounded_up(kept.rank()));
  reduced_rank = reduced.rank() <= 1 ? 1 : rounded_up(reduced.rank());
  results = kept.count();
  per_result = reduced.count();
  const bool adjacent = reduced.rank() > 0 && (kept.rank() == 0 || reduced.step(reduced.rank() - 1, 1) <=
                                                                       kept.step(kept.rank() - 1, 1));
  // Short rows are faster by threads, though their reads are apart; few long columns by groups.
  by_rows = adjacent ? per_result >= 32 : results < 64 && per_result >= 1024;
  // One chunk is at most so long that its error stays small, and few results are cut for all of a device.
  const std::int64_t longest = by_rows ? 16384 : 1024;
  chunk = std::max<std::int64_t>(1, std::min(per_result, longest));
  chunks = std::max<std::int64_t>(1, (per_result + chunk - 1) / chunk);
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max() / 4;
  wide_index = results * std::max<std::int64_t>(per_result, 1) > most || has_wide_stride(kept, most) ||
               has_wide_stride(reduced, most);
}

ReduceState state_of(const Reduction& work) {
  const DType compute = compute_dtype(element_dtype(work));
  switch (work.op) {
    case ReduceOp::all:
    case ReduceOp::any:
      return {DType::int32, 1};
    case ReduceOp::sum:
    case ReduceOp::prod:
      return {compute == DType::int32 ? DType::int64 : compute, 1};
    case ReduceOp::variance:
      RUSTORCH_CHECK(!is_complex(compute), dtype_mismatch, "op variance does not take {}", compute);
      return {is_floating_point(compute) ? compute : DType::float64, 3};
    default:
      return {compute == DType::int32 ? DType::int64 : compute, 1};
  }
}

KernelKey key_of(const Reduction& work, const ReducePlan& plan) {
  KernelKey key("reduce");
  key.add(work.op).add(work.out.dtype).add(plan.kept.rank()).add(plan.reduced.rank());
  key.add(plan.by_rows).add(plan.chunks > 1).add(plan.wide_index).add(work.inputs.size());
  for (const View& input : work.inputs) key.add(input.dtype);
  for (const Program* program : {work.prologue, work.epilogue}) {
    key.add(program != nullptr);
    if (program != nullptr) key.add(*program);
  }
  return key;
}

std::string reduce_source(const Reduction& work, const ReducePlan& plan) { return Source(work, plan).run(); }

StructBytes reduce_parameters(const Reduction& work, const ReducePlan& plan) {
  StructBytes bytes;
  bytes.add(work.out.layout->offset);
  for (const View& input : work.inputs) bytes.add(input.layout->offset);
  if (work.op == ReduceOp::variance) {
    state_of(work).type == DType::float32 ? bytes.add(static_cast<float>(work.correction))
                                          : bytes.add(work.correction);
  }
  const auto scalars = [&](bool wide) {
    if (work.prologue != nullptr) ProgramText(*work.prologue, "pro_").add_scalars(bytes, wide);
    if (work.epilogue != nullptr) ProgramText(*work.epilogue, "epi_").add_scalars(bytes, wide);
  };
  const auto add_loops = [&]<class Index>(Index) {
    for (const std::int64_t value : {plan.results, plan.per_result, plan.chunk, plan.chunks})
      bytes.add(static_cast<Index>(value));
    rustorch::gpu::add_loops<Index>(bytes, plan.kept, plan.kept_rank);
    rustorch::gpu::add_loops<Index>(bytes, plan.reduced, plan.reduced_rank);
  };
  scalars(true);
  if (!plan.wide_index) scalars(false);
  plan.wide_index ? add_loops(std::int64_t{}) : add_loops(std::int32_t{});
  if (plan.wide_index) scalars(false);
  bytes.finish();
  return bytes;
}

}  // namespace rustorch::gpu
