#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rustorch/nn/module.h"
#include "rustorch/nn/options.h"
#include "rustorch/tensor/operations/elementwise.h"

namespace rustorch::nn {

/// A string as a template argument.
template <std::size_t Size>
struct FixedString {
  constexpr FixedString(const char (&text)[Size]) {
    std::copy_n(text, Size, characters);
  }  // NOLINT: implicit
  constexpr std::string_view view() const { return {characters, Size - 1}; }
  char characters[Size] = {};
};

/// A layer that applies one function without parameters, such as relu.
template <FixedString Name, Tensor (*Function)(const Tensor&)>
class ElementwiseLayer : public Module {
 public:
  Tensor forward(const Tensor& x) override { return Function(x); }
  std::string type_name() const override { return std::string(Name.view()); }
};

/// The same, in place where asked (`nn::ReLU(true)`, `nn::ReLU({.inplace = true})`): the input is
/// overwritten.
struct InplaceOptions {
  NamedOnly named_only = NamedOnly();
  bool inplace = false;
};
template <FixedString Name, Tensor (*Function)(const Tensor&), Tensor& (Tensor::*InPlace)()>
class ElementwiseLayerInPlace : public Module {
 public:
  explicit ElementwiseLayerInPlace(bool inplace = false) : inplace_(inplace) {}
  explicit ElementwiseLayerInPlace(const InplaceOptions& options) : inplace_(options.inplace) {}
  Tensor forward(const Tensor& x) override {
    if (!inplace_) return Function(x);
    Tensor result = x;
    return (result.*InPlace)();
  }
  std::string type_name() const override { return std::string(Name.view()); }
  std::string extra_repr() const override { return inplace_ ? "inplace=True" : ""; }

 private:
  bool inplace_;
};

using ReLU = ElementwiseLayerInPlace<"ReLU", &rustorch::relu, &Tensor::relu_>;
using ReLU6 = ElementwiseLayerInPlace<"ReLU6", &rustorch::relu6, &Tensor::relu6_>;
using SiLU = ElementwiseLayerInPlace<"SiLU", &rustorch::silu, &Tensor::silu_>;
using Mish = ElementwiseLayerInPlace<"Mish", &rustorch::mish, &Tensor::mish_>;
using Hardswish = ElementwiseLayerInPlace<"Hardswish", &rustorch::hardswish, &Tensor::hardswish_>;
using Hardsigmoid = ElementwiseLayerInPlace<"Hardsigmoid", &rustorch::hardsigmoid, &Tensor::hardsigmoid_>;
using SELU = ElementwiseLayer<"SELU", &rustorch::selu>;
using Sigmoid = ElementwiseLayer<"Sigmoid", &rustorch::sigmoid>;
using Tanh = ElementwiseLayer<"Tanh", &rustorch::tanh>;
using LogSigmoid = ElementwiseLayer<"LogSigmoid", &rustorch::log_sigmoid>;
using Softsign = ElementwiseLayer<"Softsign", &rustorch::softsign>;
using Tanhshrink = ElementwiseLayer<"Tanhshrink", &rustorch::tanhshrink>;

/// x where x > 0, else negative_slope · x (torch.nn.LeakyReLU).
class LeakyReLU : public Module {
 public:
  explicit LeakyReLU(double negative_slope = 0.01) : negative_slope_(negative_slope) {}
  Tensor forward(const Tensor& x) override { return leaky_relu(x, negative_slope_); }
  std::string type_name() const override { return "LeakyReLU"; }
  std::string extra_repr() const override;

 private:
  double negative_slope_;
};

/// max(0, x) + weight · min(0, x) with a learned weight: one, or one per channel (torch.nn.PReLU).
class PReLU : public Module {
 public:
  explicit PReLU(std::int64_t num_parameters = 1, double init = 0.25);
  Tensor forward(const Tensor& x) override { return prelu(x, weight); }
  void reset_parameters();
  std::string type_name() const override { return "PReLU"; }
  std::string extra_repr() const override;

 private:
  double init_;

 public:
  Parameter weight;
};

/// x where x > 0, else alpha · (exp(x) - 1) (torch.nn.ELU).
class ELU : public Module {
 public:
  explicit ELU(double alpha = 1.0) : alpha_(alpha) {}
  Tensor forward(const Tensor& x) override { return elu(x, alpha_); }
  std::string type_name() const override { return "ELU"; }
  std::string extra_repr() const override;

 private:
  double alpha_;
};

/// max(0, x) + min(0, alpha · (exp(x / alpha) - 1)) (torch.nn.CELU).
class CELU : public Module {
 public:
  explicit CELU(double alpha = 1.0) : alpha_(alpha) {}
  Tensor forward(const Tensor& x) override { return celu(x, alpha_); }
  std::string type_name() const override { return "CELU"; }
  std::string extra_repr() const override;

 private:
  double alpha_;
};

/// x · Φ(x), exact or with approximate = "tanh" (torch.nn.GELU).
class GELU : public Module {
 public:
  explicit GELU(std::string approximate = "none");
  Tensor forward(const Tensor& x) override { return gelu(x, approximate_); }
  std::string type_name() const override { return "GELU"; }
  std::string extra_repr() const override;
  const std::string& approximate() const noexcept { return approximate_; }

 private:
  std::string approximate_;
};

/// x limited to [min_val, max_val] (torch.nn.Hardtanh).
class Hardtanh : public Module {
 public:
  explicit Hardtanh(double min_val = -1.0, double max_val = 1.0);
  Tensor forward(const Tensor& x) override { return hardtanh(x, min_val_, max_val_); }
  std::string type_name() const override { return "Hardtanh"; }
  std::string extra_repr() const override;

 private:
  double min_val_, max_val_;
};

/// log(1 + exp(beta · x)) / beta; x itself where beta · x > threshold (torch.nn.Softplus).
class Softplus : public Module {
 public:
  explicit Softplus(double beta = 1.0, double threshold = 20.0) : beta_(beta), threshold_(threshold) {}
  Tensor forward(const Tensor& x) override { return softplus(x, beta_, threshold_); }
  std::string type_name() const override { return "Softplus"; }
  std::string extra_repr() const override;

 private:
  double beta_, threshold_;
};

/// x moved by lambda towards 0, which it does not cross (torch.nn.Softshrink).
class Softshrink : public Module {
 public:
  explicit Softshrink(double lambda = 0.5) : lambda_(lambda) {}
  Tensor forward(const Tensor& x) override { return softshrink(x, lambda_); }
  std::string type_name() const override { return "Softshrink"; }
  std::string extra_repr() const override;

 private:
  double lambda_;
};

/// x where |x| > lambda, else 0 (torch.nn.Hardshrink).
class Hardshrink : public Module {
 public:
  explicit Hardshrink(double lambda = 0.5) : lambda_(lambda) {}
  Tensor forward(const Tensor& x) override { return hardshrink(x, lambda_); }
  std::string type_name() const override { return "Hardshrink"; }
  std::string extra_repr() const override;

 private:
  double lambda_;
};

/// x where x > threshold, else value (torch.nn.Threshold).
class Threshold : public Module {
 public:
  Threshold(double threshold_value, double value) : threshold_(threshold_value), value_(value) {}
  Tensor forward(const Tensor& x) override { return threshold(x, threshold_, value_); }
  std::string type_name() const override { return "Threshold"; }
  std::string extra_repr() const override;

 private:
  double threshold_, value_;
};

/// The first half along dim times the sigmoid of the second (torch.nn.GLU).
class GLU : public Module {
 public:
  explicit GLU(std::int64_t dim = -1) : dim_(dim) {}
  Tensor forward(const Tensor& x) override { return glu(x, dim_); }
  std::string type_name() const override { return "GLU"; }
  std::string extra_repr() const override;

 private:
  std::int64_t dim_;
};

/// exp(x) / Σ exp(x) along dim (torch.nn.Softmax).
class Softmax : public Module {
 public:
  explicit Softmax(std::int64_t dim) : dim_(dim) {}
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "Softmax"; }
  std::string extra_repr() const override;

 private:
  std::int64_t dim_;
};

/// log(softmax(x)) along dim, without overflow (torch.nn.LogSoftmax).
class LogSoftmax : public Module {
 public:
  explicit LogSoftmax(std::int64_t dim) : dim_(dim) {}
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "LogSoftmax"; }
  std::string extra_repr() const override;

 private:
  std::int64_t dim_;
};

}  // namespace rustorch::nn
