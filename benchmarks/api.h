#pragma once

// One source measures both libraries, since they share PyTorch's vocabulary: compiled with
// RUSTORCH_BENCHMARK_LIBTORCH it is LibTorch's side of benchmarks/compare.sh, else ours.

#include <benchmark/benchmark.h>

#ifdef RUSTORCH_BENCHMARK_LIBTORCH
#include <torch/torch.h>

namespace api = torch;

inline void clear_gradient(torch::Tensor& tensor) { tensor.mutable_grad() = torch::Tensor(); }
inline const torch::Tensor& computed(const torch::Tensor& tensor) { return tensor; }
#else
#include <rustorch/rustorch.h>

namespace api = rustorch;

inline void clear_gradient(rustorch::Tensor& tensor) { tensor.set_grad({}); }
/// Elementwise results wait for their reader: this is one.
inline const rustorch::Tensor& computed(const rustorch::Tensor& tensor) {
  rustorch::materialize(tensor);
  return tensor;
}
#endif

/// Results of another type are there already.
template <class Result>
const Result& computed(const Result& result) {
  return result;
}
