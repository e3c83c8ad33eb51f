#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rustorch/nn/module.h"
#include "rustorch/nn/options.h"

namespace rustorch::nn {

struct EmbeddingOptions {
  NamedOnly named_only = NamedOnly();
  /// This row starts as zeros and gets no gradient; negative counts from the end.
  std::optional<std::int64_t> padding_idx = {};
};

/// Rows of a table by int64 index (torch.nn.Embedding): indices [...] give [..., embedding_dim]. weight
/// starts normal with mean 0 and standard deviation 1.
class Embedding : public Module {
 public:
  Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, const EmbeddingOptions& options = {});
  Tensor forward(const Tensor& indices) override;
  void reset_parameters();
  std::string type_name() const override { return "Embedding"; }
  std::string extra_repr() const override;
  std::int64_t num_embeddings() const noexcept { return num_embeddings_; }
  std::int64_t embedding_dim() const noexcept { return embedding_dim_; }

 private:
  std::int64_t num_embeddings_, embedding_dim_;
  std::optional<std::int64_t> padding_idx_;

 public:
  Parameter weight;
};

}  // namespace rustorch::nn
