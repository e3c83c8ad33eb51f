#include "rustorch/backends/gpu/dense_operand.h"

#include "rustorch/backends/gpu/transpose.h"

namespace rustorch::gpu {
namespace {

/// Room for a copy of a view, if it needs one.
Buffer room_for_copy(GpuBackend& backend, const View& view) {
  if (view.data == nullptr || view.layout->is_contiguous()) return {};
  return Buffer(backend.allocator(),
                static_cast<std::size_t>(view.layout->element_count()) * item_size(view.dtype));
}

}  // namespace

void copy_elements(GpuBackend& backend, const View& from, const View& to) {
  if (copy_transposed(backend, from, to)) return;
  backend.gather({.op = "copy", .base = from, .indices = {}, .out = to});  // bits: of every dtype
}

void fill_zero(GpuBackend& backend, const View& view) {
  Program program;
  program.output(program.scalar(0.0, compute_dtype(view.dtype)), view.dtype);
  backend.elementwise(program, {}, {&view, 1});
}

DenseInput::DenseInput(GpuBackend& backend, const View& view)
    : view_(view), copy_(room_for_copy(backend, view)) {
  if (copy_.data() == nullptr) return;
  const Layout dense = Layout::contiguous(view.layout->shape);
  copy_elements(backend, view, {copy_.data(), &dense, view.dtype});
}

DenseOutput::DenseOutput(GpuBackend& backend, const View& view)
    : backend_(backend), view_(view), copy_(room_for_copy(backend, view)) {}

void DenseOutput::finish() {
  if (copy_.data() == nullptr) return;
  const Layout dense = Layout::contiguous(view_.layout->shape);
  copy_elements(backend_, {copy_.data(), &dense, view_.dtype}, view_);
}

}  // namespace rustorch::gpu
