#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace rustorch::cpu::onednn {

// All that we use of oneDNN, without its types: its versions 2 and 3 differ, and only onednn.cpp knows.

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

/// "2.6.3".
const char* version() noexcept;

}  // namespace rustorch::cpu::onednn
