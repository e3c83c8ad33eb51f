#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "rustorch/tensor/gradient.h"

namespace rustorch::testing {

/// One operation with fixed parameters, as tests, gradient checks, benchmarks and the support table take it.
/// What it is run on, and what PyTorch makes of it, lies in tests/data/ops (scripts/oracle/op_cases.py),
/// under the same name:
///
///     OpCase("sum(dim=1, keepdim)", [](const Tensor& x) { return sum(x, 1, true); })
///
/// The function takes one to four tensors, or a TensorList; it gives a Tensor, a TensorList, a tuple of
/// tensors or a bool. `name` is the operation, then its parameters in brackets.
class OpCase {
 public:
  template <class Function>
  OpCase(std::string name_, Function function) : name(std::move(name_)), run(runner(function)) {}

  /// How the operation is written in place: must leave in its first argument what `run` gives. PyTorch's rule
  /// of dtypes decides whether a sample can be written in place.
  template <class Function>
  OpCase& in_place(Function function) {
    change = changer(function);
    return *this;
  }
  /// Other ways to write the same: methods, operators. Must give the same bits as `run`.
  template <class Function>
  OpCase& also(Function function) {
    others.push_back(runner(function));
    return *this;
  }
  /// No gradient: results are bool or integers, or constant.
  OpCase& constant() {
    differentiable = twice = false;
    return *this;
  }
  /// No second derivative.
  OpCase& once() {
    twice = false;
    return *this;
  }
  /// Values equal PyTorch's bit for bit (gradients need not).
  OpCase& exact() {
    tolerance = 0;
    return *this;
  }
  /// PyTorch has these dtypes, we have not: an Error is expected.
  OpCase& without(std::initializer_list<DType> dtypes) {
    lacking.insert(dtypes.begin(), dtypes.end());
    return *this;
  }
  /// PyTorch itself is no better than this dtype, in wider ones too.
  OpCase& precision(DType dtype) {
    floor = dtype;
    return *this;
  }
  /// PyTorch's own paths do not agree on the sign of zero results.
  OpCase& any_zero() {
    signs_of_zero = false;
    return *this;
  }
  /// Rounds on the way (to another dtype), so that central differences see steps.
  OpCase& without_gradcheck() {
    gradcheck = twice = false;
    return *this;
  }
  /// Allows `factor` times the usual difference from PyTorch, in values and gradients.
  OpCase& loosen(double factor) {
    tolerance = gradient_tolerance = factor;
    return *this;
  }
  OpCase& loosen_gradient(double factor) {
    gradient_tolerance = factor;
    return *this;
  }
  /// Applies to each element alone: large tensors and signs of zero are checked too.
  OpCase& each_element() {
    elementwise = true;
    return *this;
  }

  /// The name without parameters.
  std::string operation() const { return name.substr(0, name.find('(')); }

  std::string name;
  std::string family;
  using Run = std::function<TensorList(const TensorList&)>;
  using Change = std::function<void(Tensor&, const TensorList&)>;
  Run run;
  Change change;
  std::vector<Run> others;
  bool differentiable = true;
  bool twice = true;
  bool gradcheck = true;
  bool signs_of_zero = true;
  std::set<DType> lacking;
  DType floor = DType::float64;
  bool elementwise = false;
  double tolerance = 1;
  double gradient_tolerance = 1;

 private:
  // Most cases are lambdas without captures. They are taken as function pointers, so that what follows is
  // compiled once per signature and not once per case: half the compile time of unary_test.cpp, for one.
  template <class Function>
  static auto plain(const Function& function) {
    if constexpr (requires { +function; }) {
      return +function;
    } else {
      return function;
    }
  }
  template <class Function>
  static Run runner(const Function& function) {
    return run_with(plain(function));
  }
  template <class Function>
  static Change changer(const Function& function) {
    return change_with(plain(function));
  }
  template <class Function>
  static Run run_with(Function function) {
    return [function](const TensorList& in) { return as_list(call(function, in)); };
  }
  template <class Function>
  static Change change_with(Function function) {
    return [function](Tensor& x, const TensorList& in) {
      if constexpr (std::is_invocable_v<Function, Tensor&>) {
        function(x);
      } else if constexpr (std::is_invocable_v<Function, Tensor&, const Tensor&>) {
        function(x, in.at(1));
      } else {
        function(x, in.at(1), in.at(2));
      }
    };
  }

  template <class Function>
  static auto call(const Function& f, const TensorList& in) {
    if constexpr (std::is_invocable_v<Function, const TensorList&>) {
      return f(in);
    } else if constexpr (std::is_invocable_v<Function, const Tensor&>) {
      return f(in.at(0));
    } else if constexpr (std::is_invocable_v<Function, const Tensor&, const Tensor&>) {
      return f(in.at(0), in.at(1));
    } else if constexpr (std::is_invocable_v<Function, const Tensor&, const Tensor&, const Tensor&>) {
      return f(in.at(0), in.at(1), in.at(2));
    } else {
      return f(in.at(0), in.at(1), in.at(2), in.at(3));
    }
  }
  static TensorList as_list(const Tensor& y) { return {y}; }
  static TensorList as_list(TensorList list) { return list; }
  static TensorList as_list(std::tuple<Tensor, Tensor> pair) {
    return {std::get<0>(pair), std::get<1>(pair)};
  }
  static TensorList as_list(bool truth);
};

using OpCases = std::vector<OpCase>;

/// All families of cases that are linked in, for programs that want every operation (benchmarks/op_cases).
class OpCaseFamilies {
 public:
  static OpCaseFamilies& instance();
  /// Gives a value, so that a family can enter itself while the program starts.
  bool add(OpCases (*cases)()) {
    families_.push_back(cases);
    return true;
  }
  const std::vector<OpCases (*)()>& families() const noexcept { return families_; }

 private:
  std::vector<OpCases (*)()> families_;
};

/// What PyTorch computed for one sample of a case.
struct OpSample {
  std::string name;
  DType dtype;           ///< its column in the support table
  bool refused = false;  ///< PyTorch has no such operation on these inputs: an Error, or our own extension
  TensorList inputs;
  TensorList outputs;
  TensorList weights;    ///< one for each differentiable output; empty: no gradients
  TensorList gradients;  ///< one for each differentiable input; undefined where there is none
  bool has_gradients() const noexcept { return !weights.empty(); }
};

/// The samples of a family's file in tests/data/ops, by case. Read once.
const std::map<std::string, std::vector<OpSample>>& op_samples(const std::string& family);

/// The data of sample inputs laid out in another way, with the same values; elements between them are
/// garbage.
enum class Arrangement : std::uint8_t {
  contiguous,
  transposed,     ///< the dims in reverse order
  strided,        ///< every second element of every dim, behind an offset
  channels_last,  ///< ranks 3 to 5
  expanded,       ///< stride 0 along dims in which the values are equal
  mixed,          ///< each tensor in another of these
};
const char* to_string(Arrangement arrangement);
Tensor arranged(const Tensor& x, Arrangement arrangement);
/// All inputs; empty where the arrangement changes none of them.
TensorList arranged(const TensorList& inputs, Arrangement arrangement);

/// Whether values are equal within `factor` times the tolerance of their dtype, or of `floor` if that is
/// wider; 0 means equal bits (NaN equals NaN).
struct Closeness {
  double factor = 1;
  bool signs_of_zero = false;
  DType floor = DType::float64;
};
/// Empty if dtype, shape and values are as expected, otherwise what differs first.
std::string difference(const Tensor& actual, const Tensor& expected, const Closeness& closeness);

}  // namespace rustorch::testing
