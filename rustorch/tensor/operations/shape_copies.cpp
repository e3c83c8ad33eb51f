// Elements repeated, moved round and turned over.

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/selection.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch {
namespace {

/// Repeats each dim as often as `repeats` says, which has x's rank.
Tensor repeat_dims(const Tensor& x, const Shape& repeats) {
  // [a, b] is seen as [1, a, 1, b], broadcast to [r, a, s, b], and copied row-major.
  Shape apart, wide, result;
  for (std::size_t dim = 0; dim < repeats.size(); ++dim) {
    const std::int64_t size = x.shape()[dim];
    for (const std::int64_t part : {std::int64_t{1}, size}) apart.push_back(part);
    for (const std::int64_t part : {repeats[dim], size}) wide.push_back(part);
    result.push_back(repeats[dim] * size);
  }
  const Tensor y = reshape(expand(reshape(x, apart), wide), result);
  return y.shares_storage(x) ? y.clone() : y;
}

Shape with_leading_ones(const Shape& shape, std::size_t rank) {
  Shape longer = Shape::filled(rank - shape.size(), 1);
  for (const std::int64_t size : shape) longer.push_back(size);
  return longer;
}

Tensor roll_dim(const Tensor& x, std::int64_t shift, std::size_t dim) {
  const std::int64_t size = x.shape()[dim];
  const std::int64_t places = size == 0 ? 0 : ((shift % size) + size) % size;
  if (places == 0) return x;
  const auto at = static_cast<std::int64_t>(dim);
  return cat({narrow(x, at, size - places, places), narrow(x, at, 0, size - places)}, at);
}

}  // namespace

Tensor repeat(const Tensor& x, const Shape& repeats) {
  RUSTORCH_CHECK(repeats.size() >= x.rank(), invalid_argument,
                 "repeat: {} gives {} counts, fewer than the dims of shape {}", repeats, repeats.size(),
                 x.shape());
  for (const std::int64_t count : repeats) {
    RUSTORCH_CHECK(count >= 0, invalid_argument, "repeat: {} holds a negative count", repeats);
  }
  if (repeats.size() == x.rank()) return repeat_dims(x, repeats);
  const Tensor y = repeat_dims(reshape(x, with_leading_ones(x.shape(), repeats.size())), repeats);
  return y.shares_storage(x) ? y.clone() : y;
}

Tensor tile(const Tensor& x, const Shape& repeats) {
  return repeat(x, repeats.size() < x.rank() ? with_leading_ones(repeats, x.rank()) : repeats);
}

Tensor repeat_interleave(const Tensor& x, std::int64_t repeats, std::optional<std::int64_t> dim) {
  RUSTORCH_CHECK(repeats >= 0, invalid_argument, "repeat_interleave: {} repeats", repeats);
  if (!dim || x.rank() == 0) {
    if (dim) normalize_dim(*dim, 0, "repeat_interleave");
    return repeat_interleave(reshape(x, {-1}), repeats, 0);
  }
  const std::size_t at = normalize_dim(*dim, x.rank(), "repeat_interleave");
  const Tensor apart = unsqueeze(x, static_cast<std::int64_t>(at) + 1);
  Shape wide = apart.shape();
  wide[at + 1] = repeats;
  Shape shape = x.shape();
  shape[at] *= repeats;
  const Tensor y = reshape(expand(apart, wide), shape);
  return y.shares_storage(x) ? y.clone() : y;
}

Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, std::optional<std::int64_t> dim) {
  if (!dim || x.rank() == 0) {
    if (dim) normalize_dim(*dim, 0, "repeat_interleave");
    return repeat_interleave(reshape(x, {x.numel()}), repeats, 0);
  }
  const std::size_t at = normalize_dim(*dim, x.rank(), "repeat_interleave");
  const std::int64_t size = x.shape()[at];
  RUSTORCH_CHECK(repeats.rank() <= 1 && (repeats.numel() == 1 || repeats.numel() == size), shape_mismatch,
                 "repeat_interleave: repeats of shape {} for dim {} of size {} (shape {})", repeats.shape(),
                 at, size, x.shape());
  const auto counts = as_index("repeat_interleave", repeats, Device()).to_vector<std::int64_t>();
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int64_t count = counts[counts.size() == 1 ? 0 : static_cast<std::size_t>(i)];
    RUSTORCH_CHECK(count >= 0, invalid_argument, "repeat_interleave: repeats hold {}, a negative count",
                   count);
    places.insert(places.end(), static_cast<std::size_t>(count), i);
  }
  return index_select(x, static_cast<std::int64_t>(at), tensor(places, {.device = x.device()}));
}

Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims) {
  if (dims.empty()) {
    RUSTORCH_CHECK(shifts.size() == 1, invalid_argument, "roll: {} shifts without dims: name a dim for each",
                   shifts.size());
    return reshape(roll(reshape(x, {x.numel()}), shifts, {0}), x.shape());
  }
  RUSTORCH_CHECK(shifts.size() == dims.size(), invalid_argument, "roll: {} shifts for {} dims ({} and {})",
                 shifts.size(), dims.size(), shifts, dims);
  Tensor y = x;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const std::size_t dim = normalize_dim(dims[i], x.rank(), "roll");
    if (x.rank() > 0) y = roll_dim(y, shifts[i], dim);
  }
  return y.shares_storage(x) ? y.clone() : y;
}

Tensor flip(const Tensor& x, const Shape& dims) {
  std::vector<bool> turned(std::max<std::size_t>(x.rank(), 1));
  Selection selection = Selection::all_of(x.shape());
  for (const std::int64_t dim : dims) {
    const std::size_t at = normalize_dim(dim, x.rank(), "flip");
    RUSTORCH_CHECK(!turned[at], invalid_argument, "flip: dim {} is named twice in {}", at, dims);
    turned[at] = true;
    if (x.rank() == 0 || x.shape()[at] <= 1) continue;
    selection.choose(at, arange(x.shape()[at] - 1, -1, -1, {.dtype = DType::int64, .device = x.device()}));
  }
  return selection.indices.empty() ? x.clone() : select_elements("flip", x, std::move(selection));
}

Tensor fliplr(const Tensor& x) {
  RUSTORCH_CHECK(x.rank() >= 2, invalid_argument, "fliplr: needs at least 2 dims, not shape {}", x.shape());
  return flip(x, {1});
}

Tensor flipud(const Tensor& x) {
  RUSTORCH_CHECK(x.rank() >= 1, invalid_argument, "flipud: needs at least 1 dim");
  return flip(x, {0});
}

Tensor rot90(const Tensor& x, std::int64_t k, const Shape& dims) {
  RUSTORCH_CHECK(dims.size() == 2, invalid_argument, "rot90: turns in a plane of 2 dims, not of {}",
                 dims.size());
  RUSTORCH_CHECK(x.rank() >= 2, invalid_argument, "rot90: needs at least 2 dims, not shape {}", x.shape());
  const auto from = static_cast<std::int64_t>(normalize_dim(dims[0], x.rank(), "rot90"));
  const auto to = static_cast<std::int64_t>(normalize_dim(dims[1], x.rank(), "rot90"));
  RUSTORCH_CHECK(from != to, invalid_argument, "rot90: {} names dim {} twice", dims, from);
  switch (((k % 4) + 4) % 4) {
    case 1:
      return transpose(flip(x, {to}), from, to);
    case 2:
      return flip(x, {from, to});
    case 3:
      return transpose(flip(x, {from}), from, to);
    default:
      return x.clone();
  }
}

Tensor Tensor::repeat(const Shape& repeats) const { return rustorch::repeat(*this, repeats); }
Tensor Tensor::tile(const Shape& repeats) const { return rustorch::tile(*this, repeats); }
Tensor Tensor::repeat_interleave(std::int64_t repeats, std::optional<std::int64_t> dim) const {
  return rustorch::repeat_interleave(*this, repeats, dim);
}
Tensor Tensor::repeat_interleave(const Tensor& repeats, std::optional<std::int64_t> dim) const {
  return rustorch::repeat_interleave(*this, repeats, dim);
}
Tensor Tensor::roll(const Shape& shifts, const Shape& dims) const {
  return rustorch::roll(*this, shifts, dims);
}
Tensor Tensor::rot90(std::int64_t k, const Shape& dims) const { return rustorch::rot90(*this, k, dims); }
Tensor Tensor::flip(const Shape& dims) const { return rustorch::flip(*this, dims); }
Tensor Tensor::fliplr() const { return rustorch::fliplr(*this); }
Tensor Tensor::flipud() const { return rustorch::flipud(*this); }

}  // namespace rustorch
