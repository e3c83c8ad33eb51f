#pragma once

#include "rustorch/tensor/operations/loss.h"
#include "rustorch/tensor/operations/reduction.h"

namespace rustorch {

/// Per-element losses as the caller wants them.
inline Tensor reduce_losses(const Tensor& losses, LossReduction reduction) {
  switch (reduction) {
    case LossReduction::none:
      return losses;
    case LossReduction::mean:
      return mean(losses);
    case LossReduction::sum:
      return sum(losses);
  }
  return losses;
}

}  // namespace rustorch
