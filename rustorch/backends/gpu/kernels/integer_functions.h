// Functions of the op table's formulas for integers, in the kernel dialect. Text that the build embeds; it
// stands once for each type, between definitions of T, U (unsigned T), WIDTH (bits) and NAME(f).
FN T NAME(abs)(T x) { return x < 0 ? (T)((U)0 - (U)x) : x; }
FN T NAME(round)(T x) { return x; }
FN T NAME(trunc)(T x) { return x; }
FN T NAME(floor)(T x) { return x; }
FN T NAME(ceil)(T x) { return x; }
FN bool NAME(is_infinite)(T x) { return x != x; }
FN bool NAME(is_finite)(T x) { return x == x; }
FN bool NAME(sign_bit)(T x) { return x < 0; }
FN T NAME(real)(T x) { return x; }
FN T NAME(imag)(T x) { return x - x; }
FN T NAME(conj)(T x) { return x; }
FN T NAME(clamp)(T x, T low, T high) {
  T raised = x > low ? x : low;
  return raised < high ? raised : high;
}
// Towards zero. x / 0 is 0 (the tensor layer refuses it), and the one quotient that overflows wraps.
FN T NAME(trunc_divide)(T x, T y) { return y == -1 ? (T)((U)0 - (U)x) : y == 0 ? (T)0 : x / y; }
// The rest with the sign of x.
FN T NAME(fmod)(T x, T y) { return y == 0 || y == -1 ? (T)0 : x % y; }
FN T NAME(floor_divide)(T x, T y) {
  T rest = NAME(fmod)(x, y);
  return NAME(trunc_divide)(x, y) - (rest != 0 && ((rest < 0) != (y < 0)) ? (T)1 : (T)0);
}
// The rest with the sign of y.
FN T NAME(remainder)(T x, T y) {
  T rest = NAME(fmod)(x, y);
  return rest != 0 && ((rest < 0) != (y < 0)) ? rest + y : rest;
}
// Wraps; of a negative exponent remains what is whole.
FN T NAME(pow)(T base, T exponent) {
  U result = (U)1, power = (U)base;
  if (exponent < 0) return base == 1 ? (T)1 : base == -1 ? (T)1 - (T)2 * (exponent & (T)1) : (T)0;
  for (; exponent != 0; exponent >>= 1) {
    if ((exponent & (T)1) != 0) result *= power;
    power *= power;
  }
  return (T)result;
}
FN T NAME(shift_left)(T x, T count) { return (U)count < (U)WIDTH ? (T)((U)x << (U)count) : (T)0; }
FN T NAME(shift_right)(T x, T count) { return x >> ((U)count < (U)(WIDTH - 1) ? count : (T)(WIDTH - 1)); }
