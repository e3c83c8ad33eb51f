#pragma once

// One source measures both libraries, since they share PyTorch's vocabulary: compiled with
// RUSTORCH_BENCHMARK_LIBTORCH it is LibTorch's side of benchmarks/compare.sh, else ours.

#include <benchmark/benchmark.h>

#ifdef RUSTORCH_BENCHMARK_LIBTORCH
#include <torch/torch.h>

namespace api = torch;

inline void clear_gradient(torch::Tensor& tensor) { tensor.mutable_grad() = torch::Tensor(); }
#else
#include <rustorch/rustorch.h>

namespace api = rustorch;

inline void clear_gradient(rustorch::Tensor& tensor) { tensor.set_grad({}); }
#endif
