#pragma once

#include <cstdint>

#include "rustorch/tensor/tensor.h"

namespace rustorch {

// Elementwise results of lazy_minimum() elements or more are computed when they are first read, together with
// the elementwise operations before them: `0.5 * x * (1 + erf(x * c))` is one pass over memory. Values are
// the same bits either way, and errors of shape, dtype and device come at the call. RUSTORCH_LAZY=0 turns it
// off.

/// Whether elementwise results may wait for their first reader.
bool lazy_enabled();
/// Turns waiting on or off, for all threads, from the next operation on.
void set_lazy_enabled(bool enabled);

/// The least elements of a result that waits: RUSTORCH_LAZY_MINIMUM, 4096 by default.
std::int64_t lazy_minimum();
/// Sets it; 1 or more.
void set_lazy_minimum(std::int64_t elements);

/// Whether x waits to be computed.
bool is_pending(const Tensor& x);
/// Computes x now, if it waits. For measurements, and to free what a pending result holds on to.
void materialize(const Tensor& x);

}  // namespace rustorch
