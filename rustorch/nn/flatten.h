#pragma once

#include <cstdint>
#include <string>

#include "rustorch/nn/module.h"

namespace rustorch::nn {

/// Joins the dims from start_dim to end_dim into one (torch.nn.Flatten).
class Flatten : public Module {
 public:
  explicit Flatten(std::int64_t start_dim = 1, std::int64_t end_dim = -1)
      : start_dim_(start_dim), end_dim_(end_dim) {}
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "Flatten"; }
  std::string extra_repr() const override;

 private:
  std::int64_t start_dim_, end_dim_;
};

/// Splits dim into dims of the given sizes, one of which may be -1 (torch.nn.Unflatten).
class Unflatten : public Module {
 public:
  Unflatten(std::int64_t dim, const Shape& sizes) : dim_(dim), sizes_(sizes) {}
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "Unflatten"; }
  std::string extra_repr() const override;

 private:
  std::int64_t dim_;
  Shape sizes_;
};

}  // namespace rustorch::nn
