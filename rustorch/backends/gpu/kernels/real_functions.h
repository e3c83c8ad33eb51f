// Functions of the op table's formulas for real numbers, in the kernel dialect. Text that the build embeds;
// it stands once for each type, between definitions of T, NAME(f) (f with the type's suffix), LIT(v) and INF.
FN T NAME(abs)(T x) { return NAME(fabs)(x); }
FN T NAME(round)(T x) { return NAME(rint)(x); }  // halves to the even one
FN bool NAME(is_infinite)(T x) { return NAME(fabs)(x) == INF; }
FN bool NAME(is_finite)(T x) { return x - x == LIT(0.0); }
FN bool NAME(sign_bit)(T x) { return NAME(copysign)(LIT(1.0), x) < LIT(0.0); }
FN T NAME(real)(T x) { return x; }
FN T NAME(imag)(T x) { return x == x ? LIT(0.0) : LIT(0.0); }
FN T NAME(conj)(T x) { return x; }
FN T NAME(angle)(T x) { return x < LIT(0.0) ? LIT(3.14159265358979323846) : x != x ? x : LIT(0.0); }
FN T NAME(complex_of)(T x, T y) { return y == y ? x : x; }
FN T NAME(polar)(T length, T angle) { return length * NAME(cos)(angle); }
// NaN in any operand wins.
FN T NAME(clamp)(T x, T low, T high) {
  T raised = x > low || x != x ? x : low;
  return raised < high || raised != raised ? raised : high;
}
// From the nearer end, so that weights 0 and 1 give the ends exactly.
FN T NAME(lerp)(T x, T y, T weight) {
  T d = y - x;
  return NAME(fabs)(weight) < LIT(0.5) ? x + weight * d : y - d * (LIT(1.0) - weight);
}
FN T NAME(trunc_divide)(T x, T y) { return NAME(trunc)(x / y); }
// The rest with the sign of y.
FN T NAME(remainder)(T x, T y) {
  T rest = NAME(fmod)(x, y);
  bool other_sign = (rest < LIT(0.0) && y > LIT(0.0)) || (rest > LIT(0.0) && y < LIT(0.0));
  return other_sign ? rest + y : rest;
}
// The quotient towards minus infinity, made from the exact rest as Python does.
FN T NAME(floor_divide)(T x, T y) {
  T rest = NAME(fmod)(x, y);
  bool other_sign = (rest < LIT(0.0) && y > LIT(0.0)) || (rest > LIT(0.0) && y < LIT(0.0));
  T exact = (x - rest) / y;
  T quotient = other_sign ? exact - LIT(1.0) : exact;
  T floored = NAME(floor)(quotient);
  T nearest = quotient - floored > LIT(0.5) ? floored + LIT(1.0) : floored;
  T signed_result = quotient == LIT(0.0) ? NAME(copysign)(LIT(0.0), x / y) : nearest;
  return y == LIT(0.0) ? x / y : signed_result;
}
FN T NAME(logaddexp)(T x, T y) {
  T top = x > y || x != x ? x : y;
  T sum = top + NAME(log1p)(NAME(exp)(-NAME(fabs)(x - y)));
  return NAME(is_infinite)(x) && x == y ? x : sum;
}
FN T NAME(logaddexp2)(T x, T y) {
  T top = x > y || x != x ? x : y;
  T sum = top + NAME(log1p)(NAME(exp2)(-NAME(fabs)(x - y))) * LIT(1.44269504088896340736);
  return NAME(is_infinite)(x) && x == y ? x : sum;
}
// log(1 + e^x), without overflow.
FN T NAME(softplus)(T x) { return (x > LIT(0.0) ? x : LIT(0.0)) + NAME(log1p)(NAME(exp)(-NAME(fabs)(x))); }
// 1 / (1 + e^-x), as precise where it is small.
FN T NAME(sigmoid)(T x) {
  T e = NAME(exp)(-NAME(fabs)(x));
  T share = e / (LIT(1.0) + e);
  return x < LIT(0.0) ? share : x != x ? x : LIT(1.0) - share;
}
FN T NAME(silu_backward)(T gradient, T x) {
  T s = NAME(sigmoid)(x);
  return gradient * s * (LIT(1.0) + x * (LIT(1.0) - s));
}
// x times the normal distribution's share below x; erfc keeps its digits where that is small.
FN T NAME(gelu)(T x) { return LIT(0.5) * x * NAME(erfc)(x * LIT(-0.70710678118654752440)); }
FN T NAME(gelu_backward)(T gradient, T x) {
  T share = LIT(0.5) * NAME(erfc)(x * LIT(-0.70710678118654752440));
  return gradient * (share + x * LIT(0.39894228040143267794) * NAME(exp)(LIT(-0.5) * x * x));
}
// 0.5 x (1 + tanh(u)) with u = sqrt(2/pi) (x + 0.044715 x^3), which is x sigmoid(2u).
FN T NAME(gelu_tanh)(T x) {
  return x * NAME(sigmoid)(LIT(1.59576912160573071176) * (x + LIT(0.044715) * x * x * x));
}
FN T NAME(gelu_tanh_backward)(T gradient, T x) {
  T scale = LIT(1.59576912160573071176);
  T s = NAME(sigmoid)(scale * (x + LIT(0.044715) * x * x * x));
  T slope = scale * (LIT(1.0) + LIT(0.134145) * x * x);
  T rest = s * (LIT(1.0) - s);
  return gradient * (s + (rest == LIT(0.0) ? LIT(0.0) : x * slope * rest));
}
// tanh(softplus(x)) is n / (n + 2) with n = e^x (e^x + 2).
FN T NAME(mish_part)(T x) {
  T e = NAME(exp)(x > LIT(20.0) ? LIT(20.0) : x);
  return e * (e + LIT(2.0));
}
FN T NAME(mish)(T x) {
  T n = NAME(mish_part)(x);
  return x * (n / (n + LIT(2.0)));
}
FN T NAME(mish_backward)(T gradient, T x) {
  T n = NAME(mish_part)(x);
  T t = n / (n + LIT(2.0));
  T rest = LIT(2.0) / (n + LIT(2.0));
  return gradient * (x > LIT(20.0) ? LIT(1.0) : t + x * NAME(sigmoid)(x) * rest * (LIT(1.0) + t));
}
// Reflection for x < 0, recurrence to 14, from there the asymptotic series with B(2k) / 2k.
FN T NAME(digamma)(T x) {
  T result = LIT(0.0);
  if (x == LIT(0.0)) return NAME(copysign)(LIT(1.0), -x) / LIT(0.0);
  if (!NAME(is_finite)(x)) return x > LIT(0.0) ? x : x - x;
  if (x < LIT(0.0)) {
    T whole = NAME(floor)(x);
    if (x == whole) return (x - x) / (x - x);
    result = LIT(-3.14159265358979323846) /
             NAME(tan)(LIT(3.14159265358979323846) * (x - NAME(floor)(x + LIT(0.5))));
    x = LIT(1.0) - x;
  }
  T numerator = LIT(0.0), denominator = LIT(1.0);
  for (; x < LIT(14.0); x += LIT(1.0)) {
    numerator = numerator * x + denominator;
    denominator *= x;
    if (denominator > LIT(1e30)) {
      numerator *= LIT(1e-30);
      denominator *= LIT(1e-30);
    }
  }
  T z = LIT(1.0) / (x * x);
  T series =
      z * (LIT(0.0833333333333333333333) -
           z * (LIT(0.00833333333333333333333) -
                z * (LIT(0.00396825396825396825397) -
                     z * (LIT(0.00416666666666666666667) -
                          z * (LIT(0.00757575757575757575758) -
                               z * (LIT(0.0210927960927960927961) - z * LIT(0.0833333333333333333333)))))));
  return result + (NAME(log)(x) - numerator / denominator - LIT(0.5) / x - series);
}
