#include "rustorch/compute/program.h"

#include <fmt/format.h>

#include <iterator>

#include "rustorch/error/error.h"

namespace rustorch {

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

namespace {

void check_apply(Op op, std::size_t operands, DType compute) {
  const OpInfo& info = op_info(op);
  RUSTORCH_CHECK(info.arity == operands, internal, "{} takes {} operands, not {}", info.name, info.arity,
                 operands);
  RUSTORCH_CHECK(domain_has(info.domain, compute), dtype_mismatch, "{} is not defined for {}", info.name,
                 to_string(compute));
}

void check_equal(Op op, DType a, DType b) {
  RUSTORCH_CHECK(a == b, internal, "{} in a program got operands of {} and {}", op_info(op).name,
                 to_string(a), to_string(b));
}

}  // namespace

Program::Register Program::apply(Op op, Register x) {
  const DType compute = instructions_[x].dtype;
  check_apply(op, 1, compute);
  return append({Kind::apply, op, compute, 0, {x, 0, 0}});
}

Program::Register Program::apply(Op op, Register x, Register y) {
  const DType compute = instructions_[x].dtype;
  check_apply(op, 2, compute);
  check_equal(op, compute, instructions_[y].dtype);
  return append({Kind::apply, op, compute, 0, {x, y, 0}});
}

Program::Register Program::apply(Op op, Register x, Register y, Register z) {
  const DType compute = instructions_[x].dtype;
  check_apply(op, 3, compute);
  check_equal(op, compute, instructions_[y].dtype);
  check_equal(op, compute, instructions_[z].dtype);
  return append({Kind::apply, op, compute, 0, {x, y, z}});
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
