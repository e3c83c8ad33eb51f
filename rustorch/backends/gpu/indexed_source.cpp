#include "rustorch/backends/gpu/indexed_source.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "rustorch/backends/gpu/formula.h"
#include "rustorch/backends/gpu/loop_text.h"
#include "rustorch/backends/gpu/program_text.h"
#include "rustorch/backends/gpu/source_lines.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

using Nest = IndexedLoops::Nest;

class Source : SourceLines {
 public:
  Source(const IndexedPlan& plan, const Scatter* scatter) : plan_(plan), scatter_(scatter) {
    for (std::size_t k = 0; k < plan.operands(); ++k) moved_.push_back({fmt::format("o{}", k), k});
  }

  std::string run() {
    line("typedef {} index;", plan_.wide_index ? "i64" : "i32");
    line("typedef struct {{ i64 offset[{0}]; i64 index_size[{1}]; i64 index_stride[{1}];", plan_.operands(),
         std::max<std::size_t>(1, plan_.indices.size()));
    line("index count; index ordered_count;");
    text_ += free().members() + ordered().members();
    line("i32 op; }} Parameters;");

    const bool moves = scatter_ == nullptr || scatter_->mode == ScatterMode::write;
    const std::string_view type = moves ? bits_type(plan_.base.dtype) : memory_type(plan_.base.dtype);
    line("KERNEL({}, {})(", scatter_ == nullptr ? "gather" : "scatter", group_threads);
    line("BUF({}{}, b0, 0), BUF({}{}, b1, 1),", scatter_ == nullptr ? "" : "const ", type,
         scatter_ == nullptr ? "const " : "", type);
    for (std::size_t k = 0; k < plan_.indices.size(); ++k)
      line("BUF(const {}, b{}, {}),", memory_type(plan_.indices[k].index.dtype), 2 + k, 2 + k);
    line("BUF(u32, found, {}), PARAMS(Parameters, p, {}) KERNEL_IDS) {{", plan_.operands(),
         plan_.operands() + 1);
    line("const index step = (index)NUM_GROUPS(0) * {};", group_threads);
    line("for (index i = (index)GROUP_ID(0) * {} + (index)LOCAL_ID; i < p.count; i += step) {{",
         group_threads);
    for (const LoopText::Moved& operand : moved_)
      line("i64 {} = p.offset[{}];", operand.variable, operand.operand);
    text_ += free().walk("i", moved_);
    if (plan_.ordered.rank() > 0) {
      line("for (index j = 0; j < p.ordered_count; ++j) {{");
      std::vector<LoopText::Moved> inner;
      for (const LoopText::Moved& operand : moved_) {
        line("i64 e{} = {};", operand.operand, operand.variable);
        inner.push_back({fmt::format("e{}", operand.operand), operand.operand});
      }
      text_ += ordered().walk("j", inner);
      access('e', moves);
      line("}}");
    } else {
      access('o', moves);
    }
    line("}} }}");
    return std::move(text_);
  }

 private:
  LoopText free() const { return {"", plan_.free.rank(), plan_.operands()}; }
  LoopText ordered() const { return {"ordered_", plan_.ordered.rank(), plan_.operands()}; }

  /// Moves one element; `v` names the variables that hold where the operands are.
  void access(char v, bool moves) {
    line("int inside = 1;");
    const std::size_t elements = IndexedLoops::elements, base = IndexedLoops::base;
    for (std::size_t k = 0; k < plan_.indices.size(); ++k) {
      text_ += checked_index_text(plan_, k, fmt::format("{}{}", v, 2 + k), fmt::format("{}{}", v, base),
                                  "index_stride");
    }
    if (scatter_ == nullptr) {
      line("b{0}[{1}{0}] = inside ? b{2}[{1}{2}] : 0;", elements, v, base);
    } else if (moves) {
      line("if (inside) b{0}[{1}{0}] = b{2}[{1}{2}];", base, v, elements);
    } else {
      const DType dtype = plan_.base.dtype, compute = compute_dtype(dtype);
      if (plan_.atomic) {
        line("if (inside) atomic_add_{0}(b{1}, {2}{1}, load_{0}(b{3}, {2}{3}));", storage_name(dtype), base,
             v, elements);
        return;
      }
      line("if (inside) {{ const {} old = load_{}(b{}, {}{});", dialect_type(compute), storage_name(dtype),
           base, v, base);
      line("const {} value = load_{}(b{}, {}{});", dialect_type(compute), storage_name(dtype), elements, v,
           elements);
      line("store_{}(b{}, {}{}, {}); }}", storage_name(dtype), base, v, base,
           rounded(scattered(scatter_->mode, compute), compute, dtype));
    }
  }

  const IndexedPlan& plan_;
  const Scatter* scatter_;
  std::vector<LoopText::Moved> moved_;
};

}  // namespace

std::string scattered(ScatterMode mode, DType compute) {
  const std::array<std::string, 2> operands = {"old", "value"};
  switch (mode) {
    case ScatterMode::write:
      return "value";
    case ScatterMode::add:
      return translate_formula("x + y", compute, operands);
    case ScatterMode::multiply:
      return translate_formula("x * y", compute, operands);
    case ScatterMode::max:
      return "(old != old || !(value > old || value != value) ? old : value)";
    case ScatterMode::min:
      return "(old != old || !(value < old || value != value) ? old : value)";
  }
  return {};
}

std::string checked_index_text(const IndexedPlan& plan, std::size_t k, std::string_view from,
                               std::string_view to, std::string_view stride) {
  return fmt::format(
      "{{ const i64 at = checked_index(found, p.op, (i64)load_{0}(b{1}, {2}), p.index_size[{3}]);\n"
      "if (at < 0) inside = 0;\n"
      "{4} += at * p.{5}[{3}]; }}\n",
      storage_name(plan.indices[k].index.dtype), 2 + k, from, k, to, stride);
}

template <class Work>
IndexedPlan::IndexedPlan(const Work& work, const View& elements_view, bool moves)
    : op(work.op),
      base(work.base),
      elements(elements_view),
      indices(work.indices),
      parts(moves && item_size(work.base.dtype) == 16 ? 2 : 1),
      free(2 + work.indices.size()),
      ordered(2 + work.indices.size()) {
  for (const IndexOperand& operand : indices) {
    const DType dtype = operand.index.dtype;
    RUSTORCH_CHECK(dtype == DType::int64 || dtype == DType::int32 || dtype == DType::uint8, dtype_mismatch,
                   "op {} takes int64, int32 or uint8 indices, not {}", op, dtype);
  }
}

IndexedPlan::IndexedPlan(const Gather& work) : IndexedPlan(work, work.out, true) {
  const IndexedLoops loops(work.out, work.base, work.indices, work.op);
  for (const Nest* nest : {&loops.outer, &loops.inner}) {
    for (std::size_t dim = 0; dim < nest->rank(); ++dim) append(free, *nest, dim);
  }
  finish();
}

IndexedPlan::IndexedPlan(const Scatter& work)
    : IndexedPlan(work, work.source, work.mode == ScatterMode::write) {
  const IndexedLoops loops(work.source, work.base, work.indices, work.op);
  apart = positions_are_apart(work.base, work.indices);
  for (const Nest* nest : {&loops.outer, &loops.inner}) {
    for (std::size_t dim = 0; dim < nest->rank(); ++dim) {
      const bool moves_alone = apart && nest->stride(IndexedLoops::base, dim) != 0;
      append(moves_alone ? free : ordered, *nest, dim);
    }
  }
  finish();
}

void IndexedPlan::add_atomically() {
  atomic = true;
  for (std::size_t dim = 0; dim < ordered.rank(); ++dim) append(free, ordered, dim);
  ordered = Nest(operands());
  finish();
}

void IndexedPlan::append(Nest& to, const Nest& from, std::size_t dim) const {
  Nest::Offsets steps{};
  for (std::size_t k = 0; k < from.operands(); ++k) steps[k] = from.stride(k, dim) * (k < 2 ? parts : 1);
  to.append(from.size(dim), steps);
}

void IndexedPlan::finish() {
  if (parts > 1) free.append(parts, {1, 1});
  free.sort();  // neighbours in the result (of a gather), or the base, go to neighbours among threads
  free.coalesce();
  ordered.coalesce();
  wide_index = free.count() > most_narrow_index || ordered.count() > most_narrow_index ||
               has_wide_stride(free, most_narrow_index) || has_wide_stride(ordered, most_narrow_index);
}

KernelKey indexed_key(const IndexedPlan& plan, const Scatter* scatter) {
  KernelKey key(scatter == nullptr ? "gather" : "scatter");
  key.add(scatter == nullptr ? ScatterMode::write : scatter->mode).add(plan.base.dtype);
  key.add(plan.atomic)
      .add(plan.free.rank())
      .add(plan.ordered.rank())
      .add(plan.wide_index)
      .add(plan.indices.size());
  for (const IndexOperand& operand : plan.indices) key.add(operand.index.dtype);
  return key;
}

std::string indexed_source(const IndexedPlan& plan, const Scatter* scatter) {
  return Source(plan, scatter).run();
}

void add_index_members(StructBytes& bytes, const IndexedPlan& plan) {
  bytes.add(plan.elements.layout->offset * plan.parts);
  bytes.add(plan.base.layout->offset * plan.parts);
  for (const IndexOperand& operand : plan.indices) bytes.add(operand.index.layout->offset);
  for (const IndexOperand& operand : plan.indices) bytes.add(operand.size);
  if (plan.indices.empty()) bytes.add(std::int64_t{0});
  for (const IndexOperand& operand : plan.indices) bytes.add(operand.stride * plan.parts);
  if (plan.indices.empty()) bytes.add(std::int64_t{0});
}

StructBytes indexed_parameters(const IndexedPlan& plan, std::int32_t checked_op) {
  StructBytes bytes;
  add_index_members(bytes, plan);
  const auto add = [&]<class Index>(Index) {
    bytes.add(static_cast<Index>(plan.free.count()));
    bytes.add(static_cast<Index>(plan.ordered.count()));
    add_loops<Index>(bytes, plan.free);
    add_loops<Index>(bytes, plan.ordered);
  };
  plan.wide_index ? add(std::int64_t{}) : add(std::int32_t{});
  bytes.add(checked_op);
  bytes.finish();
  return bytes;
}

}  // namespace rustorch::gpu
