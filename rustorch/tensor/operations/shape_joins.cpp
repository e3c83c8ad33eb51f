// Tensors put together: cat, stack and their kin.

#include "rustorch/core/shape_suggestion.h"
#include "rustorch/tensor/operations/elementwise_core.h"
#include "rustorch/tensor/operations/shape.h"
#include "rustorch/tensor/operations/view_gradient.h"

namespace rustorch {
namespace {

/// The dtype that holds all, and that they live on one device.
DType common_dtype(const char* op, const std::vector<Tensor>& tensors) {
  RUSTORCH_CHECK(!tensors.empty(), invalid_argument, "{}: there are no tensors to join", op);
  ResultType result;
  for (const Tensor& tensor : tensors) {
    common_device(op, {&tensors[0], &tensor});
    result.add(tensor.dtype(), tensor.rank() == 0 ? PromotionClass::zero_dim : PromotionClass::dimensioned);
  }
  return result.result();
}

/// torch.cat takes empty vectors among tensors of any rank, as starting points of loops that append.
bool is_empty_vector(const Tensor& tensor) { return tensor.rank() == 1 && tensor.shape()[0] == 0; }

void check_fits(const Tensor& tensor, std::size_t position, const Tensor& first, std::size_t first_position,
                std::size_t dim) {
  const Shape& shape = tensor.shape();
  const Shape& expected = first.shape();
  if (shape.size() != expected.size()) {
    fail_with_suggestion(ErrorCode::shape_mismatch, suggest_cat(expected, shape, dim),
                         "cat: tensor {} has {} dims (shape {}), tensor {} has {} (shape {})", position,
                         shape.size(), shape, first_position, expected.size(), expected);
  }
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i == dim || shape[i] == expected[i]) continue;
    fail_with_suggestion(
        ErrorCode::shape_mismatch, suggest_cat(expected, shape, dim),
        "cat: tensor {} of shape {} and tensor {} of shape {} differ at dim {}, and they are joined "
        "along dim {}",
        position, shape, first_position, expected, i, dim);
  }
}

}  // namespace

Tensor cat(const std::vector<Tensor>& tensors, std::int64_t dim) {
  const DType dtype = common_dtype("cat", tensors);
  std::size_t first = 0;
  while (first + 1 < tensors.size() && is_empty_vector(tensors[first])) ++first;
  const Tensor& model = tensors[first];
  if (model.rank() == 0) {
    fail_with_suggestion(ErrorCode::shape_mismatch, "stack joins them along a new dim",
                         "cat: tensor {} has no dims", first);
  }
  const std::size_t at = normalize_dim(dim, model.rank(), "cat");
  Shape shape = model.shape();
  shape[at] = 0;
  std::vector<std::int64_t> starts;  // where each part begins, and the end
  starts.reserve(tensors.size() + 1);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    starts.push_back(shape[at]);
    if (is_empty_vector(tensors[i])) continue;
    check_fits(tensors[i], i, model, first, at);
    shape[at] += tensors[i].shape()[at];
  }
  starts.push_back(shape[at]);

  Tensor y = allocate(Layout::dense_like(shape, model.layout()), dtype, model.device());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].numel() == 0) continue;
    Layout part = y.layout();
    part.offset += starts[i] * part.strides[at];
    part.shape[at] = starts[i + 1] - starts[i];
    write_part(y, std::move(part), tensors[i]);
  }
  return with_gradient(std::move(y), "cat", tensors,
                       [at, starts = std::move(starts)](const Tensor& g, Needs needs) {
                         TensorList parts(starts.size() - 1);
                         for (std::size_t i = 0; i < parts.size(); ++i) {
                           const std::int64_t length = starts[i + 1] - starts[i];
                           if (needs[i] && length > 0) {
                             parts[i] = narrow(g, static_cast<std::int64_t>(at), starts[i], length);
                           }
                         }
                         return parts;
                       });
}

Tensor concat(const std::vector<Tensor>& tensors, std::int64_t dim) { return cat(tensors, dim); }

Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim) {
  const DType dtype = common_dtype("stack", tensors);
  const Shape& part_shape = tensors[0].shape();
  const std::size_t at = normalize_dim(dim, part_shape.size() + 1, "stack");
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i].shape() == part_shape) continue;
    fail_with_suggestion(
        ErrorCode::shape_mismatch,
        tensors[i].rank() == part_shape.size() ? "cat joins tensors that differ along one dim" : "",
        "stack: tensor {} has shape {}, tensor 0 has shape {}", i, tensors[i].shape(), part_shape);
  }
  Shape shape = part_shape;
  shape.insert(at, static_cast<std::int64_t>(tensors.size()));
  Tensor y = allocate(Layout::contiguous(std::move(shape)), dtype, tensors[0].device());
  Layout part = y.layout();
  const std::int64_t step = part.strides[at];
  part.shape.erase(at);
  part.strides.erase(at);
  for (const Tensor& tensor : tensors) {
    write_part(y, part, tensor);
    part.offset += step;
  }
  return with_gradient(
      std::move(y), "stack", tensors, [at, count = tensors.size()](const Tensor& g, Needs needs) {
        TensorList parts(count);
        for (std::size_t i = 0; i < count; ++i) {
          if (needs[i]) parts[i] = select(g, static_cast<std::int64_t>(at), static_cast<std::int64_t>(i));
        }
        return parts;
      });
}

Tensor hstack(const std::vector<Tensor>& tensors) {
  TensorList rows = tensors;
  for (Tensor& row : rows) {
    if (row.rank() == 0) row = reshape(row, {1});
  }
  return cat(rows, !rows.empty() && rows[0].rank() > 1 ? 1 : 0);
}

Tensor vstack(const std::vector<Tensor>& tensors) {
  TensorList rows = tensors;
  for (Tensor& row : rows) {
    if (row.rank() < 2) row = reshape(row, {1, row.numel()});
  }
  return cat(rows, 0);
}

}  // namespace rustorch
