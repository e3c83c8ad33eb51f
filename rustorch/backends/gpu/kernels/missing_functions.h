// Functions of f32 that a target's language lacks, in the kernel dialect. Text that the build embeds and that
// stands behind the prelude; what the prelude defines is left out.
#ifndef expm1_f32
// (u - 1) x / log(u) with u = e^x: the rounding errors of u cancel (Kahan).
FN f32 expm1_f32(f32 x) {
  f32 u = exp_f32(x);
  if (u == 1.0f) return x;
  if (u - 1.0f == -1.0f) return -1.0f;
  if (x > 80.0f) return u;
  return (u - 1.0f) * x / log_f32(u);
}
#endif
#ifndef log1p_f32
// log(u) x / (u - 1) with u = 1 + x: the rounding errors of u cancel (Kahan).
FN f32 log1p_f32(f32 x) {
  f32 u = 1.0f + x;
  if (u == 1.0f || !(u < INFINITY_F32)) return x;
  return log_f32(u) * (x / (u - 1.0f));
}
#endif
#ifndef hypot_f32
// Scaled by the larger one; an infinite part wins, even over NaN.
FN f32 hypot_f32(f32 x, f32 y) {
  f32 a = fabs_f32(x);
  f32 b = fabs_f32(y);
  if (a == INFINITY_F32 || b == INFINITY_F32) return INFINITY_F32;
  f32 larger = a > b || a != a ? a : b;
  f32 smaller = a > b || a != a ? b : a;
  if (larger == 0.0f) return 0.0f;
  f32 ratio = smaller / larger;
  return larger * sqrt_f32(1.0f + ratio * ratio);
}
#endif
#ifndef erf_f32
// As on the CPU (compute/simd/ops/transcendental): x plus x times a polynomial of x^2 up to 1, from there
// 1 - 2^-Q(x); both minimax.
FN f32 erf_f32(f32 x) {
  f32 a = fabs_f32(x);
  f32 s = x * x;
  f32 bounded = a > 4.0f ? 4.0f : a;
  f32 rest = 7.8758750626854883e-5f;
  f32 q = -0.000267720698f;
  if (a < 1.0f) {
    rest = fma_f32(rest, s, -0.00080168642871658695f);
    rest = fma_f32(rest, s, 0.005189087423433974f);
    rest = fma_f32(rest, s, -0.026854212010626412f);
    rest = fma_f32(rest, s, 0.11283594715160218f);
    rest = fma_f32(rest, s, -0.37612626666720331f);
    rest = fma_f32(rest, s, 0.12837916584835095f);
    return fma_f32(x, rest, x);
  }
  q = fma_f32(q, bounded, 0.00424090008f);
  q = fma_f32(q, bounded, -0.0314582066f);
  q = fma_f32(q, bounded, 0.148651066f);
  q = fma_f32(q, bounded, 0.920765497f);
  q = fma_f32(q, bounded, 1.6259748f);
  q = fma_f32(q, bounded, 0.0005103729f);
  return x != x ? x : copysign_f32(1.0f - exp2_f32(-q), x);
}
#endif
#ifndef erfc_f32
// From 0.8 on e^(-x^2) u P(t) with u = 1 / (a + 3.4), t = 1 - 6.8 u and a = x sqrt(2); P as in the CPU's
// GELU.
FN f32 erfc_f32(f32 x) {
  f32 z = fabs_f32(x);
  f32 bounded = z > 10.5f ? 10.5f : z;
  f32 square = bounded * bounded;
  f32 bell = exp_f32(-square);
  f32 u = 1.0f / fma_f32(bounded, 1.41421356237309504880f, 3.4f);
  f32 t = fma_f32(-6.8f, u, 1.0f);
  f32 p = 0.000136096308f;
  if (z < 0.8f) return 1.0f - erf_f32(x);
  bell = fma_f32(-bell, fma_f32(bounded, bounded, -square), bell);
  p = fma_f32(p, t, 0.000341994083f);
  p = fma_f32(p, t, -0.000791961151f);
  p = fma_f32(p, t, -0.00245697643f);
  p = fma_f32(p, t, 0.00762804019f);
  p = fma_f32(p, t, 0.0103766309f);
  p = fma_f32(p, t, -0.101905818f);
  p = fma_f32(p, t, 0.299455375f);
  p = fma_f32(p, t, -0.555578495f);
  p = fma_f32(p, t, 0.741770836f);
  p = 2.0f * bell * u * p;
  return x != x ? x : x < 0.0f ? 2.0f - p : p;
}
#endif
#ifndef lgamma_f32
// Of y > 0: from 8 on Stirling's series, below it the recurrence to a polynomial around 2 or 1, where the
// function crosses 0 (Chebyshev nodes).
FN f32 lgamma_of_positive_f32(f32 y) {
  f32 product = 1.0f;
  f32 t;
  f32 p;
  if (y >= 8.0f) {
    t = 1.0f / (y * y);
    p = (y - 0.5f) * (log_f32(y) - 1.0f) - 0.5f + 0.91893853320467274178f;
    return p + (0.0833333333333f - t * (0.00277777777778f - t * 0.000793650793651f)) / y;
  }
  if (y < 1.5f) {
    f32 logarithm = y < 0.5f ? log_f32(y) : 0.0f;
    t = y < 0.5f ? y : y - 1.0f;
    p = 0.166292782f;
    p = fma_f32(p, t, -0.177682882f);
    p = fma_f32(p, t, 0.0452779781f);
    p = fma_f32(p, t, -0.0505540164f);
    p = fma_f32(p, t, 0.107086707f);
    p = fma_f32(p, t, -0.118744583f);
    p = fma_f32(p, t, 0.124872636f);
    p = fma_f32(p, t, -0.143374466f);
    p = fma_f32(p, t, 0.169584351f);
    p = fma_f32(p, t, -0.207414359f);
    p = fma_f32(p, t, 0.270580379f);
    p = fma_f32(p, t, -0.400685179f);
    p = fma_f32(p, t, 0.822467035f);
    p = fma_f32(p, t, -0.577215666f);
    return fma_f32(p, t, 0.0f - logarithm);  // 0 of 1, not -0
  }
  for (; y > 2.5f; product *= y) y -= 1.0f;
  t = y - 2.0f;
  p = 0.000563159199f;
  p = fma_f32(p, t, -0.00131256238f);
  p = fma_f32(p, t, 0.00288196556f);
  p = fma_f32(p, t, -0.00736642185f);
  p = fma_f32(p, t, 0.0205812394f);
  p = fma_f32(p, t, -0.0673532657f);
  p = fma_f32(p, t, 0.32246703f);
  p = fma_f32(p, t, 0.422784343f);
  return fma_f32(p, t, product > 1.0f ? log_f32(product) : 0.0f);
}
// By reflection for x < 0. Near its zeros there the error is some 1e-6, and not a part of the result.
FN f32 lgamma_f32(f32 x) {
  f32 a = fabs_f32(x);
  if (x != x) return x;
  if (a == INFINITY_F32 || x == 0.0f) return INFINITY_F32;
  if (x > 0.0f) return lgamma_of_positive_f32(x);
  if (a == floor_f32(a)) return INFINITY_F32;
  return 1.14472988584940017414f -
         log_f32(fabs_f32(sin_f32(3.14159265358979323846f * (a - floor_f32(a + 0.5f))))) -
         lgamma_of_positive_f32(a) - log_f32(a);
}
#endif
