#include "rustorch/backends/gpu/counts.h"

#include "rustorch/backends/gpu/launch.h"

namespace rustorch::gpu {
namespace {

struct Parameters {
  std::int64_t rows, length;
};

}  // namespace

void scan_counts(GpuBackend& backend, BufferHandle counts, std::int64_t rows, std::int64_t length) {
  const KernelSource source("scan_counts.h", DType::int32);
  backend.launch(source, "scan_counts", launch_for(rows, 1), {counts}, Parameters{rows, length});
}

}  // namespace rustorch::gpu
