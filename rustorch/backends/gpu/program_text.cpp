#include "rustorch/backends/gpu/program_text.h"

#include <array>
#include <complex>
#include <iterator>

#include "rustorch/backends/gpu/formula.h"

namespace rustorch::gpu {
namespace {

bool is_wide(DType compute) { return item_size(compute) >= 8; }

void add_scalar(StructBytes& bytes, const Scalar& scalar, DType compute) {
  switch (compute) {
    case DType::int32:
      return bytes.add(scalar.to<std::int32_t>());
    case DType::int64:
      return bytes.add(scalar.to<std::int64_t>());
    case DType::float32:
      return bytes.add(scalar.to<float>());
    case DType::complex64:
    case DType::complex128: {
      const auto value = scalar.to<std::complex<double>>();
      add_scalar(bytes, value.real(), real_dtype(compute));
      return add_scalar(bytes, value.imag(), real_dtype(compute));
    }
    default:
      return bytes.add(scalar.to<double>());
  }
}

}  // namespace

std::string_view storage_name(DType dtype) {
  switch (dtype) {
    case DType::bool_:
      return "bool";
    case DType::uint8:
      return "u8";
    case DType::int8:
      return "i8";
    case DType::int16:
      return "i16";
    case DType::float16:
      return "f16";
    case DType::bfloat16:
      return "bf16";
    default:
      return dialect_type(dtype);
  }
}

std::string_view memory_type(DType dtype) {
  switch (dtype) {
    case DType::bool_:
      return "u8";
    case DType::float16:
    case DType::bfloat16:
      return "u16";
    default:
      return storage_name(dtype);
  }
}

std::string_view bits_type(DType dtype) {
  switch (item_size(dtype)) {
    case 1:
      return "u8";
    case 2:
      return "u16";
    case 4:
      return "u32";
    default:
      return "u64";
  }
}

std::string converted(const std::string& value, DType from, DType to) {
  if (from == to) return value;
  if (is_complex(from) && is_complex(to))
    return fmt::format("{}_c128({})", to == DType::complex128 ? "widened" : "narrowed", value);
  if (is_complex(from)) return converted(fmt::format("({}).re", value), real_dtype(from), to);
  if (is_complex(to))
    return fmt::format("make_{}({}, 0)", dialect_type(to), converted(value, from, real_dtype(to)));
  return fmt::format("{}_to_{}({})", dialect_type(from), dialect_type(to), value);
}

std::string rounded(const std::string& value, DType from, DType storage) {
  if (compute_dtype(storage) == storage) return converted(value, from, storage);
  if (is_complex(from)) {
    if (storage == DType::bool_) return fmt::format("is_nonzero_{}({})", dialect_type(from), value);
    return rounded(fmt::format("({}).re", value), real_dtype(from), storage);
  }
  return fmt::format("{}_to_{}({})", dialect_type(from), storage_name(storage), value);
}

std::string ProgramText::scalar_members(bool wide) const {
  std::string text;
  for (const Program::Instruction& instruction : program_.instructions()) {
    if (instruction.kind != Program::Kind::scalar || is_wide(instruction.dtype) != wide) continue;
    // Complex ones by their parts: a struct in a struct has an alignment of its own.
    std::string members = fmt::format("{}scalar{}", prefix_, instruction.slot);
    if (is_complex(instruction.dtype)) members = fmt::format("{0}_re, {0}_im", members);
    fmt::format_to(std::back_inserter(text), "{} {};\n", dialect_type(real_dtype(instruction.dtype)),
                   members);
  }
  return text;
}

void ProgramText::add_scalars(StructBytes& bytes, bool wide) const {
  for (const Program::Instruction& instruction : program_.instructions()) {
    if (instruction.kind == Program::Kind::scalar && is_wide(instruction.dtype) == wide)
      add_scalar(bytes, program_.scalars()[instruction.slot], instruction.dtype);
  }
}

std::string ProgramText::register_name(std::size_t index) const {
  return fmt::format("{}v{}", prefix_, index);
}

std::string ProgramText::statement(std::size_t index, const std::string& input) const {
  const Program::Instruction& work = program_.instructions()[index];
  const auto compute_type = [&](Program::Register value) {
    return compute_dtype(program_.instructions()[value].dtype);
  };
  std::string value;
  switch (work.kind) {
    case Program::Kind::input:
      value = converted(input, compute_dtype(program_.input_dtypes()[work.slot]), work.dtype);
      break;
    case Program::Kind::scalar:
      value = fmt::format("p.{}scalar{}", prefix_, work.slot);
      if (is_complex(work.dtype))
        value = fmt::format("make_{0}({1}_re, {1}_im)", dialect_type(work.dtype), value);
      break;
    case Program::Kind::cast:
      value = rounded(register_name(work.operands[0]), compute_type(work.operands[0]), work.dtype);
      break;
    case Program::Kind::apply: {
      const OpInfo& info = op_info(work.op);
      std::array<std::string, 3> operands;
      for (std::size_t k = 0; k < info.arity; ++k) operands[k] = register_name(work.operands[k]);
      value = translate_formula(info.formula, work.dtype, std::span(operands).first(info.arity));
      break;
    }
  }
  return fmt::format("const {} {} = {};\n", dialect_type(compute_dtype(work.dtype)), register_name(index),
                     value);
}

std::string ProgramText::result(std::size_t k) const {
  const Program::Output& output = program_.outputs()[k];
  return rounded(register_name(output.value), compute_dtype(program_.instructions()[output.value].dtype),
                 output.dtype);
}

}  // namespace rustorch::gpu
