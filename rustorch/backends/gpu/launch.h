#pragma once

#include <algorithm>
#include <cstdint>

#include "rustorch/backends/gpu/kernel_executor.h"

namespace rustorch::gpu {

/// Threads of a group, and the most groups of a launch: enough to keep every device busy. Kernels go through
/// more jobs than that in steps of all groups.
inline constexpr std::uint32_t group_threads = 256;
inline constexpr std::int64_t most_groups = 4096;
/// The same where a group costs nothing to start: one that ends leaves its place to another at once, while
/// groups that go on to further jobs wait for each read in turn (5 to 7 % of a pass over 2^28 floats on an
/// H200).
inline constexpr std::int64_t most_short_groups = std::int64_t{1} << 18;

inline std::int64_t most_groups_on(const DeviceFacts& facts) {
  return facts.unified_memory ? most_groups : most_short_groups;
}

/// The launch for so many jobs, of which a group takes `jobs_of_group` at a time.
inline LaunchShape launch_for(std::int64_t jobs, std::int64_t jobs_of_group,
                              std::int64_t most = most_groups) {
  LaunchShape shape;
  const std::int64_t groups = (jobs + jobs_of_group - 1) / jobs_of_group;
  shape.groups_x = static_cast<std::uint32_t>(std::clamp<std::int64_t>(groups, 1, most));
  shape.group_threads = group_threads;
  return shape;
}

}  // namespace rustorch::gpu
