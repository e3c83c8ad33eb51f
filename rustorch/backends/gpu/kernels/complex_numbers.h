// Complex numbers in the kernel dialect, which has no operators for them. Text that the build embeds; it
// stands once for each type, between definitions of T, NAME(f) (f with the type's suffix), R (the parts'
// type), REAL(f) (f with that type's suffix), LIT(v) (a literal of it) and BYTES; and of NARROW, the complex
// type with less precise parts, where that stands before.
typedef struct ALIGNED(BYTES) {
  R re, im;
} T;
FN T NAME(make)(R re, R im) {
  T z;
  z.re = re;
  z.im = im;
  return z;
}
FN T NAME(value)(T m) { return m; }
FN T NAME(memory)(T v) { return v; }
FN T NAME(load)(const GLOBAL T* p, i64 i) { return p[i]; }
FN void NAME(store)(GLOBAL T* p, i64 i, T v) { p[i] = v; }
#ifdef NARROW
FN T NAME(widened)(NARROW v) { return NAME(make)((R)v.re, (R)v.im); }
FN NARROW NAME(narrowed)(T v) {
  NARROW z;
  z.re = (f32)v.re;
  z.im = (f32)v.im;
  return z;
}
#endif
FN T NAME(negate)(T a) { return NAME(make)(-a.re, -a.im); }
FN T NAME(add)(T a, T b) { return NAME(make)(a.re + b.re, a.im + b.im); }
FN T NAME(subtract)(T a, T b) { return NAME(make)(a.re - b.re, a.im - b.im); }
FN T NAME(multiply)(T a, T b) { return NAME(make)(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re); }
FN T NAME(multiply_add)(T a, T b, T sum) {
  return NAME(make)(REAL(fma)(-a.im, b.im, REAL(fma)(a.re, b.re, sum.re)),
                    REAL(fma)(a.im, b.re, REAL(fma)(a.re, b.im, sum.im)));
}
// Smith's division, as on the CPU: scaled by the larger part of the divisor, so that squares neither overflow
// nor vanish.
FN T NAME(divide)(T a, T b) {
  bool real_larger = REAL(fabs)(b.re) >= REAL(fabs)(b.im);
  R large = real_larger ? b.re : b.im;
  R small = real_larger ? b.im : b.re;
  R ratio = small / large;
  R divisor = large + small * ratio;
  if (large == LIT(0.0) && small == LIT(0.0)) return NAME(make)(a.re / LIT(0.0), a.im / LIT(0.0));
  return NAME(make)((real_larger ? a.re + a.im * ratio : a.re * ratio + a.im) / divisor,
                    (real_larger ? a.im - a.re * ratio : a.im * ratio - a.re) / divisor);
}
FN bool NAME(equal)(T a, T b) { return a.re == b.re && a.im == b.im; }
FN bool NAME(not_equal)(T a, T b) { return a.re != b.re || a.im != b.im; }
FN i32 NAME(is_nonzero)(T a) { return a.re != LIT(0.0) || a.im != LIT(0.0) ? 1 : 0; }
// A conditional between a variable and a result is refused where types have address spaces (clang's OpenCL
// C++).
FN T NAME(select)(bool condition, T yes, T no) { return condition ? yes : no; }
FN T NAME(real)(T x) { return NAME(make)(x.re, LIT(0.0)); }
FN T NAME(imag)(T x) { return NAME(make)(x.im, LIT(0.0)); }
FN T NAME(conj)(T x) { return NAME(make)(x.re, -x.im); }
FN T NAME(complex_of)(T re, T im) { return NAME(make)(re.re, im.re); }
