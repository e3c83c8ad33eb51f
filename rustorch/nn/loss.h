#pragma once

#include <cstdint>
#include <string>

#include "rustorch/nn/module.h"
#include "rustorch/nn/options.h"
#include "rustorch/tensor/operations/loss.h"

namespace rustorch::nn {

/// Base of the losses: called with an input and a target.
class Loss : public Module {
 public:
  virtual Tensor forward(const Tensor& input, const Tensor& target) = 0;
  using Module::forward;
  Tensor operator()(const Tensor& input, const Tensor& target) { return forward(input, target); }
};

/// torch.nn.CrossEntropyLoss: -log softmax(input)[target]; the class weights are the buffer "weight".
class CrossEntropyLoss : public Loss {
 public:
  explicit CrossEntropyLoss(const CrossEntropyOptions& options = {});
  Tensor forward(const Tensor& input, const Tensor& target) override;
  std::string type_name() const override { return "CrossEntropyLoss"; }

 private:
  CrossEntropyOptions options_;  // without the weight

 public:
  Buffer weight;
};

/// torch.nn.NLLLoss: -input[target] of log-probabilities.
class NLLLoss : public Loss {
 public:
  explicit NLLLoss(const CrossEntropyOptions& options = {});
  Tensor forward(const Tensor& input, const Tensor& target) override;
  std::string type_name() const override { return "NLLLoss"; }

 private:
  CrossEntropyOptions options_;  // without the weight

 public:
  Buffer weight;
};

struct LossOptions {
  NamedOnly named_only = NamedOnly();
  LossReduction reduction = LossReduction::mean;
};

/// torch.nn.MSELoss: (input - target)².
class MSELoss : public Loss {
 public:
  explicit MSELoss(const LossOptions& options = {}) : options_(options) {}
  Tensor forward(const Tensor& input, const Tensor& target) override;
  std::string type_name() const override { return "MSELoss"; }

 private:
  LossOptions options_;
};

/// torch.nn.L1Loss: |input - target|.
class L1Loss : public Loss {
 public:
  explicit L1Loss(const LossOptions& options = {}) : options_(options) {}
  Tensor forward(const Tensor& input, const Tensor& target) override;
  std::string type_name() const override { return "L1Loss"; }

 private:
  LossOptions options_;
};

struct SmoothL1LossOptions {
  NamedOnly named_only = NamedOnly();
  LossReduction reduction = LossReduction::mean;
  double beta = 1.0;
};

/// torch.nn.SmoothL1Loss: quadratic within beta, linear beyond.
class SmoothL1Loss : public Loss {
 public:
  explicit SmoothL1Loss(const SmoothL1LossOptions& options = {});
  Tensor forward(const Tensor& input, const Tensor& target) override;
  std::string type_name() const override { return "SmoothL1Loss"; }

 private:
  SmoothL1LossOptions options_;
};

struct HuberLossOptions {
  NamedOnly named_only = NamedOnly();
  LossReduction reduction = LossReduction::mean;
  double delta = 1.0;
};

/// torch.nn.HuberLoss: SmoothL1 scaled by delta.
class HuberLoss : public Loss {
 public:
  explicit HuberLoss(const HuberLossOptions& options = {});
  Tensor forward(const Tensor& input, const Tensor& target) override;
  std::string type_name() const override { return "HuberLoss"; }

 private:
  HuberLossOptions options_;
};

struct BCELossOptions {
  NamedOnly named_only = NamedOnly();
  Tensor weight = {};  ///< of each element, broadcast
  LossReduction reduction = LossReduction::mean;
};

/// torch.nn.BCELoss: binary cross entropy of probabilities.
class BCELoss : public Loss {
 public:
  explicit BCELoss(const BCELossOptions& options = {});
  Tensor forward(const Tensor& input, const Tensor& target) override;
  std::string type_name() const override { return "BCELoss"; }

 private:
  LossReduction reduction_;

 public:
  Buffer weight;
};

struct BCEWithLogitsLossOptions {
  NamedOnly named_only = NamedOnly();
  Tensor weight = {};  ///< of each element, broadcast
  LossReduction reduction = LossReduction::mean;
  Tensor pos_weight = {};  ///< of the positive term, per class
};

/// torch.nn.BCEWithLogitsLoss: binary cross entropy of logits.
class BCEWithLogitsLoss : public Loss {
 public:
  explicit BCEWithLogitsLoss(const BCEWithLogitsLossOptions& options = {});
  Tensor forward(const Tensor& input, const Tensor& target) override;
  std::string type_name() const override { return "BCEWithLogitsLoss"; }

 private:
  LossReduction reduction_;

 public:
  Buffer weight, pos_weight;
};

struct KLDivLossOptions {
  NamedOnly named_only = NamedOnly();
  LossReduction reduction = LossReduction::mean;
  /// reduction "batchmean": the sum divided by the batch size, which is the mathematical divergence.
  bool batch_mean = false;
  bool log_target = false;
};

/// torch.nn.KLDivLoss: target · (log target - input) of log-probabilities.
class KLDivLoss : public Loss {
 public:
  explicit KLDivLoss(const KLDivLossOptions& options = {}) : options_(options) {}
  Tensor forward(const Tensor& input, const Tensor& target) override;
  std::string type_name() const override { return "KLDivLoss"; }

 private:
  KLDivLossOptions options_;
};

}  // namespace rustorch::nn
