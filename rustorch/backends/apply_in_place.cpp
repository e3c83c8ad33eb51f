#include "rustorch/backends/apply_in_place.h"

namespace rustorch {

void apply_in_place(ComputeBackend& backend, Op op, const View& view) {
  Program program;
  program.output(program.apply(op, program.input(view.dtype)), view.dtype);
  backend.elementwise(program, {&view, 1}, {&view, 1});
}

}  // namespace rustorch
