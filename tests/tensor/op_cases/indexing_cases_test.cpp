#include "rustorch/tensor/operations/indexing.h"

#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

using T = const Tensor&;
using Indices = std::vector<TensorIndex>;

void add_views(OpCases& cases) {
  const auto add = [&](const char* name, const Indices& indices) {
    cases.push_back(OpCase(name, [indices](T x) { return index(x, indices); }).also([indices](T x) {
      return x.index(indices);
    }));
  };
  add("index(1)", {1});
  add("index(-1, 2)", {-1, 2});
  add("index(1:, ::2)", {Slice(1), Slice(None, None, 2)});
  add("index(..., 0)", {Ellipsis, 0});
  add("index(0, ..., 1:3)", {0, Ellipsis, Slice(1, 3)});
  add("index(None, 1)", {None, 1});
  add("index(:, None, -2:)", {Slice(), None, Slice(-2)});
  add("index()", {});
  add("index(2, 3, 4)", {2, 3, 4});
  add("index(5:2)", {Slice(5, 2)});
  add("index(-100:100)", {Slice(-100, 100)});
}

void add_tensors(OpCases& cases) {
  const auto add = [&](const char* name, Tensor (*function)(T, T)) { cases.emplace_back(name, function); };
  add("index(t)", [](T x, T i) { return x.index({i}); });
  add("index(:, t)", [](T x, T i) { return x.index({Slice(), i}); });
  add("index(..., t)", [](T x, T i) { return x.index({Ellipsis, i}); });
  add("index(t, 1)", [](T x, T i) { return x.index({i, 1}); });
  add("index(1:, t)", [](T x, T i) { return x.index({Slice(1), i}); });
  add("index(None, t)", [](T x, T i) { return x.index({None, i}); });
  add("index(0, :, t)", [](T x, T i) { return x.index({0, Slice(), i}); });
  add("index(mask)", [](T x, T m) { return x.index({m}); });
  add("index(:, mask)", [](T x, T m) { return x.index({Slice(), m}); });
  cases.emplace_back("index(t, t)", [](T x, T i, T j) { return x.index({i, j}); });
  cases.emplace_back("index(t, :, t)", [](T x, T i, T j) { return x.index({i, Slice(), j}); });
  cases.emplace_back("index(:, t, t)", [](T x, T i, T j) { return x.index({Slice(), i, j}); });
  cases.emplace_back("index(t, t, t)", [](T x, T i, T j, T k) { return x.index({i, j, k}); });
}

/// x with the elements at `indices` replaced: out of place and in place.
void add_put(OpCases& cases, const char* name, Indices (*indices)(const TensorList&),
             bool accumulate = false) {
  cases.push_back(OpCase(name, [=](const TensorList& in) {
                    return index_put(in[0], indices(in), in.back(), accumulate);
                  }).also([=](const TensorList& in) {
    Tensor x = in[0].clone();
    x.index_put_(indices(in), in.back(), accumulate);
    return x;
  }));
}

void add_puts(OpCases& cases) {
  using L = const TensorList&;
  add_put(cases, "index_put(1, v)", [](L) { return Indices{1}; });
  add_put(cases, "index_put(1:, ::2, v)", [](L) { return Indices{Slice(1), Slice(None, None, 2)}; });
  add_put(cases, "index_put(..., 0, v)", [](L) { return Indices{Ellipsis, 0}; });
  add_put(cases, "index_put(t, v)", [](L in) { return Indices{in[1]}; });
  add_put(
      cases, "index_put(t, v, accumulate)", [](L in) { return Indices{in[1]}; }, true);
  add_put(cases, "index_put(t, t, v)", [](L in) { return Indices{in[1], in[2]}; });
  add_put(
      cases, "index_put(t, t, v, accumulate)",
      [](L in) {
        return Indices{in[1], in[2]};
      },
      true);
  add_put(cases, "index_put(:, t, v)", [](L in) { return Indices{Slice(), in[1]}; });
  add_put(cases, "index_put(mask, v)", [](L in) { return Indices{in[1]}; });
  cases.emplace_back("index_put(t, 2)", [](T x, T i) { return index_put(x, {i}, 2); });
  cases.emplace_back("index_put(mask, 1)", [](T x, T m) { return index_put(x, {m}, 1); });
}

OpCases list() {
  OpCases cases;
  add_views(cases);
  add_tensors(cases);
  add_puts(cases);
  for (OpCase& one : cases) {
    if (one.name.find("accumulate") == std::string::npos) one.exact();
  }
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(indexing, list);

}  // namespace rustorch::testing
