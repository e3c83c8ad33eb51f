#pragma once

#include <cstddef>
#include <cstdint>

namespace rustorch::cpu {

/// The vector loops behind CpuBackend::generate, for the selected instruction set; philox.h says what they
/// compute. Counts are of elements; buffers are adjacent elements.
struct GenerateLoops {
  /// words ← blocks [first, first + count), four words each
  void (*philox)(std::uint64_t seed, std::uint64_t first, std::size_t count, std::uint32_t* words);
  /// One word an element, of which the topmost bits are dropped by `shift`, counted in units of `unit`.
  void (*uniform_float)(const std::uint32_t* words, std::size_t n, int shift, float unit, float a,
                        float range, float largest, float* out);
  void (*uniform_double)(const std::uint32_t* words, std::size_t n, double a, double range, double largest,
                         double* out);
  /// `n` is even.
  void (*normal_float)(const std::uint32_t* words, std::size_t n, float a, float b, float* out);
  void (*normal_double)(const std::uint32_t* words, std::size_t n, double a, double b, double* out);
  void (*bernoulli)(const std::uint32_t* words, std::size_t n, std::uint64_t threshold, std::uint8_t* out);
  void (*sequence)(double a, double b, std::int64_t first, std::size_t n, double* out);
};

const GenerateLoops& generate_loops();

}  // namespace rustorch::cpu
