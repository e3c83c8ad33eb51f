#include "rustorch/backends/cpu/program_tile.h"

#include <algorithm>
#include <cstring>

namespace rustorch::cpu {

ProgramTile::ProgramTile(const Program& program, DType result, std::size_t max_elements)
    : result_bytes_(item_size(result)) {
  const std::span<const Program::Instruction> instructions = program.instructions();
  RUSTORCH_CHECK(program.outputs().size() == 1, internal, "a program with {} outputs where one is expected",
                 program.outputs().size());
  const Program::Output output = program.outputs()[0];
  output_ = output.value;
  const DType computed = instructions[output.value].dtype;
  // A 16-bit float on the way to float32 is not rounded: the value goes on as it was computed.
  const bool skips_storage = is_reduced_precision(output.dtype) && is_floating_point(result);
  const DType stored = skips_storage ? computed : output.dtype;
  if (stored != computed) to_storage_ = simd::conversion_kernel(computed, stored);
  if (result != stored) to_result_ = simd::conversion_kernel(stored, result);

  step_count_ = instructions.size();
  std::size_t widest = item_size(stored);
  for (std::size_t i = 0; i < step_count_; ++i) {
    const Program::Instruction& instruction = instructions[i];
    Step& step = steps_[i];
    step.kind = instruction.kind;
    step.source = instruction.slot;
    step.apply = nullptr;
    step.convert = nullptr;
    std::copy_n(instruction.operands, 3, step.operands);
    widest = std::max(widest, item_size(instruction.dtype));
    switch (instruction.kind) {
      case Program::Kind::input: {
        const DType storage = program.input_dtypes()[instruction.slot];
        if (storage != instruction.dtype) step.convert = simd::conversion_kernel(storage, instruction.dtype);
        break;
      }
      case Program::Kind::scalar:
        break;
      case Program::Kind::cast:
        step.convert =
            simd::conversion_kernel(instructions[instruction.operands[0]].dtype, instruction.dtype);
        break;
      case Program::Kind::apply:
        step.apply = simd::elementwise_kernel(instruction.op, instruction.dtype);
        RUSTORCH_CHECK(step.apply != nullptr, internal, "op {} has no kernel for {}",
                       op_info(instruction.op).name, instruction.dtype);
        // Operands that the op does not have point at one that it has.
        for (std::size_t k = op_info(instruction.op).arity; k < 3; ++k) step.operands[k] = step.operands[0];
        break;
    }
  }
  plan_slots(program);
  const std::size_t fitting =
      slot_count_ == 0 ? max_elements : arena_bytes / (slot_count_ * widest) / 16 * 16;
  capacity_ = std::max<std::size_t>(1, std::min(max_elements, fitting));
  slot_bytes_ = (capacity_ * widest + 63) / 64 * 64;
  if (slot_count_ * slot_bytes_ > arena_bytes) slot_bytes_ = capacity_ * widest;

  for (std::size_t i = 0; i < step_count_; ++i) {
    if (steps_[i].kind != Program::Kind::scalar) continue;
    const DType dtype = instructions[i].dtype;
    visit_dtype(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T value = program.scalars()[steps_[i].source].template to<T>();
      simd::fill(&value, sizeof(T), slot(steps_[i].slot), capacity_);
    });
  }
}

/// Gives every value that needs one a slot; a slot is free again after the last use of its value. Scalars
/// keep theirs.
void ProgramTile::plan_slots(const Program& program) {
  const std::span<const Program::Instruction> instructions = program.instructions();
  std::array<std::size_t, Program::max_instructions> last_use{};
  for (std::size_t i = 0; i < step_count_; ++i) {
    const bool has_operands = steps_[i].kind == Program::Kind::apply || steps_[i].kind == Program::Kind::cast;
    const std::size_t count = !has_operands                           ? 0
                              : steps_[i].kind == Program::Kind::cast ? 1
                                                                      : op_info(instructions[i].op).arity;
    for (std::size_t k = 0; k < count; ++k) last_use[steps_[i].operands[k]] = i;
  }
  last_use[output_] = step_count_;
  std::array<std::uint8_t, Program::max_instructions + 1> free_slots;
  std::size_t free_count = 0;
  const auto take = [&] {
    return free_count > 0 ? free_slots[--free_count] : static_cast<std::uint8_t>(slot_count_++);
  };
  for (std::size_t i = 0; i < step_count_; ++i) {
    Step& step = steps_[i];
    if (step.kind == Program::Kind::scalar) {  // filled once, so never shared
      step.slot = static_cast<std::uint8_t>(slot_count_++);
      continue;
    }
    if (step.kind == Program::Kind::input && step.convert == nullptr) {
      step.slot = no_slot;
      continue;
    }
    // Casts may change the element size, so their source must not be their target; elementwise kernels may
    // write over an operand.
    if (step.kind == Program::Kind::cast) step.slot = take();
    for (std::size_t r = 0; r < i; ++r) {
      const bool dies =
          last_use[r] == i && steps_[r].slot != no_slot && steps_[r].kind != Program::Kind::scalar;
      if (dies) free_slots[free_count++] = steps_[r].slot;
    }
    if (step.kind != Program::Kind::cast) step.slot = take();
  }
  if (to_storage_ != nullptr && to_result_ != nullptr) spare_slot_ = static_cast<std::uint8_t>(slot_count_++);
}

void ProgramTile::run(const void* const* inputs, std::size_t n, void* out) {
  std::array<const void*, Program::max_instructions> values{};
  const bool converts = to_storage_ != nullptr || to_result_ != nullptr;
  for (std::size_t i = 0; i < step_count_; ++i) {
    const Step& step = steps_[i];
    switch (step.kind) {
      case Program::Kind::input:
        if (step.convert == nullptr) {
          values[i] = inputs[step.source];
        } else {
          step.convert(inputs[step.source], slot(step.slot), n);
          values[i] = slot(step.slot);
        }
        break;
      case Program::Kind::scalar:
        values[i] = slot(step.slot);
        break;
      case Program::Kind::cast:
        step.convert(values[step.operands[0]], slot(step.slot), n);
        values[i] = slot(step.slot);
        break;
      case Program::Kind::apply: {
        void* const target = i + 1 == step_count_ && i == output_ && !converts ? out : slot(step.slot);
        step.apply(values[step.operands[0]], values[step.operands[1]], values[step.operands[2]], target, n);
        values[i] = target;
        break;
      }
    }
  }
  const void* value = values[output_];
  if (to_storage_ != nullptr) {
    void* const target = to_result_ == nullptr ? out : slot(spare_slot_);
    to_storage_(value, target, n);
    value = target;
  }
  if (to_result_ != nullptr) {
    to_result_(value, out, n);
  } else if (value != out) {
    std::memcpy(out, value, n * result_bytes_);
  }
}

}  // namespace rustorch::cpu
