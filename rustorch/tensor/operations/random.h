#pragma once

#include <cstdint>

#include "rustorch/tensor/tensor.h"

namespace rustorch {

/// Seeds the random numbers of all devices: the same seed gives the same numbers everywhere.
void manual_seed(std::uint64_t seed);

/// The state of a random stream: numbers depend only on seed and offset (Philox counters), never on threads.
class Generator {
 public:
  explicit Generator(std::uint64_t seed = 0) : seed_(seed) {}
  std::uint64_t seed() const noexcept { return seed_; }
  std::uint64_t offset() const noexcept { return offset_; }
  void set_state(std::uint64_t seed, std::uint64_t offset) noexcept {
    seed_ = seed;
    offset_ = offset;
  }
  /// Takes the counters for `elements` random numbers of at most 64 bits each; returns the first.
  std::uint64_t reserve(std::uint64_t elements) noexcept;

 private:
  std::uint64_t seed_;
  std::uint64_t offset_ = 0;
};

/// The generator that functions without one use; guarded by a mutex inside the functions.
Generator& default_generator();

Tensor rand(const Shape& shape, const TensorOptions& options = {});
Tensor randn(const Shape& shape, const TensorOptions& options = {});
/// Integers in [low, high), int64 by default.
Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, const TensorOptions& options = {});
Tensor randint(std::int64_t high, const Shape& shape, const TensorOptions& options = {});
/// A permutation of 0 … n-1, int64.
Tensor randperm(std::int64_t n, const TensorOptions& options = {});
Tensor rand_like(const Tensor& x, const TensorOptions& options = {});
Tensor randn_like(const Tensor& x, const TensorOptions& options = {});
Tensor normal(double mean, double std, const Shape& shape, const TensorOptions& options = {});
Tensor normal(const Tensor& mean, const Tensor& std);
/// 1 with the probabilities in p, else 0.
Tensor bernoulli(const Tensor& p);
/// Indices drawn by the weights in each row of p ([n] or [rows, n]).
Tensor multinomial(const Tensor& p, std::int64_t samples, bool replacement = false);
/// Zeroes elements with probability p and scales the rest by 1 / (1 - p), in training; the identity
/// otherwise.
Tensor dropout(const Tensor& x, double p = 0.5, bool training = true);

}  // namespace rustorch
