#include "rustorch/backends/gpu/formula.h"
#include "rustorch/backends/gpu/loop_text.h"
#include "rustorch/backends/gpu/program_text.h"
#include "rustorch/backends/gpu/radix_sort.h"
#include "rustorch/backends/gpu/sorted_scatter.h"
#include "rustorch/backends/gpu/source_lines.h"

namespace rustorch::gpu {
namespace {

constexpr std::size_t elements = IndexedLoops::elements, base = IndexedLoops::base;

/// What the sources share: the parameters, and the loops.
class Source : SourceLines {
 public:
  explicit Source(const SortedScatter& sorted)
      : sorted_(sorted),
        plan_(sorted.plan),
        dtype_(plan_.base.dtype),
        compute_(compute_dtype(dtype_)),
        key_(RadixSort::has_wide_keys(sorted.key_bits()) ? "u64" : "u32") {
    line("typedef {} index;", sorted_.wide_index ? "i64" : "i32");
    line("typedef struct {{ i64 beyond; i64 offset[{0}]; i64 index_size[{1}]; i64 index_stride[{1}];",
         plan_.operands(), indices());
    line("i64 key_stride[{}]; index length; index lanes; index columns; index chunk; index chunks;",
         indices());
    text_ += lanes().members() + columns().members() + ordered().members();
    line("i32 op; }} Parameters;");
  }

  std::string keys() {
    make_keys();
    return std::move(text_);
  }
  std::string folds(ScatterMode mode) {
    mode_ = mode;
    if (mode != ScatterMode::write) fold_chunks();
    fold_runs();
    return std::move(text_);
  }

 private:
  void make_keys() {
    line("KERNEL(make_keys, {})(", group_threads);
    for (std::size_t k = 0; k < plan_.indices.size(); ++k)
      line("BUF(const {}, b{}, {}),", memory_type(plan_.indices[k].index.dtype), 2 + k, k);
    const std::size_t next = plan_.indices.size();
    line("BUF(u32, found, {}), BUF({}, keys, {}), BUF(u32, places, {}),", next, key_, next + 1, next + 2);
    line("PARAMS(Parameters, p, {}) KERNEL_IDS) {{", next + 3);
    each("p.lanes * p.length");
    line("const index lane = i / p.length, j = i % p.length;");
    line("i64 key = 0; i32 inside = 1;");
    std::vector<LoopText::Moved> moved;
    for (std::size_t k = 0; k < plan_.indices.size(); ++k) {
      line("i64 o{0} = p.offset[{0}];", 2 + k);
      moved.push_back({fmt::format("o{}", 2 + k), 2 + k});
    }
    text_ += lanes().walk("lane", moved);
    if (!plan_.apart) moved.push_back({"key", base});
    text_ += ordered().walk("j", moved);
    for (std::size_t k = 0; k < plan_.indices.size(); ++k)
      text_ += checked_index_text(plan_, k, fmt::format("o{}", 2 + k), "key", "key_stride");
    line("keys[i] = inside ? ({0})key : ({0})p.beyond; places[i] = (u32)j; }} }}", key_);
  }

  /// A thread has a column of a chunk that begins in the middle of a run.
  void fold_chunks() {
    line("KERNEL(fold_chunks, {})(", group_threads);
    line("BUF(const {}, b0, 0), BUF(const {}, keys, 1), BUF(const u32, places, 2), BUF({}, partials, 3),",
         memory_type(dtype_), key_, dialect_type(compute_));
    line("PARAMS(Parameters, p, 4) KERNEL_IDS) {{");
    each("p.lanes * (p.chunks - 1) * p.columns");
    line("const index column = i % p.columns, row = i / p.columns;");
    line("const index q = row % (p.chunks - 1) + 1, lane = row / (p.chunks - 1), first = q * p.chunk;");
    line("const i64 begin = (i64)lane * p.length;");
    line("const {} key = keys[begin + first];", key_);
    line("if ((i64)key == p.beyond || keys[begin + first - 1] != key) continue;");
    line("i64 o0 = p.offset[0];");
    text_ += lanes().walk("lane", {{{"o0", elements}}}) + columns().walk("column", {{{"o0", elements}}});
    line("const index end = p.length - first < p.chunk ? p.length : first + p.chunk;");
    line("{} folded; {{", dialect_type(compute_));
    load_element("first", "folded");
    line("}}");
    fold("first + 1", "end", "t", [&] { load_element("near", "next[k]"); });
    line("partials[((i64)lane * p.chunks + q) * p.columns + column] = folded; }} }}");
  }

  /// A thread has a column of a sorted position, and folds its run if it is the first (a write: the last) in
  /// it.
  void fold_runs() {
    const bool folds = mode_ != ScatterMode::write;
    const std::string_view type = folds ? memory_type(dtype_) : bits_type(dtype_);
    line("KERNEL(fold_runs, {})(", group_threads);
    line("BUF(const {0}, b0, 0), BUF({0}, b1, 1), BUF(const {1}, keys, 2), BUF(const u32, places, 3),", type,
         key_);
    if (folds) line("BUF(const {}, partials, 4),", dialect_type(compute_));
    line("PARAMS(Parameters, p, {}) KERNEL_IDS) {{", folds ? 5 : 4);
    each("p.lanes * p.length * p.columns");
    line("const index column = i % p.columns, row = i / p.columns;");
    line("const index first = row % p.length, lane = row / p.length;");
    line("const i64 begin = (i64)lane * p.length;");
    line("const {} key = keys[begin + first];", key_);
    line("if ((i64)key == p.beyond) continue;");
    if (folds) {
      line("if (first > 0 && keys[begin + first - 1] == key) continue;");
    } else {
      line("if (first + 1 < p.length && keys[begin + first + 1] == key) continue;");
    }
    line("i64 o0 = p.offset[0]; i64 o1 = p.offset[1];");
    const std::vector<LoopText::Moved> both{{"o0", elements}, {"o1", base}};
    text_ += lanes().walk("lane", both) + columns().walk("column", both);
    find_destination();
    if (!folds) {
      text_ += ordered().walk("(index)places[begin + first]", {{{"o0", elements}}});
      line("b1[o1] = b0[o0]; }} }}");
      return;
    }
    line("{} folded = load_{}(b1, o1);", dialect_type(compute_), storage_name(dtype_));
    line("const index chunk = first / p.chunk;");
    line("const index end = p.length - chunk * p.chunk < p.chunk ? p.length : (chunk + 1) * p.chunk;");
    fold("first", "end", "t", [&] { load_element("near", "next[k]"); });
    line("if (end < p.length && keys[begin + end] == key) {{");
    fold("chunk + 1", "p.chunks", "t * p.chunk",
         [&] { line("next[k] = partials[((i64)lane * p.chunks + near) * p.columns + column];"); });
    line("}}");
    line("store_{}(b1, o1, {}); }} }}", storage_name(dtype_), rounded("folded", compute_, dtype_));
  }

  void each(std::string_view count) {
    line("const index step = (index)NUM_GROUPS(0) * {};", group_threads);
    line("for (index i = (index)GROUP_ID(0) * {} + (index)LOCAL_ID; i < {}; i += step) {{", group_threads,
         count);
  }

  /// Moves o1 to where the key says.
  void find_destination() {
    if (!plan_.apart) {
      line("o1 += (i64)key;");
      return;
    }
    if (plan_.indices.empty()) return;
    line("{} rest = key;", key_);
    for (std::size_t k = plan_.indices.size(); --k > 0;) {
      line(
          "o1 += (i64)(rest % ({1})p.index_size[{0}]) * p.index_stride[{0}]; rest /= ({1})p.index_size[{0}];",
          k, key_);
    }
    line("o1 += (i64)rest * p.index_stride[0];");
  }

  void load_element(std::string_view position, std::string_view to) {
    line("i64 e = o0;");
    text_ += ordered().walk(fmt::format("(index)places[begin + {}]", position), {{{"e", elements}}});
    line("{} = load_{}(b0, e);", to, storage_name(dtype_));
  }

  /// Folds what follows from `first` on, below `end`, while the key at t's position `at` is the run's.
  /// Several are read at once, so that their reads are under way together: of those past the run, the first
  /// again.
  template <class Load>
  void fold(std::string_view first, std::string_view end, std::string_view at, const Load& load) {
    constexpr int several = 4;
    line("for (index s = {0}; s < {1} ; s += {2}) {{ {3} next[{2}]; i32 is_next[{2}];", first, end, several,
         dialect_type(compute_));
    line("UNROLL\nfor (i32 k = 0; k < {}; ++k) {{ const index t = s + k;", several);
    line("is_next[k] = t < {} && keys[begin + {}] == key;", end, at);
    line("const index near = is_next[k] ? t : s;");
    load();
    line("}}\nUNROLL\nfor (i32 k = 0; k < {}; ++k) {{", several);
    line("const {0} old = folded; const {0} value = next[k];", dialect_type(compute_));
    line("if (is_next[k]) folded = {}; }}", scattered(mode_, compute_));
    line("if (!is_next[{}]) break; }}", several - 1);
  }

  std::size_t indices() const { return std::max<std::size_t>(1, plan_.indices.size()); }
  LoopText lanes() const { return {"lane_", sorted_.lanes.rank(), plan_.operands()}; }
  LoopText columns() const { return {"column_", sorted_.columns.rank(), plan_.operands()}; }
  LoopText ordered() const { return {"ordered_", plan_.ordered.rank(), plan_.operands()}; }

  const SortedScatter& sorted_;
  const IndexedPlan& plan_;
  ScatterMode mode_ = ScatterMode::write;
  DType dtype_, compute_;
  std::string_view key_;
};

KernelKey key_of(std::string_view kind, const SortedScatter& sorted) {
  const IndexedPlan& plan = sorted.plan;
  KernelKey key(kind);
  key.add(plan.apart).add(sorted.wide_index).add(RadixSort::has_wide_keys(sorted.key_bits()));
  key.add(sorted.lanes.rank()).add(sorted.columns.rank()).add(plan.ordered.rank()).add(plan.indices.size());
  for (const IndexOperand& operand : plan.indices) key.add(operand.index.dtype);
  return key;
}

}  // namespace

KernelKey scatter_keys_key(const SortedScatter& sorted) { return key_of("scatter keys", sorted); }
KernelKey scatter_folds_key(const SortedScatter& sorted, ScatterMode mode) {
  KernelKey key = key_of("scatter folds", sorted);
  key.add(mode).add(sorted.plan.base.dtype);
  return key;
}
std::string scatter_keys_source(const SortedScatter& sorted) { return Source(sorted).keys(); }
std::string scatter_folds_source(const SortedScatter& sorted, ScatterMode mode) {
  return Source(sorted).folds(mode);
}

StructBytes sorted_scatter_parameters(const SortedScatter& sorted, std::int32_t checked_op) {
  const IndexedPlan& plan = sorted.plan;
  StructBytes bytes;
  bytes.add(sorted.keys);
  add_index_members(bytes, plan);
  for (std::size_t k = 0; k < plan.indices.size(); ++k) bytes.add(sorted.key_stride(k));
  if (plan.indices.empty()) bytes.add(std::int64_t{0});
  const auto add = [&]<class Index>(Index) {
    for (const std::int64_t count :
         {sorted.length, sorted.lanes.count(), sorted.columns.count(), sorted.chunk, sorted.chunks})
      bytes.add(static_cast<Index>(count));
    add_loops<Index>(bytes, sorted.lanes);
    add_loops<Index>(bytes, sorted.columns);
    add_loops<Index>(bytes, plan.ordered);
  };
  sorted.wide_index ? add(std::int64_t{}) : add(std::int32_t{});
  bytes.add(checked_op);
  bytes.finish();
  return bytes;
}

}  // namespace rustorch::gpu
