#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "rustorch/compute/op.h"
#include "rustorch/core/scalar.h"

namespace rustorch {

/// A straight-line list of elementwise instructions in single-assignment form: the unit of elementwise work
/// that backends run. A register is the index of the instruction that made it. The CPU runs it tile by tile,
/// GPUs make one kernel of it; scalars are run-time values, so programs of one form share a kernel.
class Program {
 public:
  using Register = std::uint8_t;
  enum class Kind : std::uint8_t { input, scalar, cast, apply };
  struct Instruction {
    Kind kind;
    Op op;                 ///< for apply
    DType dtype;           ///< of the result: a compute_dtype, but for casts to a storage dtype
    std::uint8_t slot;     ///< input: which operand; scalar: which scalar
    Register operands[3];  ///< cast: one; apply: the op's arity, of one compute type; the others are 0
  };
  struct Output {
    Register value;
    DType dtype;  ///< the storage dtype it is converted to when stored
  };
  static constexpr std::size_t max_instructions = 64;
  static constexpr std::size_t max_inputs = 16;
  static constexpr std::size_t max_scalars = 16;
  static constexpr std::size_t max_outputs = 8;

  /// Adds the next tensor operand: stored as `storage`, converted to `compute` (a compute_dtype) when loaded.
  Register input(DType storage, DType compute);
  Register input(DType storage) { return input(storage, compute_dtype(storage)); }
  /// Adds a run-time scalar of a compute type.
  Register scalar(const Scalar& value, DType compute);
  /// Converts a register to another compute type, or rounds it to a storage dtype: cast back, it has the
  /// value that storing and loading would give.
  Register cast(Register value, DType compute);
  /// Applies an op to registers that have the same compute type, which the op's domain must contain.
  Register apply(Op op, Register x);
  Register apply(Op op, Register x, Register y);
  Register apply(Op op, Register x, Register y, Register z);
  Register apply(Op op, std::span<const Register> operands);  ///< as many as its arity
  /// Declares the next result, stored as `storage`.
  void output(Register value, DType storage);

  std::span<const Instruction> instructions() const noexcept {
    return {instructions_.data(), instruction_count_};
  }
  std::span<const DType> input_dtypes() const noexcept { return {inputs_.data(), input_count_}; }
  std::span<const Scalar> scalars() const noexcept { return {scalars_.data(), scalar_count_}; }
  std::span<const Output> outputs() const noexcept { return {outputs_.data(), output_count_}; }
  /// The op of a program that does nothing else: all its inputs are the op's operands, as they are stored,
  /// and its only output is the result as it is computed. Else nullptr.
  const Instruction* single_op() const noexcept {
    if (instruction_count_ != input_count_ + 1 || output_count_ != 1) return nullptr;
    const Instruction& last = instructions_[input_count_];
    if (last.kind != Kind::apply || outputs_[0].value != input_count_ || outputs_[0].dtype != last.dtype)
      return nullptr;
    for (std::size_t i = 0; i < input_count_; ++i) {
      if (instructions_[i].kind != Kind::input || inputs_[i] != last.dtype) return nullptr;
    }
    return &last;
  }
  /// Replaces the value of a scalar: the program's form stays.
  void set_scalar(std::size_t slot, const Scalar& value) { scalars_[slot] = value; }

  /// Whether two programs have one form and equal scalars (NaN equals nothing).
  friend bool operator==(const Program& a, const Program& b) noexcept;

  /// "%2 = mul.float32 %0 %1" …, one instruction a line: for logs, caches and tests.
  std::string to_string() const;

 private:
  Register append(const Instruction& instruction);

  std::uint8_t instruction_count_ = 0, input_count_ = 0, scalar_count_ = 0, output_count_ = 0;
  // Left uninitialized on purpose: a program of one op is built on the stack for every call.
  std::array<Instruction, max_instructions> instructions_;
  std::array<DType, max_inputs> inputs_;
  std::array<Output, max_outputs> outputs_;
  std::array<Scalar, max_scalars> scalars_;
};

}  // namespace rustorch
