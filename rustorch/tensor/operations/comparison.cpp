#include <limits>

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/reduction_core.h"

namespace rustorch {

Tensor eq(const Operand& x, const Operand& y) { return elementwise(Op::eq, x, y); }
Tensor ne(const Operand& x, const Operand& y) { return elementwise(Op::ne, x, y); }
Tensor lt(const Operand& x, const Operand& y) { return elementwise(Op::lt, x, y); }
Tensor le(const Operand& x, const Operand& y) { return elementwise(Op::le, x, y); }
Tensor gt(const Operand& x, const Operand& y) { return elementwise(Op::gt, x, y); }
Tensor ge(const Operand& x, const Operand& y) { return elementwise(Op::ge, x, y); }

Tensor logical_and(const Operand& x, const Operand& y) { return elementwise(Op::logical_and, x, y); }
Tensor logical_or(const Operand& x, const Operand& y) { return elementwise(Op::logical_or, x, y); }
Tensor logical_xor(const Operand& x, const Operand& y) { return elementwise(Op::logical_xor, x, y); }
Tensor logical_not(const Tensor& x) { return elementwise(Op::logical_not, x); }

Tensor bitwise_and(const Operand& x, const Operand& y) { return elementwise(Op::bitwise_and, x, y); }
Tensor bitwise_or(const Operand& x, const Operand& y) { return elementwise(Op::bitwise_or, x, y); }
Tensor bitwise_xor(const Operand& x, const Operand& y) { return elementwise(Op::bitwise_xor, x, y); }
Tensor bitwise_not(const Tensor& x) { return elementwise(Op::bitwise_not, x); }
Tensor bitwise_left_shift(const Operand& x, const Operand& y) {
  return elementwise(Op::bitwise_left_shift, x, y);
}
Tensor bitwise_right_shift(const Operand& x, const Operand& y) {
  return elementwise(Op::bitwise_right_shift, x, y);
}

Tensor isnan(const Tensor& x) { return elementwise(Op::isnan, x); }
Tensor isinf(const Tensor& x) { return elementwise(Op::isinf, x); }
Tensor isfinite(const Tensor& x) { return elementwise(Op::isfinite, x); }
Tensor isposinf(const Tensor& x) { return elementwise(Op::isposinf, x); }
Tensor isneginf(const Tensor& x) { return elementwise(Op::isneginf, x); }
Tensor signbit(const Tensor& x) { return elementwise(Op::signbit, x); }

Tensor where(const Tensor& condition, const Operand& x, const Operand& y) {
  RUSTORCH_CHECK(condition.dtype() == DType::bool_ || condition.dtype() == DType::uint8, dtype_mismatch,
                 "where: the condition must be bool, not {}", condition.dtype());
  // The condition has no say in the result's dtype.
  const Operand values[] = {x, y};
  const ElementwiseTypes types = elementwise_types(Op::add, values);
  Program program;
  TensorList inputs{condition};
  const auto load = [&](const Operand& operand) {
    if (!operand.is_tensor()) return program.scalar(operand.scalar(), types.compute);
    inputs.push_back(*operand.tensor());
    return program.input(operand.tensor()->dtype(), types.compute);
  };
  const auto c = program.input(condition.dtype(), types.compute);
  const auto a = load(x);
  const auto b = load(y);
  program.output(program.apply(Op::where, c, a, b), types.result);
  return with_gradient(run_program(program, inputs, "where"), "where", {x.tensor(), y.tensor()},
                       [condition = Saved(condition)](const Tensor& g, Needs needs) {
                         return std::array{needs[0] ? where(*condition, g, 0.0) : Tensor(),
                                           needs[1] ? where(*condition, 0.0, g) : Tensor()};
                       });
}

Tensor nan_to_num(const Tensor& x, double nan, std::optional<double> posinf, std::optional<double> neginf) {
  if (!is_floating_point(x.dtype())) return x.clone();
  const double largest = visit_dtype(x.dtype(), []<class T>(TypeTag<T>) -> double {
    if constexpr (std::is_same_v<T, Half>)
      return 65504.0;
    else if constexpr (std::is_same_v<T, BFloat16>)
      return 3.3895313892515355e38;
    else if constexpr (std::is_floating_point_v<T>)
      return static_cast<double>(std::numeric_limits<T>::max());
    else
      return 0.0;
  });
  const DType compute = compute_dtype(x.dtype());
  Program program;
  const auto value = program.input(x.dtype());
  // Infinities become the largest numbers by bounds, other numbers by tests.
  auto result = value;
  const auto bound = [&](Op op, double limit) {
    result = program.apply(op, result, program.scalar(limit, compute));
  };
  const auto replace = [&](Op test, double replacement) {
    result =
        program.apply(Op::where, program.apply(test, value), program.scalar(replacement, compute), result);
  };
  if (!posinf) bound(Op::minimum, largest);
  if (!neginf) bound(Op::maximum, -largest);
  if (posinf) replace(Op::isposinf, *posinf);
  if (neginf) replace(Op::isneginf, *neginf);
  replace(Op::isnan, nan);
  program.output(result, x.dtype());
  return with_gradient(run_program(program, std::array{x}, "nan_to_num"), "nan_to_num", {&x},
                       [x = Saved(x)](const Tensor& g) { return where(isfinite(*x), g, 0.0); });
}

Tensor isclose(const Tensor& x, const Tensor& y, double rtol, double atol, bool equal_nan) {
  RUSTORCH_CHECK(x.dtype() == y.dtype(), dtype_mismatch, "isclose: {} and {} are compared", x.dtype(),
                 y.dtype());
  const NoGrad no_grad;
  Tensor same = x == y;
  if (is_differentiable(x.dtype())) {
    const Tensor near = logical_and(abs(x - y) <= abs(y) * rtol + atol, isfinite(y));
    same = logical_or(same, near);
    if (equal_nan) same = logical_or(same, logical_and(isnan(x), isnan(y)));
  } else if (x.dtype() != DType::bool_) {
    const Tensor a = x.to(DType::float64);
    const Tensor b = y.to(DType::float64);
    same = logical_or(same, abs(a - b) <= abs(b) * rtol + atol);
  }
  return same;
}

bool allclose(const Tensor& x, const Tensor& y, double rtol, double atol, bool equal_nan) {
  return all(isclose(x, y, rtol, atol, equal_nan)).item<bool>();
}

bool equal(const Tensor& x, const Tensor& y) {
  if (!(x.shape() == y.shape())) return false;
  common_device("equal", {&x, &y});
  const DType compute = compute_dtype(promote_types(x.dtype(), y.dtype()));
  Program program;
  const auto a = program.input(x.dtype(), compute);
  const auto b = program.input(y.dtype(), compute);
  program.output(program.apply(Op::eq, a, b), DType::bool_);
  const ReduceForm form{.op = ReduceOp::all, .prologue = &program};
  return reduce(form, {&x, &y}, ReducedDims(x.shape(), {}, "equal"), false, DType::bool_).item<bool>();
}

}  // namespace rustorch
