#pragma once

#include <functional>
#include <string>

#include "rustorch/tensor/gradient.h"

namespace rustorch::testing {

/// The cases that scripts/oracle/operations.py wrote to one file of tests/data/operations/: inputs, and what
/// PyTorch computed from them.
class OracleCases {
 public:
  explicit OracleCases(const std::string& file);
  ~OracleCases();

  using Function = std::function<TensorList(const TensorList&)>;
  struct Options {
    double tolerance = 1e-7;  ///< float64, of 1 + the absolute value
    double float32_tolerance = 2e-5;
    bool strided = true;  ///< whether inputs may also come with other strides
    bool float32 = true;
  };
  /// Runs `function` on the case's inputs, and compares values, gradients and second derivatives: in float64
  /// and float32, with contiguous inputs, with transposed ones, and where they have the rank, with
  /// channels-last ones.
  void check(const std::string& name, const Function& function, const Options& options) const;
  void check(const std::string& name, const Function& function) const { check(name, function, Options()); }
  /// For functions with one result.
  template <class F>
  requires std::is_invocable_r_v<Tensor, F, const TensorList&>
  void check(const std::string& name, const F& function, const Options& options) const {
    check(name, Function([&](const TensorList& x) { return TensorList{function(x)}; }), options);
  }
  template <class F>
  requires std::is_invocable_r_v<Tensor, F, const TensorList&>
  void check(const std::string& name, const F& function) const { check(name, function, Options()); }
  /// Fails for cases that no check has used: call it last.
  void expect_all_used() const;

 private:
  struct Case;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rustorch::testing
