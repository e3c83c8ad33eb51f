#include "rustorch/tensor/operations/reduction_core.h"

#include <array>

#include "rustorch/backends/runtime.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {

ReducedDims::ReducedDims(const Shape& shape, const Dims& dims, const char* op) : kept_(shape) {
  RUSTORCH_CHECK(shape.size() <= max_rank, unsupported, "{}: tensors of more than {} dims cannot be reduced",
                 op, max_rank);
  if (dims.all()) {
    for (std::size_t dim = 0; dim < shape.size(); ++dim) reduce(dim);
  }
  for (const std::int64_t listed : dims.list()) {
    const std::size_t dim = normalize_dim(listed, shape.size(), op);
    if (shape.empty()) continue;  // dims 0 and -1 of a tensor without dims: nothing to reduce
    RUSTORCH_CHECK(!reduced_[dim], invalid_argument, "{}: dim {} is listed twice", op, dim);
    reduce(dim);
  }
  dropped_ = reduced_;
}

ReducedDims ReducedDims::broadcast_from(const Shape& to, const Shape& shape) {
  ReducedDims dims(shape);
  const std::size_t lead = shape.size() - to.size();
  for (std::size_t dim = 0; dim < shape.size(); ++dim) {
    if (dim < lead || (to[dim - lead] == 1 && shape[dim] != 1)) dims.reduce(dim);
    dims.dropped_[dim] = dim < lead;
  }
  return dims;
}

void ReducedDims::reduce(std::size_t dim) {
  reduced_[dim] = true;
  count_ *= kept_[dim];
  kept_[dim] = 1;
}

Dims ReducedDims::list() const {
  std::vector<std::int64_t> dims;
  for (std::size_t dim = 0; dim < kept_.size(); ++dim) {
    if (reduced_[dim]) dims.push_back(static_cast<std::int64_t>(dim));
  }
  return dims;
}

ReducedResult::ReducedResult(const Tensor& x, const ReducedDims& dims, bool keepdim, DType dtype)
    : kept(Layout::dense_like(dims.kept_shape(), x.layout())) {
  Layout layout = kept;
  if (!keepdim) {
    layout.shape.resize(0);
    layout.strides.resize(0);
    for (std::size_t dim = 0; dim < kept.rank(); ++dim) {
      if (dims.drops(dim)) continue;
      layout.shape.push_back(kept.shape[dim]);
      layout.strides.push_back(kept.strides[dim]);
    }
  }
  tensor = allocate(layout, dtype, x.device());
}

Tensor reduce(const ReduceForm& form, std::initializer_list<const Tensor*> inputs, const ReducedDims& dims,
              bool keepdim, DType result) {
  const Tensor& first = **inputs.begin();
  ReducedResult out(first, dims, keepdim, result);
  if (out.tensor.numel() == 0) return std::move(out.tensor);
  std::array<View, Program::max_inputs> views;
  std::size_t count = 0;
  for (const Tensor* input : inputs) views[count++] = input->view_for_read();
  backend_for(first.device())
      .reduce({.op = form.op,
               .inputs = {views.data(), count},
               .out = out.view(),
               .prologue = form.prologue,
               .epilogue = form.epilogue,
               .correction = form.correction});
  return std::move(out.tensor);
}

Program epilogue_of(Op op, DType reduced, DType result, std::optional<double> number) {
  Program program;
  const DType compute = compute_dtype(reduced);
  const Program::Register value = program.input(reduced, compute);
  program.output(
      number ? program.apply(op, value, program.scalar(*number, compute)) : program.apply(op, value), result);
  return program;
}

Tensor spread(const Tensor& g, const Shape& kept, const Shape& shape) {
  return g.reshape(kept).expand(shape);
}

Tensor conjugate(const Tensor& x) { return x.is_complex() ? conj(x) : x; }

void check_floating(const Tensor& x, const char* op, bool complex_too) {
  if (x.is_floating_point() || (complex_too && x.is_complex())) return;
  if (x.is_complex()) {
    fail_with_suggestion(ErrorCode::dtype_mismatch, "take abs(x), or real(x) and imag(x)",
                         "{} is not defined for {}", op, x.dtype());
  }
  fail_with_suggestion(ErrorCode::dtype_mismatch, "use x.to(float32)", "{} needs floating point: {}", op,
                       x.dtype());
}

void check_ordered(const Tensor& x, const char* op) {
  if (!x.is_complex()) return;
  fail_with_suggestion(ErrorCode::dtype_mismatch, "take abs(x), or real(x) and imag(x)",
                       "{} is not defined for {}: complex numbers have no order", op, x.dtype());
}

}  // namespace rustorch
