#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "rustorch/backends/gpu/inline_bytes.h"
#include "rustorch/backends/gpu/row_teams.h"
#include "rustorch/compute/op.h"
#include "rustorch/core/dtype.h"

namespace rustorch::gpu {

/// Files of kernels/ for chosen dtypes: their text after the definitions that they ask for. All that they
/// compute is of one compute type: the files say C for the type, F(exp) for the function exp_f32 or exp_f64,
/// LIT(0.5) for a literal of it, INFINITY_C, and LOWEST_C for the least finite number; NUMBER(1) of
/// every type, and IS_COMPLEX for those that have functions for operators. `index` is the type
/// that counts elements: 32 bits, or 64 after `wide_index`. Made for every launch, so it notes what is
/// defined as bytes and writes text only where a compiler is to read it.
///
/// Files call functions of the preludes and of missing_functions.h alone.
class KernelSource {
 public:
  KernelSource(std::string_view file, DType compute);

  /// A file whose text stands behind those before.
  KernelSource& then(std::string_view file) { return note(Note::file, file); }
  /// A storage dtype that the file calls `name`: MEMORY_name is the type of its buffers, LOAD_name(p, i)
  /// gives an element as C, STORE_name(p, i, v) rounds a C to it.
  KernelSource& storage(std::string_view name, DType dtype) {
    return note(Note::storage, name, static_cast<std::int64_t>(dtype));
  }
  /// A whole number, or a type, that the file calls `name`.
  KernelSource& define(std::string_view name, std::int64_t value) { return note(Note::number, name, value); }
  KernelSource& define(std::string_view name, std::string_view type) {
    note(Note::type, name);
    return note(Note::type, type);
  }
  /// An op of one operand, in the compute type, that the file calls as a function `name`; `name` is defined
  /// as itself, too, so that files can ask whether it is there.
  KernelSource& function(std::string_view name, Op op) {
    return note(Note::function, name, static_cast<std::int64_t>(op));
  }
  KernelSource& wide_index(bool wide = true) { return wide ? note(Note::wide_index, "") : *this; }
  /// The file's rows are shared by teams: it may use kernels/row_team.h.
  KernelSource& row_teams(const RowTeams& teams);

  /// The first file's name without ".h": what its kernels are for.
  std::string_view family() const noexcept {
    std::size_t length = 0;
    std::memcpy(&length, notes_.data() + sizeof(Note) + sizeof(std::int64_t), sizeof length);
    constexpr std::size_t begin = sizeof(Note) + sizeof(std::int64_t) + sizeof(std::size_t), ending = 2;
    return {reinterpret_cast<const char*>(notes_.data()) + begin, length - ending};
  }
  /// Equal for equal texts.
  std::string_view key() const noexcept {
    return {reinterpret_cast<const char*>(notes_.data()), notes_.size()};
  }
  /// The text, without the dialect's prelude.
  std::string text() const;

 private:
  enum class Note : std::uint8_t { file, storage, number, type, function, wide_index, row_teams };
  KernelSource& note(Note kind, std::string_view name, std::int64_t value = 0);

  DType compute_;
  InlineBytes notes_;  // of each: the kind, the value, the length of the name, the name
};

}  // namespace rustorch::gpu
