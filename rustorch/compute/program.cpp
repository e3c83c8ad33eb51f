#include "rustorch/compute/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <type_traits>

#include "rustorch/error/error.h"

namespace rustorch {

namespace {

template <class T>
bool have_equal_bytes(std::span<const T> a, std::span<const T> b) noexcept {
  static_assert(std::has_unique_object_representations_v<T>);
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

}  // namespace

bool operator==(const Program& a, const Program& b) noexcept {
  return have_equal_bytes(a.instructions(), b.instructions()) &&
         have_equal_bytes(a.input_dtypes(), b.input_dtypes()) && have_equal_bytes(a.outputs(), b.outputs()) &&
         std::ranges::equal(a.scalars(), b.scalars());
}

Program::Register Program::append(const Instruction& instruction) {
  RUSTORCH_CHECK(instruction_count_ < max_instructions, internal, "a program has at most {} instructions",
                 max_instructions);
  instructions_[instruction_count_] = instruction;
  return instruction_count_++;
}

Program::Register Program::input(DType storage, DType compute) {
  RUSTORCH_CHECK(input_count_ < max_inputs, internal, "a program has at most {} inputs", max_inputs);
  inputs_[input_count_] = storage;
  return append({Kind::input, Op::copy, compute, input_count_++, {}});
}

Program::Register Program::scalar(const Scalar& value, DType compute) {
  RUSTORCH_CHECK(scalar_count_ < max_scalars, internal, "a program has at most {} scalars", max_scalars);
  scalars_[scalar_count_] = value;
  return append({Kind::scalar, Op::copy, compute, scalar_count_++, {}});
}

Program::Register Program::cast(Register value, DType compute) {
  return append({Kind::cast, Op::copy, compute, 0, {value, 0, 0}});
}

Program::Register Program::apply(Op op, std::span<const Register> operands) {
  const OpInfo& info = op_info(op);
  RUSTORCH_CHECK(info.arity == operands.size(), internal, "{} takes {} operands, not {}", info.name,
                 info.arity, operands.size());
  const DType compute = instructions_[operands[0]].dtype;
  RUSTORCH_CHECK(domain_has(info.domain, compute), dtype_mismatch, "{} is not defined for {}", info.name,
                 rustorch::to_string(compute));
  Instruction instruction{Kind::apply, op, compute, 0, {}};
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const DType dtype = instructions_[operands[i]].dtype;
    RUSTORCH_CHECK(dtype == compute, internal, "{} in a program got operands of {} and {}", info.name,
                   rustorch::to_string(compute), rustorch::to_string(dtype));
    instruction.operands[i] = operands[i];
  }
  return append(instruction);
}

Program::Register Program::apply(Op op, Register x) { return apply(op, std::span(&x, 1)); }

Program::Register Program::apply(Op op, Register x, Register y) {
  const Register operands[] = {x, y};
  return apply(op, operands);
}

Program::Register Program::apply(Op op, Register x, Register y, Register z) {
  const Register operands[] = {x, y, z};
  return apply(op, operands);
}

void Program::output(Register value, DType storage) {
  RUSTORCH_CHECK(output_count_ < max_outputs, internal, "a program has at most {} outputs", max_outputs);
  outputs_[output_count_++] = {value, storage};
}

std::string Program::to_string() const {
  std::string text;
  const auto out = std::back_inserter(text);
  for (std::size_t i = 0; i < instruction_count_; ++i) {
    const Instruction& instruction = instructions_[i];
    const std::string_view dtype = rustorch::to_string(instruction.dtype);
    fmt::format_to(out, "%{} = ", i);
    switch (instruction.kind) {
      case Kind::input:
        fmt::format_to(out, "input.{} {} as {}\n", dtype, instruction.slot,
                       rustorch::to_string(inputs_[instruction.slot]));
        break;
      case Kind::scalar:
        fmt::format_to(out, "scalar.{} {}\n", dtype, instruction.slot);
        break;
      case Kind::cast:
        fmt::format_to(out, "cast.{} %{}\n", dtype, instruction.operands[0]);
        break;
      case Kind::apply:
        fmt::format_to(out, "{}.{}", op_info(instruction.op).name, dtype);
        for (std::size_t k = 0; k < op_info(instruction.op).arity; ++k) {
          fmt::format_to(out, " %{}", instruction.operands[k]);
        }
        text += '\n';
        break;
    }
  }
  for (std::size_t i = 0; i < output_count_; ++i) {
    fmt::format_to(out, "output %{} as {}\n", outputs_[i].value, rustorch::to_string(outputs_[i].dtype));
  }
  return text;
}

}  // namespace rustorch
