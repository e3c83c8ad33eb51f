#include "rustorch/tensor/operations/elementwise.h"
#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

bool is_constant(std::string_view name) {
  for (const std::string_view one :
       {"eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "bitwise_and",
        "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift", "heaviside"}) {
    if (name.substr(0, name.find('(')) == one) return true;
  }
  return false;
}

void add_numbers(OpCases& cases) {
  using Complex = std::complex<double>;
  const auto add_case = [&](const char* name, Tensor (*function)(const Tensor&)) {
    cases.push_back(OpCase(name, function).each_element());
    return &cases.back();
  };
  add_case("add(x, 2)", [](const Tensor& x) { return x + 2; })->in_place([](Tensor& x) { x += 2; });
  add_case("add(x, 2.5)", [](const Tensor& x) { return x + 2.5; })->in_place([](Tensor& x) { x += 2.5; });
  add_case("add(2.5, x)", [](const Tensor& x) { return 2.5 + x; });
  add_case("add(x, 1+2j)", [](const Tensor& x) { return x + Complex(1, 2); });
  add_case("add(x, true)", [](const Tensor& x) { return x + true; });
  add_case("add(x, 200)", [](const Tensor& x) { return x + 200; });
  add_case("sub(x, 2)", [](const Tensor& x) { return x - 2; })->in_place([](Tensor& x) { x -= 2; });
  add_case("sub(2.5, x)", [](const Tensor& x) { return 2.5 - x; });
  add_case("mul(x, 3)", [](const Tensor& x) { return x * 3; })->in_place([](Tensor& x) { x *= 3; });
  add_case("mul(x, -1.5)", [](const Tensor& x) { return x * -1.5; })->also([](const Tensor& x) {
    return -1.5 * x;
  });
  add_case("mul(x, 1+2j)", [](const Tensor& x) { return x * Complex(1, 2); });
  add_case("div(x, 4)", [](const Tensor& x) { return x / 4; })->in_place([](Tensor& x) { x /= 4; });
  add_case("div(x, 2.5)", [](const Tensor& x) { return x / 2.5; });
  add_case("div(2, x)", [](const Tensor& x) { return 2 / x; });
  add_case("floor_divide(x, 2)", [](const Tensor& x) { return floor_divide(x, 2); });
  add_case("floor_divide(x, -1.5)", [](const Tensor& x) { return floor_divide(x, -1.5); });
  add_case("remainder(x, 3)", [](const Tensor& x) { return x % 3; });
  add_case("remainder(x, -1.5)", [](const Tensor& x) { return remainder(x, -1.5); });
  add_case("remainder(7, x)", [](const Tensor& x) { return remainder(7, x); });
  add_case("fmod(x, 3)", [](const Tensor& x) { return fmod(x, 3); });
  add_case("fmod(x, -1.5)", [](const Tensor& x) { return fmod(x, -1.5); });
  add_case("pow(x, 2)", [](const Tensor& x) { return pow(x, 2); })->in_place([](Tensor& x) { x.pow_(2); });
  add_case("pow(x, 2.0)", [](const Tensor& x) { return pow(x, 2.0); });
  add_case("pow(x, 3)", [](const Tensor& x) { return pow(x, 3); })->in_place([](Tensor& x) { x.pow_(3); });
  add_case("pow(x, 0)", [](const Tensor& x) { return pow(x, 0); });
  add_case("pow(x, 1)", [](const Tensor& x) { return pow(x, 1); });
  add_case("pow(x, -1)", [](const Tensor& x) { return pow(x, -1); });
  add_case("pow(x, -2)", [](const Tensor& x) { return pow(x, -2); });
  add_case("pow(x, 0.5)", [](const Tensor& x) { return pow(x, 0.5); });
  add_case("pow(x, -0.5)", [](const Tensor& x) { return pow(x, -0.5); });
  add_case("pow(x, 1.7)", [](const Tensor& x) { return pow(x, 1.7); });
  add_case("pow(x, 0.5+1j)", [](const Tensor& x) { return pow(x, Complex(0.5, 1)); });
  add_case("pow(2, x)", [](const Tensor& x) { return pow(2, x); });
  add_case("pow(2.5, x)", [](const Tensor& x) { return pow(2.5, x); });
  add_case("pow(0, x)", [](const Tensor& x) { return pow(0, x); });
  add_case("pow(1, x)", [](const Tensor& x) { return pow(1, x); });
  add_case("eq(x, 1)", [](const Tensor& x) { return x == 1; });
  add_case("ne(x, 1)", [](const Tensor& x) { return x != 1; });
  add_case("lt(x, 0.5)", [](const Tensor& x) { return x < 0.5; });
  add_case("le(x, 2)", [](const Tensor& x) { return x <= 2; });
  add_case("gt(x, 0.5)", [](const Tensor& x) { return x > 0.5; });
  add_case("ge(x, 2)", [](const Tensor& x) { return x >= 2; });
  add_case("eq(x, -1)", [](const Tensor& x) { return x == -1; });
  add_case("gt(x, -2)", [](const Tensor& x) { return x > -2; });
  add_case("bitwise_and(x, 6)", [](const Tensor& x) { return x & 6; });
  add_case("bitwise_or(x, 6)", [](const Tensor& x) { return x | 6; });
  add_case("bitwise_xor(x, 6)", [](const Tensor& x) { return x ^ 6; });
  add_case("bitwise_left_shift(x, 2)", [](const Tensor& x) { return bitwise_left_shift(x, 2); });
  add_case("bitwise_right_shift(x, 1)", [](const Tensor& x) { return bitwise_right_shift(x, 1); });
  add_case("copysign(x, -1)", [](const Tensor& x) { return copysign(x, -1); });
  add_case("xlogy(x, 2.5)", [](const Tensor& x) { return xlogy(x, 2.5); });
  add_case("xlogy(2.5, x)", [](const Tensor& x) { return xlogy(2.5, x); });
  add_case("add(x, 2, alpha=3)", [](const Tensor& x) { return add(x, 2, 3); });
  add_case("sub(x, 2, alpha=-3)", [](const Tensor& x) { return sub(x, 2, -3); });
  add_case("div(x, 2, trunc)", [](const Tensor& x) { return div(x, 2, RoundingMode::trunc); });
  add_case("div(x, -1.5, floor)", [](const Tensor& x) { return div(x, -1.5, RoundingMode::floor); });
}

OpCases list() {
  OpCases cases;
#define RUSTORCH_BINARY(name, ...)                                                                     \
  cases.push_back(OpCase(#name, [](const Tensor& x, const Tensor& y) { return rustorch::name(x, y); }) \
                      .in_place([](Tensor& x, const Tensor& y) { x.name##_(y); })                      \
                      .also([](const Tensor& x, const Tensor& y) { return x.name(y); })                \
                      .each_element());
#define RUSTORCH_UNARY(...)
#define RUSTORCH_OP(...)
#include "rustorch/compute/op_table/ops.def"
#undef RUSTORCH_OP
#undef RUSTORCH_UNARY
#undef RUSTORCH_BINARY
  add_numbers(cases);
  const auto add_case = [&](const char* name, Tensor (*function)(const Tensor&, const Tensor&)) {
    cases.push_back(OpCase(name, function).each_element());
  };
  add_case("add(alpha=2)", [](const Tensor& x, const Tensor& y) { return add(x, y, 2); });
  add_case("add(alpha=0.5)", [](const Tensor& x, const Tensor& y) { return add(x, y, 0.5); });
  add_case("sub(alpha=2)", [](const Tensor& x, const Tensor& y) { return sub(x, y, 2); });
  add_case("div(trunc)", [](const Tensor& x, const Tensor& y) { return div(x, y, RoundingMode::trunc); });
  add_case("div(floor)", [](const Tensor& x, const Tensor& y) { return div(x, y, RoundingMode::floor); });
  for (OpCase& one : cases) {
    if (is_constant(one.name)) one.constant();
    if (one.name == "pow(0, x)") one.without_gradcheck();  // its slope is a where over infinities
    if (one.name == "logaddexp") one.without({complex64, complex128});
    if (one.name == "maximum" || one.name == "minimum") one.any_zero();
    // PyTorch has no gradient here, ours is zero, or right by y alone.
    if (one.operation() == "floor_divide" || one.name == "remainder(7, x)") one.constant();
  }
  return cases;
}

/// Operators are the functions.
TEST(Operators, EqualTheFunctions) {
  const auto samples = op_samples("binary").at("bitwise_and");
  for (const OpSample& sample : samples) {
    if (sample.refused) continue;
    const Tensor &x = sample.inputs[0], &y = sample.inputs[1];
    const auto expect_same = [&](const Tensor& actual, const Tensor& expected) {
      EXPECT_EQ(difference(actual, expected, {0, true}), "") << sample.name;
    };
    expect_same(x + y, add(x, y));
    expect_same(x * y, mul(x, y));
    expect_same(x / 2, div(x, 2));
    expect_same(x == y, eq(x, y));
    expect_same(x != y, ne(x, y));
    expect_same(x < y, lt(x, y));
    expect_same(x <= y, le(x, y));
    expect_same(x > y, gt(x, y));
    expect_same(x >= y, ge(x, y));
    expect_same(x & y, bitwise_and(x, y));
    expect_same(x | y, bitwise_or(x, y));
    expect_same(x ^ y, bitwise_xor(x, y));
    expect_same(~x, bitwise_not(x));
    if (x.dtype() == bool_ || y.dtype() == bool_) continue;
    expect_same(x - y, sub(x, y));
    expect_same(-x, neg(x));
    expect_same(x % 3, remainder(x, 3));
  }
}

}  // namespace

RUSTORCH_TEST_OP_CASES(binary, list);

}  // namespace rustorch::testing
