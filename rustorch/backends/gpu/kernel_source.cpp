#include "rustorch/backends/gpu/kernel_source.h"

#include <fmt/format.h>

#include <iterator>

#include "rustorch/backends/gpu/formula.h"
#include "rustorch/backends/gpu/kernel_texts.h"
#include "rustorch/backends/gpu/program_text.h"

namespace rustorch::gpu {

KernelSource::KernelSource(std::string_view file, DType compute) : files_{file}, compute_(compute) {
  const std::string_view type = dialect_type(compute);
  definitions_ = fmt::format("// {}\n#define C {}\n#define F(f) f##_{}\n", file, type, type);
  if (compute == DType::float32)
    definitions_ += "#define LIT(v) v##f\n#define INFINITY_C INFINITY_F32\n#define LOWEST_C (-LARGEST_F32)\n";
  if (compute == DType::float64)
    definitions_ += "#define LIT(v) v\n#define INFINITY_C INFINITY_F64\n#define LOWEST_C (-LARGEST_F64)\n";
}

KernelSource& KernelSource::then(std::string_view file) {
  files_.push_back(file);
  fmt::format_to(std::back_inserter(definitions_), "// {}\n", file);
  return *this;
}

KernelSource& KernelSource::storage(std::string_view name, DType dtype) {
  const DType loaded = compute_dtype(dtype);
  fmt::format_to(std::back_inserter(definitions_),
                 "#define MEMORY_{0} {1}\n#define LOAD_{0}(p, i) {2}\n#define ROUNDED_{0}(v) {3}\n"
                 "#define STORE_{0}(p, i, v) store_{4}(p, i, {5})\n",
                 name, memory_type(dtype),
                 converted(fmt::format("load_{}(p, i)", storage_name(dtype)), loaded, compute_),
                 converted(rounded("v", compute_, dtype), loaded, compute_), storage_name(dtype),
                 rounded("v", compute_, dtype));
  return *this;
}

KernelSource& KernelSource::define(std::string_view name, std::int64_t value) {
  fmt::format_to(std::back_inserter(definitions_), "#define {} {}\n", name, value);
  return *this;
}

KernelSource& KernelSource::define(std::string_view name, std::string_view type) {
  fmt::format_to(std::back_inserter(definitions_), "#define {} {}\n", name, type);
  return *this;
}

KernelSource& KernelSource::wide_index(bool wide) {
  if (wide && !wide_index_) definitions_ += "#define WIDE_INDEX 1\n";
  wide_index_ = wide_index_ || wide;
  return *this;
}

KernelSource& KernelSource::row_teams(const RowTeams& teams) {
  row_teams_ = true;
  return define("ROW_THREADS", teams.threads).define("SIDE_BY_SIDE", teams.side_by_side ? 1 : 0);
}

std::string KernelSource::text() const {
  std::string text = fmt::format("{}typedef {} index;\n", definitions_, wide_index_ ? "i64" : "i32");
  if (row_teams_) text += kernel_text("row_team.h");
  for (const std::string_view file : files_) text += kernel_text(file);
  return text;
}

}  // namespace rustorch::gpu
