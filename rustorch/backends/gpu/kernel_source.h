#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rustorch/backends/gpu/row_teams.h"
#include "rustorch/core/dtype.h"

namespace rustorch::gpu {

/// Files of kernels/ for chosen dtypes: their text after the definitions that it asks for. All that it
/// computes is of one compute type: the file says C for the type, F(exp) for the function exp_f32 or exp_f64,
/// LIT(0.5) for a literal of it, INFINITY_C, and LOWEST_C for the least finite number. `index` is the type
/// that counts elements: 32 bits, or 64 after `wide_index`.
///
/// Files call functions of the preludes and of missing_functions.h alone.
class KernelSource {
 public:
  KernelSource(std::string_view file, DType compute);

  /// A file whose text stands behind those before.
  KernelSource& then(std::string_view file);
  /// A storage dtype that the file calls `name`: MEMORY_name is the type of its buffers, LOAD_name(p, i)
  /// gives an element as C, STORE_name(p, i, v) rounds a C to it, ROUNDED_name(v) is what would be stored, as
  /// C.
  KernelSource& storage(std::string_view name, DType dtype);
  /// A whole number, or a type, that the file calls `name`.
  KernelSource& define(std::string_view name, std::int64_t value);
  KernelSource& define(std::string_view name, std::string_view type);
  KernelSource& wide_index(bool wide = true);
  /// The file's rows are shared by teams: it may use kernels/row_team.h.
  KernelSource& row_teams(const RowTeams& teams);

  /// Equal for equal texts.
  const std::string& key() const noexcept { return definitions_; }
  /// The text, without the dialect's prelude.
  std::string text() const;

 private:
  std::vector<std::string_view> files_;
  DType compute_;
  std::string definitions_;
  bool wide_index_ = false, row_teams_ = false;
};

}  // namespace rustorch::gpu
