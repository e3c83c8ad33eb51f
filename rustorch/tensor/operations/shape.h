#pragma once

#include <vector>

#include "rustorch/tensor/tensor.h"

namespace rustorch {

// Shape operations; those marked "view" share x's storage. One dim of a shape may be -1: it is inferred.

/// A view where the strides allow it, else a copy.
Tensor reshape(const Tensor& x, const Shape& shape);
/// A view; an Error that suggests reshape where the strides do not allow it.
Tensor view(const Tensor& x, const Shape& shape);
Tensor transpose(const Tensor& x, std::int64_t dim0, std::int64_t dim1);         ///< view
Tensor swapaxes(const Tensor& x, std::int64_t dim0, std::int64_t dim1);          ///< view
Tensor permute(const Tensor& x, const Shape& dims);                              ///< view
Tensor movedim(const Tensor& x, const Shape& source, const Shape& destination);  ///< view
Tensor squeeze(const Tensor& x);                                                 ///< view
Tensor squeeze(const Tensor& x, const Dims& dims);                               ///< view
Tensor unsqueeze(const Tensor& x, std::int64_t dim);                             ///< view
Tensor flatten(const Tensor& x, std::int64_t start_dim = 0, std::int64_t end_dim = -1);
Tensor unflatten(const Tensor& x, std::int64_t dim, const Shape& sizes);
/// Broadcasts size-1 dims (and new leading ones) by stride 0; -1 keeps a dim. View.
Tensor expand(const Tensor& x, const Shape& shape);
Tensor expand_as(const Tensor& x, const Tensor& other);
Tensor broadcast_to(const Tensor& x, const Shape& shape);
std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& tensors);
Tensor repeat(const Tensor& x, const Shape& repeats);
Tensor tile(const Tensor& x, const Shape& repeats);
/// Without dim the flattened tensor is repeated.
Tensor repeat_interleave(const Tensor& x, std::int64_t repeats, std::optional<std::int64_t> dim = {});
Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, std::optional<std::int64_t> dim = {});
/// Without dims the flattened tensor is rolled.
Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims = {});
Tensor rot90(const Tensor& x, std::int64_t k = 1, const Shape& dims = {0, 1});
Tensor flip(const Tensor& x, const Shape& dims);
Tensor fliplr(const Tensor& x);
Tensor flipud(const Tensor& x);
Tensor cat(const std::vector<Tensor>& tensors, std::int64_t dim = 0);
Tensor concat(const std::vector<Tensor>& tensors, std::int64_t dim = 0);
Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim = 0);
Tensor hstack(const std::vector<Tensor>& tensors);
Tensor vstack(const std::vector<Tensor>& tensors);
std::vector<Tensor> split(const Tensor& x, std::int64_t size, std::int64_t dim = 0);        ///< views
std::vector<Tensor> split(const Tensor& x, const Shape& sizes, std::int64_t dim = 0);       ///< views
std::vector<Tensor> chunk(const Tensor& x, std::int64_t chunks, std::int64_t dim = 0);      ///< views
std::vector<Tensor> unbind(const Tensor& x, std::int64_t dim = 0);                          ///< views
Tensor narrow(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t length);  ///< view
Tensor select(const Tensor& x, std::int64_t dim, std::int64_t index);                       ///< view
/// x[…, start:stop:step, …] along dim, bounds clipped as in Python; step > 0. View.
Tensor slice(const Tensor& x, std::int64_t dim, std::optional<std::int64_t> start = {},
             std::optional<std::int64_t> stop = {}, std::int64_t step = 1);
/// Windows of `size` along dim as a new last dim. View.
Tensor unfold(const Tensor& x, std::int64_t dim, std::int64_t size, std::int64_t step);
Tensor diagonal(const Tensor& x, std::int64_t offset = 0, std::int64_t dim1 = 0,
                std::int64_t dim2 = 1);  ///< view
/// Any layout over x's storage; bounds are checked. The offset counts from the storage's start and defaults
/// to x's. View.
Tensor as_strided(const Tensor& x, const Shape& shape, const Strides& strides,
                  std::optional<std::int64_t> offset = {});
Tensor t(const Tensor& x);  ///< view; rank ≤ 2

enum class PadMode : std::uint8_t { constant, reflect, replicate, circular };
/// Pads from the last dim backwards: {left, right, top, bottom …} (torch.nn.functional.pad).
Tensor pad(const Tensor& x, const Shape& padding, PadMode mode = PadMode::constant, double value = 0.0);

}  // namespace rustorch
