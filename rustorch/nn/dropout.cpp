#include "rustorch/nn/dropout.h"

#include "rustorch/nn/repr.h"
#include "rustorch/tensor/operations/random.h"

namespace rustorch::nn {

Dropout::Dropout(double p) : p_(p) {
  RUSTORCH_CHECK(p >= 0.0 && p <= 1.0, invalid_argument, "Dropout: p must be between 0 and 1, not {}", p);
}

Tensor Dropout::forward(const Tensor& x) { return dropout(x, p_, is_training()); }

std::string Dropout::extra_repr() const { return fmt::format("p={}, inplace=False", repr::real(p_)); }

}  // namespace rustorch::nn
