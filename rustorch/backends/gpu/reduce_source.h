#pragma once

#include <string>
#include <vector>

#include "rustorch/backends/compute_backend.h"
#include "rustorch/backends/gpu/kernel_key.h"
#include "rustorch/backends/gpu/struct_bytes.h"
#include "rustorch/backends/loop_nest.h"

namespace rustorch::gpu {

/// The loops of a reduction; operand 0 is the result, then the inputs.
using ReduceLoops = LoopNest<1 + Program::max_inputs>;

/// How a reduction is done. Follows from shapes and strides alone: the same sums in every run.
struct ReducePlan {
  explicit ReducePlan(const Reduction& work);

  ReduceLoops kept, reduced;
  /// Of the kernel's loops: these ranks, rounded up to few, since a compiler takes longer for a kernel of its
  /// own than all its launches for a division more.
  std::size_t kept_rank = 0, reduced_rank = 0;
  std::int64_t results = 1, per_result = 1;
  bool by_rows = false;     ///< a group for each result, whose threads go through adjacent elements
  std::int64_t chunk = 1;   ///< elements of a result that one group (or thread) takes
  std::int64_t chunks = 1;  ///< for each result; more than one are joined by a second kernel
  bool wide_index = false;
};

/// The type that elements are reduced in, and how many values of it are a state (variance: count, mean,
/// squares).
struct ReduceState {
  DType type;
  int values;
};
ReduceState state_of(const Reduction& work);

/// Equal for reductions with the same source.
KernelKey key_of(const Reduction& work, const ReducePlan& plan);
/// The source without the prelude: the kernel `reduce_rows` or `reduce_columns`, which writes the results or,
/// where there are several chunks, their states, and then `reduce_chunks`, which joins those. Their
/// parameters are the inputs' buffers (not of the last), the states', the result's, and the struct of
/// `reduce_parameters`.
std::string reduce_source(const Reduction& work, const ReducePlan& plan);
StructBytes reduce_parameters(const Reduction& work, const ReducePlan& plan);

}  // namespace rustorch::gpu
