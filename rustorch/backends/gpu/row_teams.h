#pragma once

#include <bit>

#include "rustorch/backends/gpu/launch.h"
#include "rustorch/core/dtype.h"

namespace rustorch::gpu {

/// How the threads of a group share rows of elements (kernels/row_team.h). Follows from shapes and strides
/// alone: the same sums in every run.
struct RowTeams {
  std::int64_t threads = 1;   ///< of a row; a power of two
  bool side_by_side = false;  ///< neighbouring threads take neighbouring rows

  std::int64_t rows_of_group() const noexcept { return group_threads / threads; }
  LaunchShape launch(std::int64_t rows) const noexcept { return launch_for(rows, rows_of_group()); }
};

inline std::int64_t power_of_two_from(std::int64_t count) noexcept {
  return static_cast<std::int64_t>(
      std::bit_ceil(static_cast<std::uint64_t>(std::max<std::int64_t>(1, count))));
}

/// Rows of `n` elements that lie adjacent, or else next to those of `neighbours` other rows.
inline RowTeams row_teams(std::int64_t rows, std::int64_t n, bool adjacent, std::int64_t neighbours = 1) {
  constexpr std::int64_t subgroup = 32;
  // A short row is a subgroup's, which joins without waiting for others; then eight elements for each thread.
  if (adjacent) {
    if (n <= 16 * subgroup) return {std::min(subgroup, power_of_two_from(n)), false};
    return {std::clamp<std::int64_t>(power_of_two_from(n / 8), subgroup, group_threads), false};
  }
  constexpr std::int64_t busy_threads = 65536;
  const std::int64_t abreast = std::min(subgroup, power_of_two_from(neighbours));
  return {std::min({group_threads / abreast, power_of_two_from(n / 8),
                    power_of_two_from(busy_threads / std::max<std::int64_t>(1, rows))}),
          true};
}

/// How many of `n` elements a team sums at once where each of `blocks` groups has teams with as many: so that
/// there are enough groups for a large device, but enough elements for each thread, and not so many that
/// rounding errors grow.
inline std::int64_t summed_chunk(std::int64_t n, const RowTeams& teams, std::int64_t blocks) {
  constexpr std::int64_t wanted_groups = 2048, least = 16, most = 256;
  const std::int64_t parts = std::max<std::int64_t>(1, wanted_groups / blocks);
  return std::clamp((n + parts - 1) / parts, least * teams.threads, most * teams.threads);
}
/// The team that joins what so many chunks came to.
inline RowTeams joining_teams(std::int64_t chunks) {
  return {std::min<std::int64_t>(32, power_of_two_from(chunks)), false};
}

/// How many elements of a row each thread of a team keeps in registers, as the file's HELD; 0 where they are
/// more than there is room for. Of each, `operands` numbers of the compute type are kept.
inline std::int64_t held_elements(std::int64_t n, const RowTeams& teams, int operands, DType compute,
                                  const DeviceFacts& facts) {
  constexpr std::int64_t always = 16, register_bytes = 4;
  const std::int64_t bytes = operands * static_cast<std::int64_t>(item_size(compute));
  const std::int64_t held = power_of_two_from((n + teams.threads - 1) / teams.threads);
  return held <= always || held * bytes <= facts.held_registers * register_bytes ? held : 0;
}

}  // namespace rustorch::gpu
