#pragma once

#include "rustorch/backends/gpu/parameter_types.h"
#include "rustorch/backends/gpu/row_teams.h"
#include "rustorch/backends/loop_nest.h"

namespace rustorch::gpu {

/// The rows along a dim of dense operands: row i · inner + j of [outer, n, inner].
struct DenseRows {
  DenseRows(const View& view, std::size_t dim) : n(dim_size(view, dim)) {
    const Shape& shape = view.layout->shape;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      if (d != dim) rows *= shape[d];
      if (d > dim) inner *= shape[d];
    }
  }

  std::int64_t rows = 1, n, inner = 1;
};

/// How rows are cut into chunks where they are few and long, so that all of a device takes part. Follows from
/// shapes alone.
struct RowChunks {
  RowChunks(const DenseRows& rows, const RowTeams& teams, std::int64_t least_of_thread,
            std::int64_t most_chunks)
      : chunk(rows.n) {
    constexpr std::int64_t few_groups = 132, wanted_groups = 1056;
    const std::int64_t groups = (rows.rows + teams.rows_of_group() - 1) / teams.rows_of_group();
    const std::int64_t least = teams.threads * least_of_thread;
    if (groups >= few_groups || rows.n < 2 * least) return;
    const std::int64_t wanted = std::min({wanted_groups / groups, rows.n / least, most_chunks});
    chunk = (rows.n + wanted - 1) / wanted;
    chunks = (rows.n + chunk - 1) / chunk;
  }

  std::int64_t chunk, chunks = 1;
};

}  // namespace rustorch::gpu
