#include "rustorch/backends/gpu/dialect.h"

#include <fmt/format.h>

#include "rustorch/backends/gpu/kernel_texts.h"

namespace rustorch::gpu {
namespace {

/// Whether a text calls a function that a file defines as NAME(function), by its name for this type.
bool calls_any_of(std::string_view file, std::string_view type, std::string_view body) {
  constexpr std::string_view mark = " NAME(", end_of_name = ")(";
  const std::string_view text = kernel_text(file);
  for (std::size_t at = text.find("\nFN"); at != std::string_view::npos; at = text.find("\nFN", at)) {
    const std::size_t begin = text.find(mark, at) + mark.size();
    const std::size_t end = text.find(end_of_name, begin);
    const std::string call = fmt::format("{}_{}(", text.substr(begin, end - begin), type);
    if (body.find(call) != std::string_view::npos) return true;
    at = end;
  }
  return false;
}

/// A file of functions that stands once for each type.
std::string instance(std::string_view file, std::string_view type, std::string_view definitions) {
  return fmt::format("#define T {0}\n#define NAME(f) f##_{0}\n{1}{2}#undef T\n#undef NAME\n", type,
                     definitions, kernel_text(file));
}

/// The complex type of a real one, for bodies that have it.
std::string complex_numbers(std::string_view type, std::string_view real, std::string_view definitions,
                            std::string_view limits, std::string_view body) {
  std::string text = fmt::format("#define R {0}\n#define REAL(f) f##_{0}\n", real);
  text += instance("complex_numbers.h", type, definitions);
  if (calls_any_of("complex_functions.h", type, body)) text += instance("complex_functions.h", type, limits);
  for (const char* name :
       {"R", "REAL", "LIT", "BYTES", "NARROW", "INF", "LARGE", "EXP_MOST", "FLAT", "EPSILON"})
    text += fmt::format("#undef {}\n", name);
  return text;
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
  const bool has_complex128 = executor.facts().has_float64 && calls("c128");
  if (calls("c64") || has_complex128) {
    source += complex_numbers("c64", "f32", "#define LIT(v) v##f\n#define BYTES 8\n",
                              "#define INF INFINITY_F32\n#define LARGE (LARGEST_F32 * 0.25f)\n"
                              "#define EXP_MOST 88.0f\n#define FLAT 11.0f\n#define EPSILON 1.1920929e-7f\n",
                              body);
  }
  if (has_complex128) {
    source +=
        complex_numbers("c128", "f64", "#define LIT(v) v\n#define BYTES 16\n#define NARROW c64\n",
                        "#define INF INFINITY_F64\n#define LARGE (LARGEST_F64 * 0.25)\n"
                        "#define EXP_MOST 709.0\n#define FLAT 22.0\n#define EPSILON 2.220446049250313e-16\n",
                        body);
  }
  if (calls("checked_index(") || calls("report_index(") || calls("report_target("))
    source += kernel_text("index_check.h");
  if (calls("atomic_add_")) source += kernel_text("atomic_add.h");
  if (calls("group_scan(")) source += kernel_text("group_scan.h");
  source += body;
  return source;
}

}  // namespace rustorch::gpu
