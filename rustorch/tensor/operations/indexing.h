#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "rustorch/tensor/operand.h"

namespace rustorch {

/// Stands for as many full dims as needed: `x.index({0, Ellipsis, Slice(0, 2)})`.
struct EllipsisType {};
inline constexpr EllipsisType Ellipsis;
/// Adds a dim of size 1: Python's None.
struct NewAxisType {};
inline constexpr NewAxisType None;

/// Python's start:stop:step; what is left out is the whole range. step > 0.
struct Slice {
  Slice() = default;
  explicit(false) Slice(std::optional<std::int64_t> start_, std::optional<std::int64_t> stop_ = {},
                        std::int64_t step_ = 1)
      : start(start_), stop(stop_), step(step_) {}
  Slice(NewAxisType, std::optional<std::int64_t> stop_, std::int64_t step_ = 1) : stop(stop_), step(step_) {}
  Slice(std::optional<std::int64_t> start_, NewAxisType, std::int64_t step_ = 1)
      : start(start_), step(step_) {}
  Slice(NewAxisType, NewAxisType, std::int64_t step_ = 1) : step(step_) {}
  std::optional<std::int64_t> start, stop;
  std::int64_t step = 1;
};

/// One entry of an index: an integer, a slice, Ellipsis, None, or a tensor (integers, or a bool mask).
class TensorIndex {
 public:
  using Value = std::variant<std::int64_t, Slice, EllipsisType, NewAxisType, Tensor>;
  template <std::integral T>
  explicit(false) TensorIndex(T index) : value_(static_cast<std::int64_t>(index)) {}
  explicit(false) TensorIndex(Slice slice) : value_(slice) {}
  explicit(false) TensorIndex(EllipsisType ellipsis) : value_(ellipsis) {}
  explicit(false) TensorIndex(NewAxisType axis) : value_(axis) {}
  explicit(false) TensorIndex(Tensor tensor) : value_(std::move(tensor)) {}
  const Value& value() const noexcept { return value_; }

 private:
  Value value_;
};

/// x[i, j, …] with NumPy's rules: integers, slices, Ellipsis and None give a view, tensors a copy.
Tensor index(const Tensor& x, const std::vector<TensorIndex>& indices);
/// x[i, j, …] = values, in place; accumulate adds, equal indices too.
Tensor& index_put_(Tensor& x, const std::vector<TensorIndex>& indices, const Operand& values,
                   bool accumulate = false);
Tensor index_put(const Tensor& x, const std::vector<TensorIndex>& indices, const Operand& values,
                 bool accumulate = false);
Tensor gather(const Tensor& x, std::int64_t dim, const Tensor& index);
Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Operand& source);
Tensor scatter_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source);
Tensor index_select(const Tensor& x, std::int64_t dim, const Tensor& index);
Tensor index_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                 const Scalar& alpha = 1);
Tensor masked_select(const Tensor& x, const Tensor& mask);
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Operand& value);
/// Elements of the flattened x.
Tensor take(const Tensor& x, const Tensor& index);
Tensor take_along_dim(const Tensor& x, const Tensor& index, std::int64_t dim);
/// int64 [count, rank]: the positions of the nonzero elements, row-major.
Tensor nonzero(const Tensor& x);
/// int64 [..., classes]; classes = -1 takes the largest + 1.
Tensor one_hot(const Tensor& x, std::int64_t classes = -1);
/// Rows of weight: weight[index] with gradient.
Tensor embedding(const Tensor& index, const Tensor& weight);

}  // namespace rustorch
