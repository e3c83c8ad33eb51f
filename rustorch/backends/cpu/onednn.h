#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace rustorch::cpu::onednn {

// All that we use of oneDNN, without its types: its versions 2 and 3 differ, and only onednn.cpp knows.

/// c = a·b (+ c if accumulate) in row-major float32, with leading dimensions (elements from row to row); a
/// and b may be stored transposed.
void sgemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
           std::int64_t lda, const float* b, std::int64_t ldb, float* c, std::int64_t ldc, bool accumulate);

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
/// library has only its reference code for these sizes. Primitives are kept, so a repeated call creates
/// nothing.
bool convolution(const ConvolutionSizes& sizes, float* input, float* weight, float* bias, float* output);

/// "2.6.3".
const char* version() noexcept;

}  // namespace rustorch::cpu::onednn
