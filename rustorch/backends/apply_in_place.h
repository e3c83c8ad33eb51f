#pragma once

#include "rustorch/backends/compute_backend.h"

namespace rustorch {

/// Applies an op of one operand to every element of a view, in place: for backends whose kernels of larger
/// work cannot do it on the way. The op's domain must have the view's compute type.
void apply_in_place(ComputeBackend& backend, Op op, const View& view);

}  // namespace rustorch
