#include "rustorch/backends/gpu/index_checks.h"

#include <algorithm>

#include "rustorch/error/error.h"

namespace rustorch::gpu {

IndexChecks::Site IndexChecks::begin(const char* op, Checked what) {
  const std::lock_guard lock(mutex_);
  if (buffer_.data() == nullptr) {
    Buffer buffer(allocator_, sizeof(Found));
    const Found nothing{};
    executor_.write(buffer.data(), 0, &nothing, sizeof nothing);
    buffer_ = std::move(buffer);
  }
  const Op wanted{op, what};
  auto at = std::ranges::find(ops_, wanted);
  if (at == ops_.end()) at = ops_.insert(ops_.end(), wanted);
  pending_ = true;
  return {buffer_.data(), static_cast<std::int32_t>(at - ops_.begin())};
}

void IndexChecks::report() {
  const std::lock_guard lock(mutex_);
  if (!pending_) return;
  Found found{};
  executor_.read(buffer_.data(), 0, &found, sizeof found);
  pending_ = false;
  if (found.count == 0) return;
  const Found nothing{};
  executor_.write(buffer_.data(), 0, &nothing, sizeof nothing);
  const Op& op = ops_.at(static_cast<std::size_t>(found.op));
  RUSTORCH_CHECK(op.what == Checked::index, index_out_of_range,
                 "target {} of row {} is out of range for {} classes in op {}", found.index, found.row,
                 found.size, op.name);
  fail(ErrorCode::index_out_of_range, "index {} is out of bounds for dimension size {} in op {}", found.index,
       found.size, op.name);
}

}  // namespace rustorch::gpu
