#pragma once

#include <cstdint>
#include <span>

#include "rustorch/backends/compute_backend.h"

namespace rustorch::cpu {

// The ways in which CpuBackend::elementwise does its work; each file elementwise_*.cpp holds one.

/// Elements of a cheap op that are worth a thread of their own.
inline constexpr std::int64_t elementwise_grain = 32 * 1024;

/// What an element of an op costs, in cheap ones (an addition).
std::int64_t op_cost(Op op) noexcept;

/// A copy of one tensor: memory that lies alike is copied or converted as a whole, transposed memory block by
/// block. `from` and `to` have the same shape and at least one element. False, with nothing done, where
/// neither applies.
bool run_copy(const View& from, const View& to);

/// Whether an operand is large and lies across the order of the output's memory, like a transposed matrix: to
/// read it in that order takes a cache line for every element, so that it pays to turn it round by run_copy
/// first.
bool lies_across(const View& operand, const Layout& output) noexcept;

/// Any program over any layouts: tile by tile in the first-level cache, one vector loop per instruction.
/// The outputs have at least one element.
void run_tiles(const Program& program, std::span<const View> inputs, std::span<const View> outputs);

}  // namespace rustorch::cpu
