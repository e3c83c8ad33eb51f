#include <limits>

#include "rustorch/tensor/operations/indexing.h"
#include "tensor/op_cases/op_case_tests.h"

namespace rustorch::testing {
namespace {

using T = const Tensor&;

void add_gathers(OpCases& cases) {
  const auto add = [&](const char* name, Tensor (*function)(T, T), Tensor (*method)(T, T)) {
    cases.emplace_back(name, function);
    cases.back().also(method);
  };
  add(
      "gather(0)", [](T x, T i) { return gather(x, 0, i); }, [](T x, T i) { return x.gather(0, i); });
  add(
      "gather(1)", [](T x, T i) { return gather(x, 1, i); }, [](T x, T i) { return x.gather(1, i); });
  add(
      "gather(-1)", [](T x, T i) { return gather(x, -1, i); }, [](T x, T i) { return x.gather(-1, i); });
  add(
      "index_select(0)", [](T x, T i) { return index_select(x, 0, i); },
      [](T x, T i) { return x.index_select(0, i); });
  add(
      "index_select(1)", [](T x, T i) { return index_select(x, 1, i); },
      [](T x, T i) { return x.index_select(1, i); });
  add(
      "index_select(-1)", [](T x, T i) { return index_select(x, -1, i); },
      [](T x, T i) { return x.index_select(-1, i); });
  add(
      "take", [](T x, T i) { return take(x, i); }, [](T x, T i) { return x.take(i); });
  add(
      "take_along_dim(1)", [](T x, T i) { return take_along_dim(x, i, 1); },
      [](T x, T i) { return x.take_along_dim(i, 1); });
  add(
      "take_along_dim(0)", [](T x, T i) { return take_along_dim(x, i, 0); },
      [](T x, T i) { return x.take_along_dim(i, 0); });
  add(
      "masked_select", [](T x, T m) { return masked_select(x, m); },
      [](T x, T m) { return x.masked_select(m); });
  cases.emplace_back("embedding", [](T i, T w) { return embedding(i, w); });
  cases.push_back(
      OpCase("nonzero", [](T x) { return nonzero(x); }).also([](T x) { return x.nonzero(); }).constant());
  cases.push_back(OpCase("one_hot", [](T x) { return one_hot(x); }).constant());
  cases.push_back(OpCase("one_hot(5)", [](T x) { return one_hot(x, 5); }).constant());
}

void add_scatters(OpCases& cases) {
  for (const std::int64_t dim : {0, 1}) {
    cases.push_back(OpCase(fmt::format("scatter({})", dim), [=](T x, T i, T s) {
                      return scatter(x, dim, i, s);
                    }).also([=](T x, T i, T s) {
                        return x.scatter(dim, i, s);
                      }).in_place([=](Tensor& x, T i, T s) { x.scatter_(dim, i, s); }));
    cases.push_back(OpCase(fmt::format("scatter_add({})", dim), [=](T x, T i, T s) {
                      return scatter_add(x, dim, i, s);
                    }).also([=](T x, T i, T s) {
                        return x.scatter_add(dim, i, s);
                      }).in_place([=](Tensor& x, T i, T s) { x.scatter_add_(dim, i, s); }));
    cases.push_back(OpCase(fmt::format("index_add({})", dim), [=](T x, T i, T s) {
                      return index_add(x, dim, i, s);
                    }).also([=](T x, T i, T s) {
                        return x.index_add(dim, i, s);
                      }).in_place([=](Tensor& x, T i, T s) { x.index_add_(dim, i, s); }));
  }
  cases.push_back(OpCase("index_add(0, alpha=2)", [](T x, T i, T s) {
                    return index_add(x, 0, i, s, 2);
                  }).in_place([](Tensor& x, T i, T s) { x.index_add_(0, i, s, 2); }));
  cases.push_back(OpCase("scatter(1, 2)", [](T x, T i) {
                    return scatter(x, 1, i, 2);
                  }).in_place([](Tensor& x, T i) { x.scatter_(1, i, 2); }));
  cases.emplace_back("scatter(0, 0.5)", [](T x, T i) { return scatter(x, 0, i, 0.5); });
  cases.push_back(OpCase("masked_fill(2)", [](T x, T m) {
                    return masked_fill(x, m, 2);
                  }).also([](T x, T m) {
                      return x.masked_fill(m, 2);
                    }).in_place([](Tensor& x, T m) { x.masked_fill_(m, 2); }));
  cases.emplace_back("masked_fill(-0.5)", [](T x, T m) { return masked_fill(x, m, -0.5); });
  cases.emplace_back("masked_fill(-inf)",
                     [](T x, T m) { return masked_fill(x, m, -std::numeric_limits<double>::infinity()); });
  cases.push_back(OpCase("masked_fill(tensor)", [](T x, T m, T v) {
                    return masked_fill(x, m, v);
                  }).in_place([](Tensor& x, T m, T v) { x.masked_fill_(m, v); }));
}

OpCases list() {
  OpCases cases;
  add_gathers(cases);
  add_scatters(cases);
  for (OpCase& one : cases) {
    if (one.name == "masked_fill(-inf)") one.without_gradcheck();
    if (one.name.find("_add") == std::string::npos) one.exact();
  }
  return cases;
}

}  // namespace

RUSTORCH_TEST_OP_CASES(gathering, list);

}  // namespace rustorch::testing
