#include <limits>

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/elementwise_gradients.h"
#include "rustorch/tensor/operations/reduction.h"

namespace rustorch {
namespace {

/// conj of an operand; real numbers are their own.
Operand conj_of(const Operand& x, Tensor& holder) {
  if (x.is_tensor()) {
    holder = conj(*x.tensor());
    return holder;
  }
  return std::conj(x.scalar().to<std::complex<double>>());
}

/// g · conj(y), for the chain rule of holomorphic functions.
Tensor times_conj(const Tensor& g, const Operand& y) {
  if (!y.is_tensor() && !y.scalar().is_complex()) return g * y;
  Tensor holder;
  return g * conj_of(y, holder);
}

}  // namespace

Tensor neg(const Tensor& x) {
  return with_gradient(elementwise(Op::neg, x), "neg", {&x}, [](const Tensor& g) { return -g; });
}
Tensor Tensor::operator-() const { return rustorch::neg(*this); }

Tensor add(const Operand& x, const Operand& y) {
  return with_gradient(elementwise(Op::add, x, y), "add", {x.tensor(), y.tensor()}, [](const Tensor& g) {
    return std::array{g, g};
  });
}

Tensor sub(const Operand& x, const Operand& y) {
  return with_gradient(elementwise(Op::sub, x, y), "sub", {x.tensor(), y.tensor()},
                       [](const Tensor& g, Needs needs) {
                         return std::array{g, needs[1] ? -g : Tensor()};
                       });
}

namespace {

/// alpha as the sum's dtype holds it: it has no say in that dtype.
Scalar alpha_in(DType common, const Scalar& alpha) {
  const bool fits = is_complex(common) ||
                    (!alpha.is_complex() && (is_differentiable(common) || !alpha.is_floating_point()));
  RUSTORCH_CHECK(fits, dtype_mismatch, "add, sub: alpha {} does not fit operands of dtype {}",
                 alpha.to_string(), common);
  return common == DType::bool_ ? Scalar(alpha.to<bool>()) : alpha;
}

}  // namespace

Tensor add(const Operand& x, const Operand& y, const Scalar& factor) {
  const Operand operands[] = {x, y};
  const Scalar alpha = alpha_in(elementwise_types(Op::add, operands).common, factor);
  return with_gradient(elementwise(Op::multiply_add, x, y, alpha), "add", {x.tensor(), y.tensor()},
                       [alpha](const Tensor& g, Needs needs) {
                         return std::array{g, needs[1] ? times_conj(g, alpha) : Tensor()};
                       });
}

Tensor sub(const Operand& x, const Operand& y, const Scalar& alpha) {
  const Operand operands[] = {x, y};
  static_cast<void>(elementwise_types(Op::sub, operands));  // refuses bool
  if (alpha.is_complex()) return add(x, y, -alpha.to<std::complex<double>>());
  return alpha.is_floating_point() ? add(x, y, -alpha.to<double>()) : add(x, y, -alpha.to<std::int64_t>());
}

Tensor mul(const Operand& x, const Operand& y) {
  return binary(
      Op::mul, x, y, [](const Tensor& g, Unused, const Operand& b) { return times_conj(g, b); },
      [](const Tensor& g, const Operand& a, Unused) { return times_conj(g, a); });
}

Tensor div(const Operand& x, const Operand& y) {
  return binary(
      Op::div, x, y,
      [](const Tensor& g, Unused, const Operand& b) {
        Tensor holder;
        return g / conj_of(b, holder);
      },
      [](const Tensor& g, const Operand& a, const Operand& b) {
        const Tensor quotient = div(div(a, b), b);
        return times_conj(-g, quotient);
      });
}

Tensor div(const Operand& x, const Operand& y, RoundingMode mode) {
  switch (mode) {
    case RoundingMode::none:
      return div(x, y);
    case RoundingMode::floor:
      return floor_divide(x, y);
    case RoundingMode::trunc:
      break;
  }
  return with_gradient(elementwise(Op::trunc_divide, x, y), "div", {x.tensor(), y.tensor()},
                       [](const Tensor& g) {
                         return std::array{zeros_like(g), zeros_like(g)};
                       });
}

Tensor floor_divide(const Operand& x, const Operand& y) {
  return with_gradient(elementwise(Op::floor_divide, x, y), "floor_divide", {x.tensor(), y.tensor()},
                       [](const Tensor& g) {
                         return std::array{zeros_like(g), zeros_like(g)};
                       });
}

Tensor remainder(const Operand& x, const Operand& y) {
  return binary(
      Op::remainder, x, y, [](const Tensor& g, Unused, Unused) { return g; },
      [](const Tensor& g, const Operand& a, const Operand& b) { return -g * floor_divide(a, b); });
}

Tensor fmod(const Operand& x, const Operand& y) {
  return binary(
      Op::fmod, x, y, [](const Tensor& g, Unused, Unused) { return g; },
      [](const Tensor& g, const Operand& a, const Operand& b) {
        return -g * div(a, b, RoundingMode::trunc);
      });
}

namespace {

/// x³, or 1/x² for -2, in one pass.
Tensor power_of_products(const Tensor& x, double exponent) {
  Program program;
  const Program::Register value = program.input(x.dtype(), compute_dtype(x.dtype()));
  const Program::Register squared = program.apply(Op::square, value);
  program.output(
      exponent == 3.0 ? program.apply(Op::mul, squared, value) : program.apply(Op::reciprocal, squared),
      x.dtype());
  return with_gradient(
      run_program(program, {&x, 1}, "pow"), "pow", {&x},
      [x = Saved(x), exponent](const Tensor& g) { return g * exponent * pow(*x, exponent - 1.0); });
}

/// Powers that are cheaper ops: the exponents 0, 0.5, 1, 2, 3, -0.5, -1, -2; undefined for others.
Tensor simple_power(const Tensor& x, const Scalar& exponent) {
  if (exponent.is_complex()) return {};
  const double power = exponent.to<double>();
  const bool keeps_dtype = !exponent.is_floating_point() || is_differentiable(x.dtype());
  if (power == 2.0 && keeps_dtype && x.dtype() != DType::bool_) return square(x);
  if (!is_differentiable(x.dtype())) return {};
  if (power == 0.0)  // of NaN too
    return with_gradient(ones_like(x), "pow", {&x}, [](const Tensor& g) { return zeros_like(g); });
  if (power == 1.0) return x.clone();
  if (is_floating_point(x.dtype()) && (power == 3.0 || power == -2.0)) return power_of_products(x, power);
  if (power == 0.5) return sqrt(x);
  if (power == -1.0) return reciprocal(x);
  if (power == -0.5) {
    return with_gradient(elementwise(Op::rsqrt, x), "pow", {&x},
                         [x = Saved(x)](const Tensor& g) { return times_conj(g, pow(*x, -1.5) * -0.5); });
  }
  return {};
}

/// Where a real exponent is at least 0: there powers of 0 are 0.
Tensor not_negative(const Tensor& exponent) {
  return exponent.is_complex() ? logical_and(imag(exponent) == 0, real(exponent) >= 0) : exponent >= 0;
}

}  // namespace

Tensor pow(const Operand& x, const Operand& y) {
  if (x.is_tensor() && !y.is_tensor()) {
    if (Tensor simple = simple_power(*x.tensor(), y.scalar()); simple.defined()) return simple;
    const DType dtype = x.tensor()->dtype();
    if (!is_differentiable(dtype) && !y.scalar().is_floating_point() && !y.scalar().is_complex() &&
        y.scalar().to<std::int64_t>() < 0) {
      fail_with_suggestion(ErrorCode::invalid_argument, "convert the base: x.to(float32)",
                           "pow: integers to negative integer powers have no integer result ({} of dtype {})",
                           y.scalar().to_string(), dtype);
    }
  }
  return binary(
      Op::pow, x, y,
      [](const Tensor& g, const Operand& a, const Operand& b) {
        if (!b.is_tensor()) {
          if (!b.scalar().to<bool>()) return zeros_like(g);
          const auto exponent = b.scalar().to<std::complex<double>>();
          const Scalar less =
              b.scalar().is_complex() ? Scalar(exponent - 1.0) : Scalar(exponent.real() - 1.0);
          return times_conj(g, mul(b, pow(a, less)));
        }
        // 0^0 has slope 0, not 0 · 0^-1.
        return where(*b.tensor() == 0, 0.0, times_conj(g, mul(b, pow(a, *b.tensor() - 1))));
      },
      [](const Tensor& g, const Operand& a, const Operand& b) {
        const Tensor power = pow(a, b);
        if (!a.is_tensor()) {
          const auto base = a.scalar().to<std::complex<double>>();
          if (base == 0.0) {
            return where(not_negative(*b.tensor()), 0.0,
                         g * power * -std::numeric_limits<double>::infinity());
          }
          const std::complex<double> logarithm = std::log(base);
          return logarithm.imag() == 0.0 || !power.is_complex()
                     ? times_conj(g, power * (base.real() > 0 ? logarithm.real()
                                                              : std::numeric_limits<double>::quiet_NaN()))
                     : times_conj(g, power * logarithm);
        }
        const Tensor zero_base = logical_and(*a.tensor() == 0, not_negative(*b.tensor()));
        return where(zero_base, 0.0, times_conj(g, power * log(*a.tensor())));
      });
}

Tensor square(const Tensor& x) {
  return unary_by_input(Op::square, x, [](const Tensor& g, const Tensor& a) { return times_conj(g * 2, a); });
}

Tensor reciprocal(const Tensor& x) {
  return unary_by_result(Op::reciprocal, x,
                         [](const Tensor& g, const Tensor& y) { return times_conj(-g, y * y); });
}

Tensor abs(const Tensor& x) {
  return unary_by_input(Op::abs, x, [](const Tensor& g, const Tensor& a) {
    if (!a.is_complex()) return g * sign(a);
    const Tensor length = abs(a);
    return g * where(length == 0, 0.0, a / length);
  });
}

Tensor sign(const Tensor& x) {
  return with_gradient(elementwise(Op::sign, x), "sign", {&x}, [](const Tensor& g) { return zeros_like(g); });
}

// ---- rounding: constant between jumps

Tensor floor(const Tensor& x) {
  return with_gradient(elementwise(Op::floor, x), "floor", {&x},
                       [](const Tensor& g) { return zeros_like(g); });
}
Tensor ceil(const Tensor& x) {
  return with_gradient(elementwise(Op::ceil, x), "ceil", {&x}, [](const Tensor& g) { return zeros_like(g); });
}
Tensor round(const Tensor& x) {
  return with_gradient(elementwise(Op::round, x), "round", {&x},
                       [](const Tensor& g) { return zeros_like(g); });
}
Tensor trunc(const Tensor& x) {
  return with_gradient(elementwise(Op::trunc, x), "trunc", {&x},
                       [](const Tensor& g) { return zeros_like(g); });
}
Tensor frac(const Tensor& x) {
  return with_gradient(elementwise(Op::frac, x), "frac", {&x}, [](const Tensor& g) { return g; });
}

// ---- extremes: equal operands share the gradient in maximum and minimum, the first takes it in fmax and
// fmin

namespace {

/// g where `wins` holds, half of it where the operands are equal.
Tensor share(const Tensor& g, const Tensor& wins, const Operand& a, const Operand& b) {
  return where(eq(a, b), g * 0.5, where(wins, g, 0.0));
}

}  // namespace

Tensor maximum(const Operand& x, const Operand& y) {
  return binary(
      Op::maximum, x, y,
      [](const Tensor& g, const Operand& a, const Operand& b) { return share(g, gt(a, b), a, b); },
      [](const Tensor& g, const Operand& a, const Operand& b) { return share(g, lt(a, b), a, b); });
}

Tensor minimum(const Operand& x, const Operand& y) {
  return binary(
      Op::minimum, x, y,
      [](const Tensor& g, const Operand& a, const Operand& b) { return share(g, lt(a, b), a, b); },
      [](const Tensor& g, const Operand& a, const Operand& b) { return share(g, gt(a, b), a, b); });
}

Tensor fmax(const Operand& x, const Operand& y) {
  const auto first_wins = [](const Operand& a, const Operand& b) { return logical_or(ge(a, b), ne(b, b)); };
  return binary(
      Op::fmax, x, y,
      [first_wins](const Tensor& g, const Operand& a, const Operand& b) {
        return where(first_wins(a, b), g, 0.0);
      },
      [first_wins](const Tensor& g, const Operand& a, const Operand& b) {
        return where(first_wins(a, b), 0.0, g);
      });
}

Tensor fmin(const Operand& x, const Operand& y) {
  const auto first_wins = [](const Operand& a, const Operand& b) { return logical_or(le(a, b), ne(b, b)); };
  return binary(
      Op::fmin, x, y,
      [first_wins](const Tensor& g, const Operand& a, const Operand& b) {
        return where(first_wins(a, b), g, 0.0);
      },
      [first_wins](const Tensor& g, const Operand& a, const Operand& b) {
        return where(first_wins(a, b), 0.0, g);
      });
}

Tensor clamp_min(const Tensor& x, const Operand& min) {
  return with_gradient(
      elementwise(Op::maximum, x, min), "clamp_min", {&x, min.tensor()},
      [x = Saved(x), min = SavedOperand(min)](const Tensor& g, Needs needs) {
        const Tensor inside = *x >= min;
        return std::array{where(inside, g, 0.0), needs[1] ? where(inside, 0.0, g) : Tensor()};
      });
}

Tensor clamp_max(const Tensor& x, const Operand& max) {
  return with_gradient(
      elementwise(Op::minimum, x, max), "clamp_max", {&x, max.tensor()},
      [x = Saved(x), max = SavedOperand(max)](const Tensor& g, Needs needs) {
        const Tensor inside = *x <= max;
        return std::array{where(inside, g, 0.0), needs[1] ? where(inside, 0.0, g) : Tensor()};
      });
}

Tensor clamp(const Tensor& x, std::optional<Scalar> min, std::optional<Scalar> max) {
  RUSTORCH_CHECK(min || max, invalid_argument, "clamp: at least one of min and max must be given");
  if (!max) return clamp_min(x, *min);
  if (!min) return clamp_max(x, *max);
  return with_gradient(elementwise(Op::clamp, x, *min, *max), "clamp", {&x},
                       [x = Saved(x), low = *min, high = *max](const Tensor& g) {
                         return where(logical_and(*x >= low, *x <= high), g, 0.0);
                       });
}

Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max) {
  return clamp_max(clamp_min(x, min), max);
}

// ---- combinations

Tensor lerp(const Tensor& start, const Tensor& end, const Operand& weight) {
  const bool by_ends = wants_gradient(start) || wants_gradient(end), by_weight = wants_gradient(weight);
  return with_gradient(elementwise(Op::lerp, start, end, weight), "lerp", {&start, &end, weight.tensor()},
                       [start = SavedOperand(start, by_weight), end = SavedOperand(end, by_weight),
                        weight = SavedOperand(weight, by_ends)](const Tensor& g, Needs needs) {
                         std::array<Tensor, 3> gradients;
                         if (needs[0]) gradients[0] = g - times_conj(g, weight);
                         if (needs[1]) gradients[1] = times_conj(g, weight);
                         if (needs[2]) gradients[2] = times_conj(g, sub(end, start));
                         return gradients;
                       });
}

Tensor addcmul(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& value) {
  const DType dtype = promote_types(input.dtype(), promote_types(a.dtype(), b.dtype()));
  const DType compute = compute_dtype(dtype);
  Program program;
  const auto x = program.input(input.dtype(), compute);
  const auto y = program.input(a.dtype(), compute);
  const auto z = program.input(b.dtype(), compute);
  const auto scaled = program.apply(Op::mul, y, program.scalar(value, compute));
  program.output(program.apply(Op::multiply_add, x, scaled, z), dtype);
  return with_gradient(run_program(program, std::array{input, a, b}, "addcmul"), "addcmul", {&input, &a, &b},
                       [a = SavedOperand(a, wants_gradient(b)), b = SavedOperand(b, wants_gradient(a)),
                        value](const Tensor& g, Needs needs) {
                         std::array<Tensor, 3> gradients{g};
                         if (needs[1]) gradients[1] = times_conj(g, mul(b, value));
                         if (needs[2]) gradients[2] = times_conj(g, mul(a, value));
                         return gradients;
                       });
}

Tensor addcdiv(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& value) {
  const DType dtype = promote_types(input.dtype(), promote_types(a.dtype(), b.dtype()));
  RUSTORCH_CHECK(is_differentiable(dtype), dtype_mismatch, "addcdiv needs floating point, not {}", dtype);
  const DType compute = compute_dtype(dtype);
  Program program;
  const auto x = program.input(input.dtype(), compute);
  const auto y = program.input(a.dtype(), compute);
  const auto z = program.input(b.dtype(), compute);
  const auto quotient = program.apply(Op::div, program.apply(Op::mul, y, program.scalar(value, compute)), z);
  program.output(program.apply(Op::add, x, quotient), dtype);
  return with_gradient(
      run_program(program, std::array{input, a, b}, "addcdiv"), "addcdiv", {&input, &a, &b},
      [a = SavedOperand(a, wants_gradient(b)), b = SavedOperand(b, wants_gradient(a) || wants_gradient(b)),
       value](const Tensor& g, Needs needs) {
        std::array<Tensor, 3> gradients{g};
        if (needs[1]) gradients[1] = times_conj(g, div(value, b));
        if (needs[2]) gradients[2] = times_conj(-g, div(mul(a, value), mul(b, b)));
        return gradients;
      });
}

Tensor copysign(const Operand& x, const Operand& y) {
  return binary(
      Op::copysign, x, y,
      [](const Tensor& g, const Operand& a, const Operand& b) {
        return where(eq(a, 0), 0.0, g * div(copysign(a, b), a));
      },
      [](const Tensor& g, Unused, Unused) { return zeros_like(g); });
}

Tensor heaviside(const Operand& x, const Operand& y) { return elementwise(Op::heaviside, x, y); }

Tensor hypot(const Operand& x, const Operand& y) {
  return binary(
      Op::hypot, x, y,
      [](const Tensor& g, const Operand& a, const Operand& b) { return g * div(a, hypot(a, b)); },
      [](const Tensor& g, const Operand& a, const Operand& b) { return g * div(b, hypot(a, b)); });
}

// ---- complex numbers

Tensor conj(const Tensor& x) {
  if (!x.is_complex()) return x;
  return with_gradient(elementwise(Op::conj, x), "conj", {&x}, [](const Tensor& g) { return conj(g); });
}

Tensor real(const Tensor& x) {
  if (!x.is_complex()) return x;
  return with_gradient(elementwise(Op::real, x), "real", {&x},
                       [dtype = x.dtype()](const Tensor& g) { return g.to(dtype); });
}

Tensor imag(const Tensor& x) {
  RUSTORCH_CHECK(x.is_complex(), dtype_mismatch, "imag needs a complex tensor, not {}", x.dtype());
  return with_gradient(elementwise(Op::imag, x), "imag", {&x},
                       [](const Tensor& g) { return g * std::complex<double>(0, 1); });
}

Tensor angle(const Tensor& x) {
  return unary_by_input(Op::angle, x, [](const Tensor& g, const Tensor& a) {
    if (!a.is_complex()) return zeros_like(g);
    // d angle = Im(dz / z): the gradient is i · z / |z|².
    const Tensor length = abs(a);
    return where(length == 0, 0.0, g * (a * std::complex<double>(0, 1)) / (length * length));
  });
}

namespace {

/// Two real operands into one complex result.
Tensor join_complex(Op op, const Tensor& x, const Tensor& y) {
  const DType dtype = promote_types(x.dtype(), y.dtype());
  RUSTORCH_CHECK(x.dtype() == y.dtype() && (dtype == DType::float32 || dtype == DType::float64),
                 dtype_mismatch, "{} needs two float32 or two float64 tensors, not {} and {}",
                 op_info(op).name, x.dtype(), y.dtype());
  const DType compute = complex_dtype(dtype);
  Program program;
  const auto a = program.input(x.dtype(), compute);
  const auto b = program.input(y.dtype(), compute);
  program.output(program.apply(op, a, b), compute);
  return run_program(program, std::array{x, y}, op_info(op).name.data());
}

}  // namespace

Tensor complex(const Tensor& re, const Tensor& im) {
  return with_gradient(join_complex(Op::complex, re, im), "complex", {&re, &im},
                       [](const Tensor& g, Needs needs) {
                         return std::array{needs[0] ? real(g) : Tensor(), needs[1] ? imag(g) : Tensor()};
                       });
}

Tensor polar(const Tensor& length, const Tensor& angle) {
  return with_gradient(join_complex(Op::polar, length, angle), "polar", {&length, &angle},
                       [length = Saved(length), angle = Saved(angle)](const Tensor& g, Needs needs) {
                         const Tensor direction = polar(ones_like(*length), *angle);
                         std::array<Tensor, 2> gradients;
                         if (needs[0]) gradients[0] = real(g * conj(direction));
                         if (needs[1]) {
                           gradients[1] = real(g * conj(direction * std::complex<double>(0, 1))) * *length;
                         }
                         return gradients;
                       });
}

}  // namespace rustorch
