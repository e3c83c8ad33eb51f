#include "rustorch/nn/can_run.h"

#include <vector>

#include "rustorch/tensor/gradient.h"

namespace rustorch::nn {

DeviceCheck can_run(const Module& module, Device device, std::optional<DType> dtype) {
  if (dtype && !is_differentiable(*dtype)) {
    return {device,
            DeviceCheck::Verdict::cannot,
            {fmt::format("modules convert to floating point or complex, not to {}", *dtype)}};
  }
  std::vector<TensorNeed> tensors;
  std::uint64_t gradient_bytes = 0;
  const auto need = [&](const std::string& name, const Tensor& tensor) {
    const bool converts = dtype && is_differentiable(tensor.dtype());
    TensorNeed its{name, converts ? *dtype : tensor.dtype(), 0};
    const std::uint64_t bytes = static_cast<std::uint64_t>(tensor.numel()) * item_size(its.dtype);
    if (tensor.device() != device || its.dtype != tensor.dtype()) its.bytes = bytes;
    const bool has_gradient = tensor.grad().defined() && tensor.grad().device() == device;
    if (tensor.requires_grad() && !has_gradient) gradient_bytes += bytes;
    tensors.push_back(std::move(its));
  };
  for (const auto& [name, tensor] : module.named_parameters()) need(name, tensor);
  for (const auto& [name, tensor] : module.named_buffers()) need(name, tensor);
  return rustorch::can_run(tensors, device, gradient_bytes);
}

}  // namespace rustorch::nn
