#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "rustorch/optim/optimizer.h"
#include "rustorch/tensor/gradient.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"

namespace rustorch::testing {

using MakeOptimizer = std::function<std::unique_ptr<optim::Optimizer>(const std::vector<Tensor>&)>;

/// Two parameters with gradients by formula, the second in every other step only:
/// scripts/oracle/optimizers.py runs the same with torch.optim.
struct Problem {
  explicit Problem(DType dtype = float64)
      : parameters{tensor({{0.5, -0.3}, {0.8, 1.2}}, {.dtype = dtype}),
                   tensor({2.0, -1.0}, {.dtype = dtype})} {
    for (Tensor& parameter : parameters) parameter.requires_grad_();
  }

  void run(optim::Optimizer& optimizer, int count) {
    for (const int end = steps + count; steps < end; ++steps) {
      const Tensor p = parameters[0].detach();
      const Tensor q = parameters[1].detach();
      parameters[0].set_grad(p * 0.5 + 0.1 * steps);
      parameters[1].set_grad(steps % 2 == 0 ? q * q - 0.3 : Tensor());
      optimizer.step();
    }
  }

  std::vector<double> values() const {
    std::vector<double> all = parameters[0].to_vector<double>();
    for (const double value : parameters[1].to_vector<double>()) all.push_back(value);
    return all;
  }

  std::vector<Tensor> parameters;
  int steps = 0;
};

}  // namespace rustorch::testing
