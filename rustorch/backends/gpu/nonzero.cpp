#include "rustorch/backends/gpu/counts.h"
#include "rustorch/backends/gpu/dense_operand.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/backends/gpu/struct_bytes.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {

void GpuBackend::nonzero(const View& input, const View& out) {
  const Layout& layout = *input.layout;
  const std::int64_t count = layout.element_count();
  if (out.layout->element_count() == 0) return;
  const std::int64_t blocks = (count + counted_block - 1) / counted_block;
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  RUSTORCH_CHECK(count <= most, unsupported, "nonzero on {} takes at most {} elements, not {}", device_, most,
                 count);

  const DenseInput in(*this, input);
  DenseOutput positions(*this, out);
  const Buffer counts(allocator_, static_cast<std::size_t>(blocks) * sizeof(std::uint32_t));
  KernelSource source("nonzero.h", compute_dtype(input.dtype));
  source.storage("IN", input.dtype).define("RANK", static_cast<std::int64_t>(layout.rank()));
  StructBytes parameters;
  for (const std::int64_t value : {in.offset(), positions.offset(), count, blocks}) parameters.add(value);
  for (const std::int64_t size : layout.shape) parameters.add(size);
  parameters.finish();
  const BufferHandle buffers[] = {in.buffer(), counts.data(), positions.buffer()};
  const LaunchShape shape = launch_for(blocks, 1);
  launch_bytes(source, "count_nonzero", shape, buffers, parameters.data(), parameters.size());
  scan_counts(*this, counts.data(), 1, blocks);
  launch_bytes(source, "write_nonzero", shape, buffers, parameters.data(), parameters.size());
  positions.finish();
}

}  // namespace rustorch::gpu
