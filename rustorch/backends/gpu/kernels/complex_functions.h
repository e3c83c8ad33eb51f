// Functions of the op table's formulas for complex numbers, in the kernel dialect, with C99's special values.
// Text that the build embeds; it stands behind complex_numbers.h and between the same definitions, and those
// of INF and of the type's limits: EXP_MOST, from where e^x may overflow; FLAT, from where tanh is 1; LARGE,
// above which sums and roots are scaled; EPSILON.
FN bool NAME(is_infinite)(T x) { return REAL(fabs)(x.re) == INF || REAL(fabs)(x.im) == INF; }
FN bool NAME(is_finite)(T x) { return x.re - x.re == LIT(0.0) && x.im - x.im == LIT(0.0); }
FN T NAME(abs)(T x) { return NAME(make)(REAL(hypot)(x.re, x.im), LIT(0.0)); }
FN T NAME(angle)(T x) { return NAME(make)(REAL(atan2)(x.im, x.re), LIT(0.0)); }
FN T NAME(polar)(T length, T angle) {
  return NAME(make)(length.re * REAL(cos)(angle.re), length.re * REAL(sin)(angle.re));
}
// From the nearer end, so that weights 0 and 1 give the ends exactly.
FN T NAME(lerp)(T x, T y, T weight) {
  T d = NAME(subtract)(y, x);
  if (weight.re * weight.re + weight.im * weight.im < LIT(0.25))
    return NAME(add)(x, NAME(multiply)(weight, d));
  return NAME(subtract)(y, NAME(multiply)(d, NAME(subtract)(NAME(make)(LIT(1.0), LIT(0.0)), weight)));
}

// The length times e^(x + iy), where e^x alone may overflow.
FN_CALL T NAME(scaled_exp)(R length, R x, R y) {
  R cosine = length * REAL(cos)(y);
  R sine = length * REAL(sin)(y);
  R e;
  for (i32 k = 0; k < 2 && x > EXP_MOST; ++k) {
    cosine *= REAL(exp)(EXP_MOST);
    sine *= REAL(exp)(EXP_MOST);
    x -= EXP_MOST;
  }
  e = REAL(exp)(x);
  return NAME(make)(e * cosine, e * sine);
}
FN_CALL T NAME(exp)(T z) {
  if (z.im == LIT(0.0)) return NAME(make)(REAL(exp)(z.re), z.im);
  if (z.im - z.im != LIT(0.0)) {
    if (z.re == INF) return NAME(make)(INF, z.im - z.im);
    if (z.re == -INF) return NAME(make)(LIT(0.0), REAL(copysign)(LIT(0.0), z.im));
  }
  if (z.re == INF) return NAME(make)(INF * REAL(cos)(z.im), INF * REAL(sin)(z.im));
  return NAME(scaled_exp)(LIT(1.0), z.re, z.im);
}
FN T NAME(exp2)(T z) {
  return NAME(exp)(NAME(make)(z.re * LIT(0.69314718055994530942), z.im * LIT(0.69314718055994530942)));
}
// e^a cos b - 1 = (e^a - 1) cos b - 2 sin^2(b/2), which does not cancel.
FN T NAME(expm1)(T z) {
  R half_sine = REAL(sin)(z.im / LIT(2.0));
  return NAME(make)(REAL(expm1)(z.re) * REAL(cos)(z.im) - LIT(2.0) * half_sine * half_sine,
                    REAL(exp)(z.re) * REAL(sin)(z.im));
}
FN T NAME(sigmoid)(T z) {
  T one = NAME(make)(LIT(1.0), LIT(0.0));
  return NAME(divide)(one, NAME(add)(one, NAME(exp)(NAME(negate)(z))));
}

// 2 c + a^2 + b^2, which may cancel (c is -1/2 or a): what is lost in squares and sums is added at the end.
FN R NAME(excess)(R c, R a, R b) {
  R first = a * a;
  R second = b * b;
  R lost = REAL(fma)(a, a, -first) + REAL(fma)(b, b, -second);
  R twice = LIT(2.0) * c;
  R larger = REAL(fabs)(twice) > first ? twice : first;
  R smaller = REAL(fabs)(twice) > first ? first : twice;
  R sum = larger + smaller;
  R total = sum + second;
  R part = total - sum;
  lost += smaller - (sum - larger);
  lost += (sum - (total - part)) + (second - part);
  return total + lost;
}
// log |x + iy|
FN_CALL R NAME(log_length)(R x, R y) {
  R a = REAL(fabs)(x);
  R b = REAL(fabs)(y);
  R l = a > b ? a : b;
  R s = a > b ? b : a;
  R scale = LIT(1.0);
  if (l >= LIT(0.5) && l < LIT(1.5)) return LIT(0.5) * REAL(log1p)(NAME(excess)(LIT(-0.5), l, s));
  if (s == LIT(0.0)) return REAL(log)(l);  // rounded once: powers multiply what is lost
  if (l > LARGE) scale = LIT(0.25);
  if (l < LIT(1e-30)) scale = LIT(3.2451855365842672678e32);  // 2^108
  return REAL(log)(REAL(hypot)(l * scale, s * scale)) - REAL(log)(scale);
}
FN T NAME(log)(T z) { return NAME(make)(NAME(log_length)(z.re, z.im), REAL(atan2)(z.im, z.re)); }
FN T NAME(log2)(T z) {
  T w = NAME(log)(z);
  return NAME(make)(w.re / LIT(0.69314718055994530942), w.im / LIT(0.69314718055994530942));
}
FN T NAME(log10)(T z) {
  T w = NAME(log)(z);
  return NAME(make)(w.re / LIT(2.30258509299404568402), w.im / LIT(2.30258509299404568402));
}
// Where 1 + a is not exact, |1 + z|^2 - 1 is made of a and b. Beyond 1 it is the logarithm of the sum 1 + z,
// whose imaginary part is not -0.
FN T NAME(log1p)(T z) {
  R one_more = LIT(1.0) + z.re;
  bool small = REAL(fabs)(z.re) <= LIT(1.0) && REAL(fabs)(z.im) <= LIT(1.0);
  R length = small && z.re > LIT(-0.5) ? LIT(0.5) * REAL(log1p)(NAME(excess)(z.re, z.re, z.im))
                                       : NAME(log_length)(one_more, z.im);
  return NAME(make)(length, REAL(atan2)(small ? z.im : z.im + LIT(0.0), one_more));
}
FN T NAME(pow)(T base, T exponent) { return NAME(exp)(NAME(multiply)(exponent, NAME(log)(base))); }

FN_CALL T NAME(sqrt)(T z) {
  R a = REAL(fabs)(z.re);
  R b = REAL(fabs)(z.im);
  R root = LIT(1.0);
  R along;
  R across;
  if (b == INF) return NAME(make)(INF, z.im);
  if (a == INF) {
    R rest = z.im == z.im ? LIT(0.0) : z.im;
    return z.re < LIT(0.0) ? NAME(make)(rest, REAL(copysign)(INF, z.im))
                           : NAME(make)(INF, z.im == z.im ? REAL(copysign)(LIT(0.0), z.im) : z.im);
  }
  if (a == LIT(0.0) && b == LIT(0.0)) return NAME(make)(LIT(0.0), z.im);
  if (a > LARGE || b > LARGE) {
    a *= LIT(0.0625);
    b *= LIT(0.0625);
    root = LIT(4.0);
  } else if (a < LIT(1e-30) && b < LIT(1e-30)) {
    a *= LIT(3.2451855365842672678e32);
    b *= LIT(3.2451855365842672678e32);
    root = LIT(5.5511151231257827021e-17);  // 2^-54
  }
  along = REAL(sqrt)(LIT(0.5) * (a + REAL(hypot)(a, b)));
  across = root * (b / (LIT(2.0) * along));
  along *= root;
  return z.re < LIT(0.0) ? NAME(make)(across, REAL(copysign)(along, z.im))
                         : NAME(make)(along, REAL(copysign)(across, z.im));
}

// Hyperbolic functions; the trigonometric ones are those of i z.
FN_CALL T NAME(sinh)(T z) {
  R a = REAL(fabs)(z.re);
  if (z.im == LIT(0.0)) return NAME(make)(REAL(sinh)(z.re), z.im);
  if (z.im - z.im != LIT(0.0) && (a == INF || a == LIT(0.0))) return NAME(make)(z.re, z.im - z.im);
  if (a == INF) return NAME(make)(z.re * REAL(cos)(z.im), INF * REAL(sin)(z.im));
  if (a > EXP_MOST) {
    T halved = NAME(scaled_exp)(LIT(0.5), a, z.im);
    return NAME(make)(z.re < LIT(0.0) ? -halved.re : halved.re, halved.im);
  }
  return NAME(make)(REAL(sinh)(z.re) * REAL(cos)(z.im), REAL(cosh)(z.re) * REAL(sin)(z.im));
}
FN_CALL T NAME(cosh)(T z) {
  R a = REAL(fabs)(z.re);
  R sign = REAL(copysign)(LIT(1.0), z.re);
  if (z.im == LIT(0.0)) return NAME(make)(REAL(cosh)(z.re), z.im * sign);
  if (z.im - z.im != LIT(0.0) && a == LIT(0.0))
    return NAME(make)(z.im - z.im, REAL(copysign)(LIT(0.0), z.re));
  if (z.im - z.im != LIT(0.0) && a == INF) return NAME(make)(INF, z.im - z.im);
  if (a == INF) return NAME(make)(INF * REAL(cos)(z.im), z.re * REAL(sin)(z.im));
  if (a > EXP_MOST) {
    T halved = NAME(scaled_exp)(LIT(0.5), a, z.im);
    return NAME(make)(halved.re, sign * halved.im);
  }
  return NAME(make)(REAL(cosh)(z.re) * REAL(cos)(z.im), REAL(sinh)(z.re) * REAL(sin)(z.im));
}
// Kahan's: by the tangent of y and the sine of x, which keep their digits.
FN_CALL T NAME(tanh)(T z) {
  R sign = REAL(copysign)(LIT(1.0), z.re);
  R t;
  R beta;
  R s;
  R divisor;
  if (REAL(fabs)(z.re) == INF)
    return NAME(make)(sign,
                      REAL(copysign)(LIT(0.0), z.im - z.im == LIT(0.0) ? REAL(sin)(LIT(2.0) * z.im) : z.im));
  if (z.im == LIT(0.0)) return NAME(make)(REAL(tanh)(z.re), z.im);
  if (z.im - z.im != LIT(0.0)) return NAME(make)(z.re == LIT(0.0) ? z.re : z.im - z.im, z.im - z.im);
  if (REAL(fabs)(z.re) > FLAT) {
    R e = REAL(exp)(-REAL(fabs)(z.re));
    return NAME(make)(sign, LIT(4.0) * REAL(sin)(z.im) * REAL(cos)(z.im) * e * e);
  }
  t = REAL(tan)(z.im);
  beta = LIT(1.0) + t * t;
  s = REAL(sinh)(z.re);
  divisor = LIT(1.0) + beta * s * s;
  return NAME(make)(beta * REAL(sqrt)(LIT(1.0) + s * s) * s / divisor, t / divisor);
}
FN T NAME(sin)(T z) {
  T w = NAME(sinh)(NAME(make)(-z.im, z.re));
  return NAME(make)(w.im, -w.re);
}
FN T NAME(cos)(T z) { return NAME(cosh)(NAME(make)(-z.im, z.re)); }
FN T NAME(tan)(T z) {
  T w = NAME(tanh)(NAME(make)(-z.im, z.re));
  return NAME(make)(w.im, -w.re);
}

// Inverses. Kahan's arc sine and cosine: by the square roots of 1 - z and 1 + z, whose product may overflow.
FN R NAME(arc_imaginary)(T z, R product) {
  bool large = REAL(fabs)(z.re) > LARGE || REAL(fabs)(z.im) > LARGE;
  return large ? NAME(log_length)(z.re, z.im) + LIT(0.69314718055994530942) : REAL(asinh)(product);
}
FN_CALL T NAME(asin)(T z) {
  T root_less;
  T root_more;
  if (!(NAME(is_finite)(z))) {
    R a = REAL(fabs)(z.re);
    if (a == INF) {
      R angle = REAL(fabs)(z.im) == INF ? LIT(0.78539816339744830962) : LIT(1.57079632679489661923);
      return NAME(make)(z.im == z.im ? REAL(copysign)(angle, z.re) : z.im, REAL(copysign)(INF, z.im));
    }
    if (REAL(fabs)(z.im) == INF)
      return NAME(make)(z.re == z.re ? REAL(copysign)(LIT(0.0), z.re) : z.re, z.im);
    return NAME(make)(a == LIT(0.0) ? z.re : z.re + z.im, z.re + z.im);
  }
  root_less = NAME(sqrt)(NAME(make)(LIT(1.0) - z.re, -z.im));
  root_more = NAME(sqrt)(NAME(make)(LIT(1.0) + z.re, z.im));
  return NAME(make)(
      REAL(atan2)(z.re, root_less.re * root_more.re - root_less.im * root_more.im),
      REAL(copysign)(NAME(arc_imaginary)(z, root_less.re * root_more.im - root_less.im * root_more.re),
                     z.im));
}
FN_CALL T NAME(acos)(T z) {
  T root_less;
  T root_more;
  if (!(NAME(is_finite)(z))) {
    T sine = NAME(asin)(z);
    return NAME(make)(LIT(1.57079632679489661923) - sine.re, -sine.im);
  }
  root_less = NAME(sqrt)(NAME(make)(LIT(1.0) - z.re, -z.im));
  root_more = NAME(sqrt)(NAME(make)(LIT(1.0) + z.re, z.im));
  return NAME(make)(
      LIT(2.0) * REAL(atan2)(root_less.re, root_more.re),
      REAL(copysign)(NAME(arc_imaginary)(z, root_more.re * root_less.im - root_more.im * root_less.re),
                     -z.im));
}
FN T NAME(asinh)(T z) {
  T w = NAME(asin)(NAME(make)(-z.im, z.re));
  return NAME(make)(w.im, -w.re);
}
FN T NAME(acosh)(T z) {
  T w = NAME(acos)(z);
  return REAL(copysign)(LIT(1.0), z.im) < LIT(0.0) ? NAME(make)(w.im, -w.re) : NAME(make)(-w.im, w.re);
}
// log((1 + z) / (1 - z)) / 2, without cancellation.
FN_CALL T NAME(atanh)(T z) {
  R a = REAL(fabs)(z.re);
  R b = REAL(fabs)(z.im);
  R right_angle = REAL(copysign)(LIT(1.57079632679489661923), z.im);
  R zero = REAL(copysign)(LIT(0.0), z.re);
  R away = LIT(1.0) - a;  // 1 - |x|
  R near;
  R square;
  R l;
  R s;
  if (b == INF) return NAME(make)(zero, right_angle);
  if (a == INF) return NAME(make)(zero, z.im == z.im ? right_angle : z.im);
  if (z.re != z.re || z.im != z.im) return NAME(make)(a == LIT(0.0) ? z.re : z.re + z.im, z.re + z.im);
  if (a == LIT(0.0) && b == LIT(0.0)) return z;
  if (a >= LIT(16.0) / EPSILON || b >= LIT(16.0) / EPSILON) {
    R length;
    if (b <= LIT(1.0)) return NAME(make)(LIT(1.0) / z.re, right_angle);
    if (a <= LIT(1.0)) return NAME(make)(z.re / b / b, right_angle);
    length = REAL(hypot)(z.re / LIT(2.0), z.im / LIT(2.0));
    return NAME(make)(z.re / length / length / LIT(4.0), right_angle);
  }
  if (a == LIT(1.0) && b < EPSILON * EPSILON) {
    near = LIT(0.5) * (LIT(0.69314718055994530942) - REAL(log)(b));
  } else {
    square = b < EPSILON * EPSILON ? LIT(0.0) : b * b;
    near = LIT(0.25) * REAL(log1p)(LIT(4.0) * a / (away * away + square));
  }
  l = a > b ? a : b;
  s = a > b ? b : a;
  if (s < LIT(0.5) * EPSILON) {
    square = (LIT(1.0) - l) * (LIT(1.0) + l);
  } else if (l >= LIT(0.5) && l < LIT(1.5)) {
    square = -NAME(excess)(LIT(-0.5), l, s);
  } else {
    square = (LIT(1.0) - l) * (LIT(1.0) + l) - s * s;
  }
  if (square == LIT(0.0)) square = LIT(0.0);  // not -0, which atan2 tells apart
  return NAME(make)(REAL(copysign)(near, z.re), LIT(0.5) * REAL(atan2)(LIT(2.0) * z.im, square));
}
FN T NAME(atan)(T z) {
  T w = NAME(atanh)(NAME(make)(-z.im, z.re));
  return NAME(make)(w.im, -w.re);
}
