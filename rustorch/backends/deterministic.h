#pragma once

namespace rustorch {

/// Whether equal work gives equal bits in every run on a device (torch.are_deterministic_algorithms_enabled).
/// On unless it is switched off, other than in PyTorch: few operations gain.
bool are_deterministic_algorithms_enabled() noexcept;
/// torch.use_deterministic_algorithms. Switched off, `index_add`, `scatter_add`, `index_put(accumulate)`, and
/// the gradients of gathers and embeddings may add float32 and float64 elements on CUDA in the order in which
/// threads come, so that sums of many elements differ in their last bits from run to run; where many elements
/// are added into few, they take a fraction of the time. For the whole program, from the next operation on.
void use_deterministic_algorithms(bool mode) noexcept;

}  // namespace rustorch
