#pragma once

#include <array>
#include <cstddef>

#include "rustorch/compute/program.h"
#include "rustorch/compute/simd/kernels.h"

namespace rustorch::cpu {

/// Runs a program of one output over contiguous tiles small enough for the first-level cache: the prologues
/// and epilogues of reductions. Kernels are looked up once, at construction; an object serves one thread.
class ProgramTile {
 public:
  /// `result` is the dtype that the output's elements are wanted in; tiles will not be larger than
  /// `max_elements`.
  ProgramTile(const Program& program, DType result, std::size_t max_elements);
  ProgramTile(const ProgramTile&) = delete;
  ProgramTile& operator=(const ProgramTile&) = delete;

  /// The most elements that one run takes.
  std::size_t capacity() const noexcept { return capacity_; }
  /// inputs[k]: `n` adjacent elements of the program's k-th input dtype. Writes `n` elements of `result`.
  void run(const void* const* inputs, std::size_t n, void* out);

 private:
  static constexpr std::size_t arena_bytes = 32768;
  static constexpr std::uint8_t no_slot = 0xff;

  struct Step {
    Program::Kind kind;
    std::uint8_t slot;    // where the value goes; no_slot: an input that is used where it lies
    std::uint8_t source;  // input: which
    Program::Register operands[3];
    simd::ElementwiseKernel apply = nullptr;   // apply
    simd::ConversionKernel convert = nullptr;  // input and cast
  };

  void* slot(std::uint8_t index) noexcept { return arena_.data() + index * slot_bytes_; }
  void plan_slots(const Program& program);

  std::size_t step_count_ = 0, slot_count_ = 0, slot_bytes_ = 0, capacity_ = 0;
  Program::Register output_;
  std::uint8_t spare_slot_ = no_slot;            // between the two conversions
  simd::ConversionKernel to_storage_ = nullptr;  // where the output's own dtype matters: integers wrap in it
  simd::ConversionKernel to_result_ = nullptr;
  std::size_t result_bytes_;
  std::array<Step, Program::max_instructions> steps_;
  alignas(64) std::array<std::byte, arena_bytes> arena_;  // uninitialized
};

}  // namespace rustorch::cpu
