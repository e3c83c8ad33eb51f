#pragma once

#include <cstdint>
#include <string_view>

namespace rustorch {

/// How products of float32 are computed on devices that have faster units for less: sums are of float32 in
/// both. Devices without such units (the CPU, OpenCL and Metal here) always compute in `highest`.
enum class Float32Precision : std::uint8_t {
  highest,  ///< factors keep all 24 bits
  high,     ///< factors may be rounded to TensorFloat32's 11 bits (NVIDIA since Ampere)
};

/// "highest" or "high".
std::string_view to_string(Float32Precision precision) noexcept;

/// Of matrix products: matmul, linear layers and what is built of them. PyTorch's
/// torch.get_float32_matmul_precision; `highest` unless it is set.
Float32Precision float32_matmul_precision() noexcept;
void set_float32_matmul_precision(Float32Precision precision) noexcept;
/// By PyTorch's names: "highest", "high", or "medium", which is `high` here. Others are an Error
/// (invalid_argument).
void set_float32_matmul_precision(std::string_view name);

/// Of convolutions and their gradients. PyTorch's torch.backends.cudnn.conv.fp32_precision, which is TF32
/// there unless it is set; here it is `highest`, so that a network gives the CPU's results on every device.
Float32Precision float32_convolution_precision() noexcept;
void set_float32_convolution_precision(Float32Precision precision) noexcept;
/// By the names of `set_float32_matmul_precision`.
void set_float32_convolution_precision(std::string_view name);

}  // namespace rustorch
