#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "rustorch/core/dtype.h"

namespace rustorch::cpu::onednn {

// All that we use of oneDNN, without its types: its versions 2 and 3 differ, and only onednn_*.cpp know.

enum class ConvolutionWork : std::uint8_t { forward, backward_input, backward_weight };

/// One convolution's sizes; unused spatial entries are 1 (0 for padding).
struct ConvolutionSizes {
  ConvolutionWork work = ConvolutionWork::forward;
  bool bias = false;
  std::int32_t spatial_rank = 2;
  std::int64_t batch = 0, in_channels = 0, out_channels = 0, groups = 1;
  std::array<std::int64_t, 3> input{}, output{}, kernel{}, stride{}, padding{}, dilation{};

  friend bool operator==(const ConvolutionSizes&, const ConvolutionSizes&) = default;
};

/// Runs a float32 convolution on dense channels-last activations and plain row-major weights [O, I/groups,
/// kernel…]. Which of the four is written depends on the work. Returns false, having done nothing, where the
/// library has only its reference code for these sizes, or code that is not safe under signals. Primitives
/// are kept, so a repeated call creates nothing.
bool convolution(const ConvolutionSizes& sizes, float* input, float* weight, float* bias, float* output);

/// Products of float32 or bfloat16 matrices (summed in float32): c = a·b (+ bias for every row, or + c),
/// `batch` of them. Strides in elements; rows of c are c_row apart and have adjacent elements. A batch step
/// of 0 repeats the matrix.
struct ProductSizes {
  DType dtype = DType::float32;
  std::int64_t batch = 1, m = 0, n = 0, k = 0;
  std::int64_t a_batch = 0, b_batch = 0, c_batch = 0;
  std::int64_t a_row = 0, a_column = 0, b_row = 0, b_column = 0, c_row = 0;
  bool accumulate = false;  ///< c holds a summand already
  bool bias = false;

  friend bool operator==(const ProductSizes&, const ProductSizes&) = default;
};

/// Runs the products over the threads of the team; the result does not depend on how many there are. Returns
/// false, having done nothing, where the library has no such code, or none that is fast and safe under
/// signals: there is some for AVX-512 only. Primitives are kept.
bool product(const ProductSizes& sizes, const void* a, const void* b, const void* bias, void* c);

/// "2.6.3".
const char* version() noexcept;

}  // namespace rustorch::cpu::onednn
