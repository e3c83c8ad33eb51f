// x[i, j, …] with NumPy's rules, read and written.

#include "rustorch/tensor/operations/indexing.h"

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/selection.h"
#include "rustorch/tensor/operations/shape.h"
#include "rustorch/tensor/operations/view_gradient.h"

namespace rustorch {
namespace {

/// What integers, slices, Ellipsis and None make of a layout: where each dim of x begins, and what the dims
/// of the view are.
struct BasicIndex {
  Shape starts;
  Shape sizes;   ///< of the view's dims
  Shape source;  ///< for each the dim of x that it steps along, or -1 for a new one
  Shape steps;

  void keep(std::size_t dim, std::int64_t size, std::int64_t step = 1) {
    sizes.push_back(size);
    source.push_back(static_cast<std::int64_t>(dim));
    steps.push_back(step);
  }
  void add_axis() {
    sizes.push_back(1);
    source.push_back(-1);
    steps.push_back(1);
  }
  void operator()(Layout& layout) const {
    Layout view(sizes, steps, layout.offset);
    for (std::size_t dim = 0; dim < starts.size(); ++dim) view.offset += starts[dim] * layout.strides[dim];
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (source[i] >= 0) view.strides[i] *= layout.strides[static_cast<std::size_t>(source[i])];
    }
    layout = std::move(view);
  }
};

bool is_mask(const Tensor& index) {
  return index.dtype() == DType::bool_ || index.dtype() == DType::uint8;  // uint8 masks: PyTorch's old form
}

std::size_t dims_taken(const TensorIndex& entry) {
  if (std::holds_alternative<EllipsisType>(entry.value()) ||
      std::holds_alternative<NewAxisType>(entry.value())) {
    return 0;
  }
  const Tensor* tensor = std::get_if<Tensor>(&entry.value());
  return tensor != nullptr && is_mask(*tensor) ? tensor->rank() : 1;
}

/// An index split into the view it begins with and the tensors that then choose from that view.
class ParsedIndex {
 public:
  struct Chooser {
    std::size_t dim;  ///< the first dim of the view that it chooses from
    Tensor tensor;    ///< integers, or a mask over as many dims as it has
  };

  ParsedIndex(const char* op, const Tensor& x, const std::vector<TensorIndex>& indices) : op_(op), x_(x) {
    basic_.starts = Shape::filled(x.rank(), 0);
    std::size_t taken = 0;
    std::size_t ellipses = 0;
    for (const TensorIndex& entry : indices) {
      taken += dims_taken(entry);
      ellipses += std::holds_alternative<EllipsisType>(entry.value()) ? 1 : 0;
    }
    RUSTORCH_CHECK(taken <= x.rank(), index_out_of_range, "{}: {} indices for a tensor of rank {} (shape {})",
                   op, taken, x.rank(), x.shape());
    RUSTORCH_CHECK(ellipses <= 1, invalid_argument,
                   "{}: an index holds {} Ellipsis, and one at most has a meaning", op, ellipses);
    for (const TensorIndex& entry : indices) {
      if (std::holds_alternative<EllipsisType>(entry.value())) {
        keep_dims(x.rank() - taken);
      } else {
        std::visit([this](const auto& value) { add(value); }, entry.value());
      }
    }
    keep_dims(x.rank() - dim_);
  }

  bool is_view() const noexcept { return choosers_.empty(); }
  const std::vector<Chooser>& choosers() const noexcept { return choosers_; }

  /// Whether the view is x as it is.
  bool keeps_all() const noexcept {
    return basic_.sizes == x_.shape() && basic_.source == Selection::all_of(x_.shape()).along;
  }
  Tensor view() const { return view_through(x_, "index", basic_); }
  /// What the choosers choose from.
  Tensor chosen_from() const { return keeps_all() ? x_ : view(); }
  Selection selection(const Tensor& from) const;

 private:
  void add(std::int64_t index) {
    const std::int64_t size = x_.shape()[dim_];
    RUSTORCH_CHECK(index >= -size && index < size, index_out_of_range,
                   "{}: index {} is out of range for dim {} of size {} (shape {})", op_, index, dim_, size,
                   x_.shape());
    basic_.starts[dim_++] = index < 0 ? index + size : index;
  }
  void add(const Slice& slice) {
    if (slice.step <= 0) {
      fail_with_suggestion(ErrorCode::invalid_argument, slice.step < 0 ? "flip reverses a dim" : "",
                           "{}: the step {} of the slice of dim {} is not positive", op_, slice.step, dim_);
    }
    const std::int64_t size = x_.shape()[dim_];
    const auto clipped = [size](std::int64_t position) {
      return std::clamp<std::int64_t>(position < 0 ? position + size : position, 0, size);
    };
    const std::int64_t start = clipped(slice.start.value_or(0));
    const std::int64_t length = std::max<std::int64_t>(0, clipped(slice.stop.value_or(size)) - start);
    basic_.starts[dim_] = start;
    basic_.keep(dim_, length / slice.step + (length % slice.step != 0 ? 1 : 0), slice.step);
    ++dim_;
  }
  void add(const NewAxisType&) { basic_.add_axis(); }
  void add(const EllipsisType&) {}
  void add(const Tensor& index) {
    RUSTORCH_CHECK(is_integral(index.dtype()) || index.dtype() == DType::bool_, dtype_mismatch,
                   "{}: a tensor that indexes dim {} is of integers or bool, not of {} (shape {})", op_, dim_,
                   index.dtype(), index.shape());
    if (!is_mask(index)) {
      if (index.rank() == 0) return add(index.item<std::int64_t>());
      choosers_.push_back({basic_.sizes.size(), index});
      return keep_dims(1);
    }
    if (index.rank() == 0) {  // true keeps all, false nothing: the one or no place of a new dim
      choosers_.push_back({basic_.sizes.size(), zeros({index.item<bool>() ? 1 : 0},
                                                      {.dtype = DType::int64, .device = x_.device()})});
      return basic_.add_axis();
    }
    for (std::size_t i = 0; i < index.rank(); ++i) {
      RUSTORCH_CHECK(index.shape()[i] == x_.shape()[dim_ + i], index_out_of_range,
                     "{}: a mask of shape {} for dims {} to {} of shape {}: dim {} has size {}, not {}", op_,
                     index.shape(), dim_, dim_ + index.rank() - 1, x_.shape(), dim_ + i, x_.shape()[dim_ + i],
                     index.shape()[i]);
    }
    choosers_.push_back({basic_.sizes.size(), index});
    keep_dims(index.rank());
  }
  void keep_dims(std::size_t count) {
    for (; count > 0; --count, ++dim_) basic_.keep(dim_, x_.shape()[dim_]);
  }

  const char* op_;
  const Tensor& x_;
  std::size_t dim_ = 0;  // the next dim of x
  BasicIndex basic_;
  std::vector<Chooser> choosers_;
};

/// Index tensors of their own shapes, each for one dim of what they choose from; masks became the positions
/// where they hold.
std::vector<ParsedIndex::Chooser> index_tensors(const char* op,
                                                const std::vector<ParsedIndex::Chooser>& choosers,
                                                Device device) {
  std::vector<ParsedIndex::Chooser> result;
  for (const auto& [dim, tensor] : choosers) {
    if (!is_mask(tensor)) {
      result.push_back({dim, as_index(op, tensor, device)});
      continue;
    }
    const Tensor positions = nonzero(tensor.detach().to(device));
    for (std::size_t i = 0; i < tensor.rank(); ++i) {
      result.push_back({dim + i, select(positions, 1, static_cast<std::int64_t>(i))});
    }
  }
  return result;
}

Shape broadcast_index_shapes(const char* op, const std::vector<ParsedIndex::Chooser>& indices) {
  Shape shape;
  for (const auto& [dim, tensor] : indices) {
    for (std::size_t i = 1; i <= std::min(shape.size(), tensor.rank()); ++i) {
      const std::int64_t a = shape[shape.size() - i];
      const std::int64_t b = tensor.shape()[tensor.rank() - i];
      RUSTORCH_CHECK(
          a == b || a == 1 || b == 1, index_out_of_range,
          "{}: index tensors do not broadcast together: that of dim {} has shape {}, those before {}", op,
          dim, tensor.shape(), shape);
    }
    shape = broadcast_shapes(shape, tensor.shape(), op);
  }
  return shape;
}

Selection ParsedIndex::selection(const Tensor& from) const {
  const std::vector<Chooser> indices = index_tensors(op_, choosers_, from.device());
  const Shape chosen = broadcast_index_shapes(op_, indices);
  for (const Chooser& index : indices) {  // the backend would see no elements, and no index
    RUSTORCH_CHECK(from.shape()[index.dim] != 0 || chosen.element_count() == 0, index_out_of_range,
                   "{}: indices into a dim of size 0 (shape {})", op_, x_.shape());
  }
  // Index tensors that stand side by side keep their place; else what they choose comes first.
  const bool adjacent = indices.back().dim - indices.front().dim + 1 == indices.size();
  const std::size_t place = adjacent ? indices.front().dim : 0;

  std::vector<bool> is_chosen(from.rank());
  for (const Chooser& index : indices) is_chosen[index.dim] = true;
  Selection selection;
  const auto append_chosen = [&] {
    for (const std::int64_t size : chosen) {
      selection.shape.push_back(size);
      selection.along.push_back(-1);
    }
  };
  if (place == 0) append_chosen();
  for (std::size_t dim = 0; dim < from.rank(); ++dim) {
    if (!is_chosen[dim]) {
      selection.shape.push_back(from.shape()[dim]);
      selection.along.push_back(static_cast<std::int64_t>(dim));
    }
    if (place != 0 && dim + 1 == place) append_chosen();
  }
  for (const Chooser& index : indices) {
    const std::size_t first = place + chosen.size() - index.tensor.rank();
    selection.indices.push_back({Saved(spread_index(index.tensor, selection.shape, first)), index.dim});
  }
  return selection;
}

/// Values that may have more dims of size 1 in front than the place they go to.
Tensor without_leading_ones(const Tensor& values, std::size_t rank) {
  Tensor result = values;
  while (result.rank() > rank && result.shape()[0] == 1) result = select(result, 0, 0);
  return result;
}

/// What is written, as a tensor of x's dtype and device that broadcasts to `shape`.
Tensor checked_values(const char* op, const Tensor& x, const Operand& values, const Shape& shape) {
  if (!values.is_tensor()) return full({}, values.scalar(), {.dtype = x.dtype(), .device = x.device()});
  const Tensor& given = *values.tensor();
  if (given.dtype() != x.dtype()) {
    fail_with_suggestion(ErrorCode::dtype_mismatch,
                         fmt::format("convert the values: values.to({})", x.dtype()),
                         "{}: values of dtype {} for a tensor of dtype {}", op, given.dtype(), x.dtype());
  }
  Tensor result = without_leading_ones(given, shape.size());
  if (result.rank() == 0) result = result.to(x.device());
  bool fits = result.rank() <= shape.size();
  for (std::size_t i = 1; fits && i <= result.rank(); ++i) {
    const std::int64_t size = result.shape()[result.rank() - i];
    fits = size == 1 || size == shape[shape.size() - i];
  }
  RUSTORCH_CHECK(fits, shape_mismatch, "{}: values of shape {} do not broadcast to the indexed shape {}", op,
                 given.shape(), shape);
  RUSTORCH_CHECK(result.device() == x.device(), device_mismatch, "{}: values on {} for a tensor on {}", op,
                 result.device(), x.device());
  return result;
}

/// x[mask] = one value, without looking for the positions where the mask holds.
bool fill_by_mask(Tensor& from, const std::vector<ParsedIndex::Chooser>& choosers, const Operand& values) {
  if (choosers.size() != 1 || !is_mask(choosers[0].tensor)) return false;
  if (values.is_tensor() && (values.tensor()->rank() != 0 || values.tensor()->dtype() != from.dtype()))
    return false;
  const auto& [dim, mask] = choosers[0];
  Shape shape = mask.shape();
  while (dim + shape.size() < from.rank()) shape.push_back(1);
  from.masked_fill_(reshape(mask.detach().to(from.device()).to(DType::bool_), shape), values);
  return true;
}

}  // namespace

Tensor index(const Tensor& x, const std::vector<TensorIndex>& indices) {
  const ParsedIndex parsed("index", x, indices);
  if (parsed.is_view()) return parsed.view();
  const Tensor from = parsed.chosen_from();
  return select_elements("index", from, parsed.selection(from));
}

Tensor& index_put_(Tensor& x, const std::vector<TensorIndex>& indices, const Operand& values,
                   bool accumulate) {
  const ParsedIndex parsed("index_put_", x, indices);
  check_in_place(x, "index_put_");
  if (parsed.is_view()) {
    Tensor view = parsed.view();
    if (accumulate) {
      view.add_(values);
    } else if (values.is_tensor()) {
      view.copy_(without_leading_ones(*values.tensor(), view.rank()));
    } else {
      view.fill_(values.scalar());
    }
    return x;
  }
  // The choosers write through the view into x.
  Tensor view;
  if (!parsed.keeps_all()) view = parsed.view();
  Tensor& target = view.defined() ? view : x;
  if (!accumulate && fill_by_mask(target, parsed.choosers(), values)) return x;
  Selection selection = parsed.selection(target);
  const Tensor source = checked_values("index_put_", x, values, selection.shape);
  put_elements_("index_put_", accumulate ? ScatterMode::add : ScatterMode::write, target,
                std::move(selection), source);
  return x;
}

Tensor index_put(const Tensor& x, const std::vector<TensorIndex>& indices, const Operand& values,
                 bool accumulate) {
  const ParsedIndex parsed("index_put", x, indices);
  if (!parsed.is_view() && parsed.keeps_all()) {
    Selection selection = parsed.selection(x);
    const Tensor source = checked_values("index_put", x, values, selection.shape);
    return put_elements("index_put", accumulate ? ScatterMode::add : ScatterMode::write, x,
                        std::move(selection), source);
  }
  Tensor y = x.clone();
  return index_put_(y, indices, values, accumulate);
}

Tensor Tensor::index(const std::vector<TensorIndex>& indices) const {
  return rustorch::index(*this, indices);
}
Tensor& Tensor::index_put_(const std::vector<TensorIndex>& indices, const Operand& values, bool accumulate) {
  return rustorch::index_put_(*this, indices, values, accumulate);
}

}  // namespace rustorch
