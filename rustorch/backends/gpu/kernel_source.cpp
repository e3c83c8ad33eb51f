#include "rustorch/backends/gpu/kernel_source.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "rustorch/backends/gpu/formula.h"
#include "rustorch/backends/gpu/kernel_texts.h"
#include "rustorch/backends/gpu/program_text.h"

namespace rustorch::gpu {
namespace {

std::string compute_definitions(DType compute) {
  std::string text = fmt::format("#define C {0}\n#define F(f) f##_{0}\n", dialect_type(compute));
  if (compute == DType::float32)
    text += "#define LIT(v) v##f\n#define INFINITY_C INFINITY_F32\n#define LOWEST_C (-LARGEST_F32)\n";
  if (compute == DType::float64)
    text += "#define LIT(v) v\n#define INFINITY_C INFINITY_F64\n#define LOWEST_C (-LARGEST_F64)\n";
  if (is_complex(compute))
    return text +
           fmt::format("#define IS_COMPLEX 1\n#define NUMBER(v) make_{}(v, 0)\n", dialect_type(compute));
  return text + "#define IS_COMPLEX 0\n#define NUMBER(v) ((C)(v))\n";
}

std::string storage_definitions(std::string_view name, DType dtype, DType compute) {
  return fmt::format(
      "#define MEMORY_{0} {1}\n#define LOAD_{0}(p, i) {2}\n#define STORE_{0}(p, i, v) store_{3}(p, i, {4})\n",
      name, memory_type(dtype),
      converted(fmt::format("load_{}(p, i)", storage_name(dtype)), compute_dtype(dtype), compute),
      storage_name(dtype), rounded("v", compute, dtype));
}

std::string function_definition(std::string_view name, Op op, DType compute) {
  const std::string operand = "x";
  return fmt::format("#define {0} {0}\nFN C {0}(C x) {{ return {1}; }}\n", name,
                     translate_formula(op_info(op).formula, compute, {&operand, 1}));
}

}  // namespace

KernelSource::KernelSource(std::string_view file, DType compute) : compute_(compute) {
  note(Note::file, file, static_cast<std::int64_t>(compute));
}

KernelSource& KernelSource::note(Note kind, std::string_view name, std::int64_t value) {
  const std::size_t length = name.size();
  notes_.append(&kind, sizeof kind);
  notes_.append(&value, sizeof value);
  notes_.append(&length, sizeof length);
  notes_.append(name.data(), length);
  return *this;
}

KernelSource& KernelSource::row_teams(const RowTeams& teams) {
  note(Note::row_teams, "");
  return define("ROW_THREADS", teams.threads).define("SIDE_BY_SIDE", teams.side_by_side ? 1 : 0);
}

std::string KernelSource::text() const {
  std::string definitions = compute_definitions(compute_), files;
  bool is_wide = false, has_row_teams = false;
  std::string_view rest = key(), type_name;
  const auto take = [&rest](auto value) {
    std::memcpy(&value, rest.data(), sizeof value);
    rest.remove_prefix(sizeof value);
    return value;
  };
  while (!rest.empty()) {
    const Note kind = take(Note{});
    const std::int64_t value = take(std::int64_t{});
    const std::size_t length = take(std::size_t{});
    const std::string_view name = rest.substr(0, length);
    rest.remove_prefix(length);
    switch (kind) {
      case Note::file:
        files += kernel_text(name);
        break;
      case Note::storage:
        definitions += storage_definitions(name, static_cast<DType>(value), compute_);
        break;
      case Note::number:
        fmt::format_to(std::back_inserter(definitions), "#define {} {}\n", name, value);
        break;
      case Note::type:  // two: the name, and then the type
        if (type_name.empty()) {
          type_name = name;
        } else {
          fmt::format_to(std::back_inserter(definitions), "#define {} {}\n", std::exchange(type_name, {}),
                         name);
        }
        break;
      case Note::function:
        definitions += function_definition(name, static_cast<Op>(value), compute_);
        break;
      case Note::wide_index:
        if (!std::exchange(is_wide, true)) definitions += "#define WIDE_INDEX 1\n";
        break;
      case Note::row_teams:
        has_row_teams = true;
        break;
    }
  }
  return fmt::format("{}typedef {} index;\n{}{}", definitions, is_wide ? "i64" : "i32",
                     has_row_teams ? kernel_text("row_team.h") : "", files);
}

}  // namespace rustorch::gpu
