#pragma once

#include <string>
#include <string_view>

#include "rustorch/backends/gpu/struct_bytes.h"
#include "rustorch/compute/program.h"

namespace rustorch::gpu {

/// The name of a storage dtype in the dialect's functions: load_u8, store_f16, f32_to_bool …
std::string_view storage_name(DType dtype);
/// The type of a buffer's elements in memory.
std::string_view memory_type(DType dtype);
/// An unsigned type of an element's size, for elements that are only moved; those of 16 bytes are two.
std::string_view bits_type(DType dtype);
/// `value` of one compute type as another.
std::string converted(const std::string& value, DType from, DType to);
/// `value` of a compute type, rounded to a storage dtype, as that dtype's compute type.
std::string rounded(const std::string& value, DType from, DType storage);

/// A program in the kernel dialect. `prefix` keeps the names of several programs of a kernel apart: registers
/// are <prefix>v0, <prefix>v1 …, and scalars p.<prefix>scalar0 … of the parameter struct.
class ProgramText {
 public:
  ProgramText(const Program& program, std::string prefix) : program_(program), prefix_(std::move(prefix)) {}

  /// The members of the parameter struct for the scalars of 8 and more bytes, or for the others.
  std::string scalar_members(bool wide) const;
  /// Their values, in the same order.
  void add_scalars(StructBytes& bytes, bool wide) const;

  /// A statement for each instruction; `input(k)` is the expression for the k-th input, in the compute type
  /// of its dtype.
  template <class Input>
  std::string statements(const Input& input) const {
    std::string text;
    for (std::size_t i = 0; i < program_.instructions().size(); ++i) {
      const Program::Instruction& work = program_.instructions()[i];
      text += statement(i, work.kind == Program::Kind::input ? input(work.slot) : std::string());
    }
    return text;
  }
  /// The k-th result, rounded to its dtype, in that dtype's compute type.
  std::string result(std::size_t k) const;

 private:
  std::string register_name(std::size_t index) const;
  std::string statement(std::size_t index, const std::string& input) const;

  const Program& program_;
  std::string prefix_;
};

}  // namespace rustorch::gpu
