#pragma once

#include <optional>

namespace rustorch::cli {

/// Sets the number of threads (where given) and keeps each helper thread of the OpenMP team on a processor of
/// its own: unbound, two threads sometimes share one for seconds. The calling thread stays free, as do the
/// loader's threads. Only the program does this; linking the library changes nothing of its host.
void prepare_threads(std::optional<int> count);

}  // namespace rustorch::cli
