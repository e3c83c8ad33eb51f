#include "rustorch/tensor/operations/shape.h"

#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

void add_views(OpCases& cases) {
  const auto add = [&](const char* name, Tensor (*function)(const Tensor&),
                       Tensor (*method)(const Tensor&) = nullptr) {
    cases.emplace_back(name, function);
    if (method != nullptr) cases.back().also(method);
  };
  using T = const Tensor&;
  add(
      "reshape(6, -1)",
      [](T x) {
        return reshape(x, {6, -1});
      },
      [](T x) {
        return x.reshape({6, -1});
      });
  add("reshape(-1)", [](T x) { return reshape(x, {-1}); });
  add("reshape()", [](T x) { return reshape(x, {}); });
  add("reshape(0, 4)", [](T x) { return reshape(x, {0, 4}); });
  add("reshape(2, 2, 6)", [](T x) { return reshape(x, {2, 2, 6}); });
  add(
      "view(4, -1)",
      [](T x) {
        return view(x.contiguous(), {4, -1});
      },
      [](T x) {
        return x.contiguous().view({4, -1});
      });
  add(
      "transpose(0, 1)", [](T x) { return transpose(x, 0, 1); }, [](T x) { return x.transpose(0, 1); });
  add("transpose(-1, 0)", [](T x) { return transpose(x, -1, 0); });
  add(
      "swapaxes(0, 2)", [](T x) { return swapaxes(x, 0, 2); }, [](T x) { return x.swapaxes(0, 2); });
  add(
      "permute(2, 0, 1)",
      [](T x) {
        return permute(x, {2, 0, 1});
      },
      [](T x) {
        return x.permute({2, 0, 1});
      });
  add("permute(0, -1, 1, 2)", [](T x) { return permute(x, {0, -1, 1, 2}); });
  add(
      "movedim(0, 2)", [](T x) { return movedim(x, {0}, {2}); }, [](T x) { return x.movedim({0}, {2}); });
  add("movedim(0,1, 2,0)", [](T x) { return movedim(x, {0, 1}, {2, 0}); });
  add(
      "squeeze", [](T x) { return squeeze(x); }, [](T x) { return x.squeeze(); });
  add(
      "squeeze(1)", [](T x) { return squeeze(x, 1); }, [](T x) { return x.squeeze(1); });
  add("squeeze(0,2)", [](T x) { return squeeze(x, {0, 2}); });
  add(
      "unsqueeze(0)", [](T x) { return unsqueeze(x, 0); }, [](T x) { return x.unsqueeze(0); });
  add("unsqueeze(-1)", [](T x) { return unsqueeze(x, -1); });
  add("unsqueeze(1)", [](T x) { return unsqueeze(x, 1); });
  add(
      "flatten", [](T x) { return flatten(x); }, [](T x) { return x.flatten(); });
  add("flatten(1)", [](T x) { return flatten(x, 1); });
  add("flatten(0, 1)", [](T x) { return flatten(x, 0, 1); });
  add(
      "unflatten(1, 2, -1)",
      [](T x) {
        return unflatten(x, 1, {2, -1});
      },
      [](T x) {
        return x.unflatten(1, {2, -1});
      });
  add(
      "expand(4, 3, -1)",
      [](T x) {
        return expand(x, {4, 3, -1});
      },
      [](T x) {
        return x.expand({4, 3, -1});
      });
  add("broadcast_to(2, 3, 4)", [](T x) { return broadcast_to(x, {2, 3, 4}); });
  add(
      "narrow(1, 1, 2)", [](T x) { return narrow(x, 1, 1, 2); }, [](T x) { return x.narrow(1, 1, 2); });
  add("narrow(-1, 0, 0)", [](T x) { return narrow(x, -1, 0, 0); });
  add(
      "select(1, 2)", [](T x) { return select(x, 1, 2); }, [](T x) { return x.select(1, 2); });
  add("select(-1, -2)", [](T x) { return select(x, -1, -2); });
  add("operator[](1)", [](T x) { return x[1]; });
  add("operator[](-1)", [](T x) { return x[-1]; });
  add(
      "slice(0, 1, 5, 2)", [](T x) { return slice(x, 0, 1, 5, 2); }, [](T x) { return x.slice(0, 1, 5, 2); });
  add("slice(1, -3, -1)", [](T x) { return slice(x, 1, -3, -1); });
  add("slice(2)", [](T x) { return slice(x, 2); });
  add("slice(0, 4, 2)", [](T x) { return slice(x, 0, 4, 2); });
  add(
      "unfold(1, 2, 1)", [](T x) { return unfold(x, 1, 2, 1); }, [](T x) { return x.unfold(1, 2, 1); });
  add("unfold(-1, 3, 2)", [](T x) { return unfold(x, -1, 3, 2); });
  add("unfold(0, 2, 3)", [](T x) { return unfold(x, 0, 2, 3); });
  add(
      "diagonal", [](T x) { return diagonal(x); }, [](T x) { return x.diagonal(); });
  add("diagonal(1, -1, -2)", [](T x) { return diagonal(x, 1, -1, -2); });
  add("diagonal(-1)", [](T x) { return diagonal(x, -1); });
  add("diagonal(7)", [](T x) { return diagonal(x, 7); });
  add("as_strided(2, 3; 1, 2; 1)", [](T x) { return as_strided(x.contiguous(), {2, 3}, {1, 2}, 1); });
  add(
      "as_strided(2, 2; 0, 1)",
      [](T x) {
        return as_strided(x.contiguous(), {2, 2}, {0, 1});
      },
      [](T x) {
        return x.contiguous().as_strided({2, 2}, {0, 1});
      });
  add(
      "t", [](T x) { return t(x); }, [](T x) { return x.t(); });
}

void add_copies(OpCases& cases) {
  const auto add = [&](const char* name, Tensor (*function)(const Tensor&),
                       Tensor (*method)(const Tensor&) = nullptr) {
    cases.emplace_back(name, function);
    if (method != nullptr) cases.back().also(method);
  };
  using T = const Tensor&;
  add(
      "repeat(2, 3)",
      [](T x) {
        return repeat(x, {2, 3});
      },
      [](T x) {
        return x.repeat({2, 3});
      });
  add("repeat(2, 1, 2)", [](T x) { return repeat(x, {2, 1, 2}); });
  add(
      "tile(2)", [](T x) { return tile(x, {2}); }, [](T x) { return x.tile({2}); });
  add("tile(2, 1, 3)", [](T x) { return tile(x, {2, 1, 3}); });
  add(
      "repeat_interleave(2)", [](T x) { return repeat_interleave(x, 2); },
      [](T x) { return x.repeat_interleave(2); });
  add("repeat_interleave(3, dim=1)", [](T x) { return repeat_interleave(x, 3, 1); });
  add(
      "roll(1)", [](T x) { return roll(x, {1}); }, [](T x) { return x.roll({1}); });
  add("roll(2, dim=1)", [](T x) { return roll(x, {2}, {1}); });
  add("roll(1,-1, dims=0,2)", [](T x) { return roll(x, {1, -1}, {0, 2}); });
  add("roll(7,-5, dims=0,0)", [](T x) { return roll(x, {7, -5}, {0, 0}); });
  add(
      "rot90(1)", [](T x) { return rot90(x); }, [](T x) { return x.rot90(); });
  add("rot90(2)", [](T x) { return rot90(x, 2); });
  add("rot90(3)", [](T x) { return rot90(x, 3); });
  add("rot90(-1)", [](T x) { return rot90(x, -1); });
  add("rot90(4)", [](T x) { return rot90(x, 4); });
  add("rot90(1, dims=2,0)", [](T x) { return rot90(x, 1, {2, 0}); });
  add(
      "flip(0)", [](T x) { return flip(x, {0}); }, [](T x) { return x.flip({0}); });
  add("flip(0,-1)", [](T x) { return flip(x, {0, -1}); });
  add(
      "fliplr", [](T x) { return fliplr(x); }, [](T x) { return x.fliplr(); });
  add(
      "flipud", [](T x) { return flipud(x); }, [](T x) { return x.flipud(); });
}

void add_pads(OpCases& cases) {
  const auto add = [&](const char* name, const Shape& padding, PadMode mode = PadMode::constant,
                       double value = 0) {
    cases.emplace_back(fmt::format("pad({})", name),
                       [=](const Tensor& x) { return pad(x, padding, mode, value); });
  };
  add("1, 2", {1, 2});
  add("1, 2, 0, 3; 2.5", {1, 2, 0, 3}, PadMode::constant, 2.5);
  add("-1, 2", {-1, 2});
  add("0, -1, -1, 1; 1", {0, -1, -1, 1}, PadMode::constant, 1);
  add("2, 1, reflect", {2, 1}, PadMode::reflect);
  add("1, 2, 2, 1, reflect", {1, 2, 2, 1}, PadMode::reflect);
  add("1, 1, 1, 0, 0, 1, reflect", {1, 1, 1, 0, 0, 1}, PadMode::reflect);
  add("2, 5, replicate", {2, 5}, PadMode::replicate);
  add("1, 2, 0, 4, replicate", {1, 2, 0, 4}, PadMode::replicate);
  add("1, 1, 1, 0, 0, 2, replicate", {1, 1, 1, 0, 0, 2}, PadMode::replicate);
  add("2, 3, circular", {2, 3}, PadMode::circular);
  add("1, 2, 2, 1, circular", {1, 2, 2, 1}, PadMode::circular);
}

OpCases list() {
  OpCases cases;
  add_views(cases);
  add_copies(cases);
  add_pads(cases);
  for (OpCase& one : cases) {
    one.exact();
    if (one.name == "reshape(0, 4)") one.without_gradcheck();  // there is no element
  }
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(shape, list);

}  // namespace rustorch::testing
