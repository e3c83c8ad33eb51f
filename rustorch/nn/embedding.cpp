#include "rustorch/nn/embedding.h"

#include "rustorch/nn/init.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/indexing.h"

namespace rustorch::nn {

Embedding::Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, const EmbeddingOptions& options)
    : num_embeddings_(num_embeddings), embedding_dim_(embedding_dim), padding_idx_(options.padding_idx) {
  RUSTORCH_CHECK(num_embeddings >= 0 && embedding_dim >= 0, invalid_argument,
                 "Embedding: sizes must not be negative, not {} and {}", num_embeddings, embedding_dim);
  if (padding_idx_) {
    RUSTORCH_CHECK(*padding_idx_ >= -num_embeddings && *padding_idx_ < num_embeddings, index_out_of_range,
                   "Embedding: padding_idx {} is out of range for {} embeddings", *padding_idx_,
                   num_embeddings);
    if (*padding_idx_ < 0) *padding_idx_ += num_embeddings;
  }
  weight = parameter("weight", empty({num_embeddings, embedding_dim}));
  reset_parameters();
}

void Embedding::reset_parameters() {
  init::normal_(weight);
  if (padding_idx_) init::zeros_(weight.detach()[*padding_idx_]);
}

Tensor Embedding::forward(const Tensor& indices) {
  RUSTORCH_CHECK(is_integral(indices.dtype()), dtype_mismatch, "Embedding({}) takes integer indices, not {}",
                 extra_repr(), indices.dtype());
  Tensor rows = embedding(indices, weight);
  if (!padding_idx_ || !rows.requires_grad()) return rows;
  // The padding row is looked up, but learns nothing.
  return where((indices == *padding_idx_).unsqueeze(-1), rows.detach(), rows);
}

std::string Embedding::extra_repr() const {
  std::string text = fmt::format("{}, {}", num_embeddings_, embedding_dim_);
  if (padding_idx_) text += fmt::format(", padding_idx={}", *padding_idx_);
  return text;
}

}  // namespace rustorch::nn
