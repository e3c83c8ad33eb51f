#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "rustorch/backends/gpu/kernel_executor.h"

namespace rustorch::gpu {

/// Threads of a group, and the most groups of a launch: enough to keep every device busy. Kernels go through
/// more jobs than that in steps of all groups.
inline constexpr std::uint32_t group_threads = 256;
inline constexpr std::int64_t most_groups = 4096;

/// The launch for so many jobs, of which a group takes `jobs_of_group` at a time.
inline LaunchShape launch_for(std::int64_t jobs, std::int64_t jobs_of_group) {
  LaunchShape shape;
  const std::int64_t groups = (jobs + jobs_of_group - 1) / jobs_of_group;
  shape.groups_x = static_cast<std::uint32_t>(std::clamp<std::int64_t>(groups, 1, std::getenv("X_GROUPS") ? std::atoll(std::getenv("X_GROUPS")) : most_groups));
  shape.group_threads = group_threads;
  return shape;
}

}  // namespace rustorch::gpu
