#include "rustorch/backends/gpu/dialect.h"

#include <fmt/format.h>

#include "rustorch/backends/gpu/kernel_texts.h"

namespace rustorch::gpu {
namespace {

/// A file of functions that stands once for each type.
std::string instance(std::string_view file, std::string_view type, std::string_view definitions) {
  return fmt::format("#define T {0}\n#define NAME(f) f##_{0}\n{1}{2}#undef T\n#undef NAME\n", type,
                     definitions, kernel_text(file));
}

}  // namespace

std::string dialect_source(const KernelExecutor& executor, std::string_view body) {
  std::string source(executor.prelude());
  source += kernel_text("common.h");
  source += kernel_text("missing_functions.h");
  // Compilers take their time for functions that nobody calls, too.
  const auto calls = [&](std::string_view suffix) { return body.find(suffix) != std::string_view::npos; };
  if (calls("_i32(")) {
    source += instance("integer_functions.h", "i32", "#define U u32\n#define WIDTH 32\n");
    source += "#undef U\n#undef WIDTH\n";
  }
  if (calls("_i64(")) {
    source += instance("integer_functions.h", "i64", "#define U u64\n#define WIDTH 64\n");
    source += "#undef U\n#undef WIDTH\n";
  }
  if (calls("_f32(")) {
    source += instance("real_functions.h", "f32", "#define LIT(v) v##f\n#define INF INFINITY_F32\n");
    source += "#undef LIT\n#undef INF\n";
  }
  if (executor.facts().has_float64 && calls("_f64(")) {
    source += instance("real_functions.h", "f64", "#define LIT(v) v\n#define INF INFINITY_F64\n");
    source += "#undef LIT\n#undef INF\n";
  }
  if (calls("checked_index(") || calls("report_index(") || calls("report_target("))
    source += kernel_text("index_check.h");
  if (calls("atomic_add_")) source += kernel_text("atomic_add.h");
  if (calls("group_scan(")) source += kernel_text("group_scan.h");
  source += body;
  return source;
}

}  // namespace rustorch::gpu
