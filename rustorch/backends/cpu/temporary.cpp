#include "rustorch/backends/cpu/temporary.h"

#include "rustorch/backends/runtime.h"

namespace rustorch::cpu {

void copy_view(const View& from, const View& to) {
  if (to.layout->element_count() == 0) return;
  Program program;
  // Storing converts from the source's type: a cast before it would make 0.5 false on the way to bool.
  program.output(program.input(from.dtype), to.dtype);
  cpu_backend().elementwise(program, {&from, 1}, {&to, 1});
}

void fill_zero(const View& view) {
  if (view.layout->element_count() == 0) return;
  Program program;
  program.output(program.scalar(Scalar(0), compute_dtype(view.dtype)), view.dtype);
  cpu_backend().elementwise(program, {}, {&view, 1});
}

Operand::Operand(const View& view, DType dtype, Layout layout, bool fits, Uninitialized) : view_(view) {
  if (fits) return;
  layout_ = std::move(layout);
  const auto count = static_cast<std::size_t>(layout_.element_count());
  buffer_ = Buffer(cpu_allocator(), std::max<std::size_t>(1, count * item_size(dtype)));
  view_ = {buffer_.data(), &layout_, dtype};
}

Operand::Operand(const View& view, DType dtype, Layout layout, bool fits)
    : Operand(view, dtype, std::move(layout), fits, Uninitialized{}) {
  if (!fits) copy_view(view, view_);
}

}  // namespace rustorch::cpu
