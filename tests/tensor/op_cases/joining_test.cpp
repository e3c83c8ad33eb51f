#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/shape.h"
#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

void add_joins(OpCases& cases) {
  const auto add = [&](const char* name, auto function) { cases.emplace_back(name, function); };
  using L = const TensorList&;
  add("cat", [](L x) { return cat(x); });
  add("cat(1)", [](L x) { return cat(x, 1); });
  add("cat(-1)", [](L x) { return cat(x, -1); });
  add("concat", [](L x) { return concat(x); });
  add("stack", [](L x) { return stack(x); });
  add("stack(1)", [](L x) { return stack(x, 1); });
  add("stack(-1)", [](L x) { return stack(x, -1); });
  add("hstack", [](L x) { return hstack(x); });
  add("vstack", [](L x) { return vstack(x); });
  add("cat(mixed)", [](L x) { return cat(x); });
  add("stack(mixed)", [](L x) { return stack({slice(x[0], 0, 0, 1), x[1]}); });
  add("broadcast_tensors", [](L x) { return broadcast_tensors(x); });
  add("meshgrid", [](L x) { return meshgrid(x); });
  add("meshgrid(xy)", [](L x) { return meshgrid(x, "xy"); });
  cases.push_back(OpCase("expand_as", [](const Tensor& x, const Tensor& y) {
                    return expand_as(x, y);
                  }).also([](const Tensor& x, const Tensor& y) { return x.expand_as(y); }));
}

void add_splits(OpCases& cases) {
  const auto add = [&](const char* name, TensorList (*function)(const Tensor&),
                       TensorList (*method)(const Tensor&)) {
    cases.emplace_back(name, function);
    cases.back().also(method);
  };
  using T = const Tensor&;
  add(
      "split(2)", [](T x) { return split(x, 2); }, [](T x) { return x.split(2); });
  add(
      "split(2, dim=1)", [](T x) { return split(x, 2, 1); }, [](T x) { return x.split(2, 1); });
  add(
      "split(1,3, dim=1)",
      [](T x) {
        return split(x, Shape{1, 3}, 1);
      },
      [](T x) {
        return x.split(Shape{1, 3}, 1);
      });
  add(
      "split(2,0,1)",
      [](T x) {
        return split(x, Shape{2, 0, 1});
      },
      [](T x) {
        return x.split(Shape{2, 0, 1});
      });
  add(
      "chunk(2)", [](T x) { return chunk(x, 2); }, [](T x) { return x.chunk(2); });
  add(
      "chunk(3, dim=-1)", [](T x) { return chunk(x, 3, -1); }, [](T x) { return x.chunk(3, -1); });
  add(
      "unbind", [](T x) { return unbind(x); }, [](T x) { return x.unbind(); });
  add(
      "unbind(-1)", [](T x) { return unbind(x, -1); }, [](T x) { return x.unbind(-1); });
}

void add_matrices(OpCases& cases) {
  const auto add = [&](const char* name, Tensor (*function)(const Tensor&), Tensor (*method)(const Tensor&)) {
    cases.emplace_back(name, function);
    cases.back().also(method);
  };
  using T = const Tensor&;
  add(
      "tril", [](T x) { return tril(x); }, [](T x) { return x.tril(); });
  add(
      "tril(1)", [](T x) { return tril(x, 1); }, [](T x) { return x.tril(1); });
  add(
      "tril(-2)", [](T x) { return tril(x, -2); }, [](T x) { return x.tril(-2); });
  add(
      "triu", [](T x) { return triu(x); }, [](T x) { return x.triu(); });
  add(
      "triu(1)", [](T x) { return triu(x, 1); }, [](T x) { return x.triu(1); });
  add(
      "triu(-2)", [](T x) { return triu(x, -2); }, [](T x) { return x.triu(-2); });
  add(
      "diag", [](T x) { return diag(x); }, [](T x) { return x.diag(); });
  add(
      "diag(1)", [](T x) { return diag(x, 1); }, [](T x) { return x.diag(1); });
  add(
      "diag(-2)", [](T x) { return diag(x, -2); }, [](T x) { return x.diag(-2); });
  cases.push_back(OpCase("repeat_interleave(tensor)", [](const Tensor& x, const Tensor& r) {
                    return repeat_interleave(x, r);
                  }).also([](const Tensor& x, const Tensor& r) { return x.repeat_interleave(r); }));
  cases.push_back(OpCase("repeat_interleave(tensor, dim=1)", [](const Tensor& x, const Tensor& r) {
                    return repeat_interleave(x, r, 1);
                  }).also([](const Tensor& x, const Tensor& r) { return x.repeat_interleave(r, 1); }));
}

OpCases list() {
  OpCases cases;
  add_joins(cases);
  add_splits(cases);
  add_matrices(cases);
  for (OpCase& one : cases) {
    one.exact();
    if (one.name.find("mixed") != std::string::npos) one.without_gradcheck();
  }
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(joining, list);

}  // namespace rustorch::testing
