#include "rustorch/tensor/operations/elementwise.h"
#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

void add_of_one(OpCases& cases) {
  const auto add_case = [&](const char* name, Tensor (*function)(const Tensor&)) {
    cases.push_back(OpCase(name, function).each_element());
    return &cases.back();
  };
  add_case("clamp(-0.5, 1)", [](const Tensor& x) {
    return clamp(x, -0.5, 1);
  })->also([](const Tensor& x) {
      return x.clamp(-0.5, 1);
    }).in_place([](Tensor& x) { x.clamp_(-0.5, 1); });
  add_case("clamp(-2, 3)", [](const Tensor& x) { return clamp(x, -2, 3); })->in_place([](Tensor& x) {
    x.clamp_(-2, 3);
  });
  add_case("clamp(min=0.5)", [](const Tensor& x) { return clamp(x, 0.5); });
  add_case("clamp(max=1)", [](const Tensor& x) { return clamp(x, {}, 1); })->in_place([](Tensor& x) {
    x.clamp_({}, 1);
  });
  add_case("clamp(1, -1)", [](const Tensor& x) { return clamp(x, 1, -1); });
  add_case("clamp_min(0.5)", [](const Tensor& x) { return clamp_min(x, 0.5); })->also([](const Tensor& x) {
    return x.clamp_min(0.5);
  });
  add_case("clamp_max(0.5)", [](const Tensor& x) { return clamp_max(x, 0.5); })->also([](const Tensor& x) {
    return x.clamp_max(0.5);
  });
  add_case("nan_to_num", [](const Tensor& x) { return nan_to_num(x); })->also([](const Tensor& x) {
    return x.nan_to_num();
  });
  add_case("nan_to_num(1, 2, -3)", [](const Tensor& x) { return nan_to_num(x, 1, 2, -3); });
  add_case("lerp(0.3)", [](const Tensor& x) { return lerp(x, x * 2 + 1, 0.3); });
  add_case("where(x, 0)", [](const Tensor& x) { return where(abs(x.detach()) > 1, x, 0); });
  add_case("where(2.5, x)", [](const Tensor& x) { return where(abs(x.detach()) > 1, 2.5, x); });
  add_case("square + square", [](const Tensor& x) { return x * x + square(x); });
  add_case("negative power tower", [](const Tensor& x) { return sigmoid(-x) * tanh(x) / (1 + x * x); });
}

OpCases list() {
  OpCases cases;
  add_of_one(cases);
  cases.push_back(OpCase("real", [](const Tensor& x) { return real(x); }).each_element());
  cases.push_back(OpCase("imag", [](const Tensor& x) { return imag(x); }).each_element());
  cases.push_back(
      OpCase("complex", [](const Tensor& x, const Tensor& y) { return complex(x, y); }).each_element());
  cases.push_back(
      OpCase("polar", [](const Tensor& x, const Tensor& y) { return polar(x, y); }).each_element());
  cases.push_back(OpCase("clamp(tensors)", [](const Tensor& x, const Tensor& low, const Tensor& high) {
                    return clamp(x, low, high);
                  }).each_element());
  cases.push_back(
      OpCase("clamp_min(tensor)", [](const Tensor& x, const Tensor& y) { return clamp_min(x, y); })
          .each_element()
          .any_zero());
  cases.push_back(
      OpCase("clamp_max(tensor)", [](const Tensor& x, const Tensor& y) { return clamp_max(x, y); })
          .each_element()
          .any_zero());
  cases.push_back(OpCase("lerp", [](const Tensor& x, const Tensor& y, const Tensor& w) {
                    return lerp(x, y, w);
                  }).also([](const Tensor& x, const Tensor& y, const Tensor& w) {
                      return x.lerp(y, w);
                    }).each_element());
  cases.push_back(
      OpCase("addcmul", [](const Tensor& x, const Tensor& a, const Tensor& b) { return addcmul(x, a, b); })
          .also([](const Tensor& x, const Tensor& a, const Tensor& b) { return x.addcmul(a, b); })
          .in_place([](Tensor& x, const Tensor& a, const Tensor& b) { x.addcmul_(a, b); })
          .each_element());
  cases.push_back(OpCase("addcmul(value=-2)", [](const Tensor& x, const Tensor& a, const Tensor& b) {
                    return addcmul(x, a, b, -2);
                  }).in_place([](Tensor& x, const Tensor& a, const Tensor& b) {
                      x.addcmul_(a, b, -2);
                    }).each_element());
  cases.push_back(
      OpCase("addcdiv", [](const Tensor& x, const Tensor& a, const Tensor& b) { return addcdiv(x, a, b); })
          .also([](const Tensor& x, const Tensor& a, const Tensor& b) { return x.addcdiv(a, b); })
          .in_place([](Tensor& x, const Tensor& a, const Tensor& b) { x.addcdiv_(a, b); })
          .each_element());
  cases.push_back(OpCase("addcdiv(value=0.5)", [](const Tensor& x, const Tensor& a, const Tensor& b) {
                    return addcdiv(x, a, b, 0.5);
                  }).in_place([](Tensor& x, const Tensor& a, const Tensor& b) {
                      x.addcdiv_(a, b, 0.5);
                    }).each_element());
  cases.push_back(
      OpCase("where", [](const Tensor& c, const Tensor& x, const Tensor& y) { return where(c, x, y); })
          .also([](const Tensor& c, const Tensor& x, const Tensor& y) { return x.where(c, y); })
          .each_element()
          .exact());
  const auto truth = [&](const char* name, auto function) {
    cases.push_back(OpCase(name, function).constant());
  };
  truth("isclose", [](const Tensor& x, const Tensor& y) { return isclose(x, y); });
  truth("isclose(0.1, 0.5, equal_nan)",
        [](const Tensor& x, const Tensor& y) { return isclose(x, y, 0.1, 0.5, true); });
  truth("allclose", [](const Tensor& x, const Tensor& y) { return allclose(x, y); });
  truth("allclose(0.1, 0.5, equal_nan)",
        [](const Tensor& x, const Tensor& y) { return allclose(x, y, 0.1, 0.5, true); });
  truth("equal", [](const Tensor& x, const Tensor& y) { return equal(x, y); });
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(combined, list);

}  // namespace rustorch::testing
