#include "rustorch/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "rustorch/data/rows.h"
#include "rustorch/data/samplers.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch::data {

namespace {

void check_index(std::int64_t index, std::int64_t size) {
  RUSTORCH_CHECK(index >= 0 && index < size, index_out_of_range, "example {} of a dataset of {}", index,
                 size);
}

/// What a dataset keeps of a tensor: its values, laid out so that a row is one run of bytes.
Tensor as_rows(const Tensor& x) {
  const Tensor values = x.detach();
  return values.device().is_cpu() ? values.contiguous() : values;
}

Tensor rows_at(const Tensor& x, std::span<const std::int64_t> indices) {
  if (!x.defined()) return {};
  if (x.device().is_cpu()) return gather_rows(x, indices);
  const std::vector<std::int64_t> list(indices.begin(), indices.end());
  return index_select(x, 0, tensor(list, {.device = Device()}).to(x.device()));
}

}  // namespace

Batch Dataset::get_batch(std::span<const std::int64_t> indices) const {
  RUSTORCH_CHECK(!indices.empty(), invalid_argument, "a batch of no examples");
  std::vector<Tensor> x, y;
  x.reserve(indices.size());
  y.reserve(indices.size());
  for (const std::int64_t index : indices) {
    const ErrorContext context([&] { return fmt::format("getting example {}", index); });
    Example example = get(index);
    RUSTORCH_CHECK(example.x.defined(), invalid_argument, "the dataset gave an example without x");
    RUSTORCH_CHECK(x.empty() || example.y.defined() == y.front().defined(), invalid_argument,
                   "some examples of the batch have a target, some have none");
    x.push_back(std::move(example.x));
    y.push_back(std::move(example.y));
  }
  return {stack_rows(x), y.front().defined() ? stack_rows(y) : Tensor()};
}

DatasetHandle::DatasetHandle(Checked checked) : dataset_(std::move(checked.dataset)) {
  RUSTORCH_CHECK(dataset_ != nullptr, invalid_argument, "the pointer to the dataset is null");
}

// ---- TensorDataset

TensorDataset::TensorDataset(Tensor x, Tensor y) {
  RUSTORCH_CHECK(x.defined(), invalid_argument, "TensorDataset: x is undefined");
  RUSTORCH_CHECK(x.rank() >= 1, shape_mismatch,
                 "TensorDataset: x has no dims, its first one counts the examples");
  if (y.defined()) {
    RUSTORCH_CHECK(
        y.rank() >= 1 && y.size(0) == x.size(0), shape_mismatch,
        "TensorDataset: x of shape {} and y of shape {} differ in the number of examples (first dim)",
        x.shape(), y.shape());
    y_ = as_rows(y);
  }
  x_ = as_rows(x);
}

Example TensorDataset::get(std::int64_t index) const {
  check_index(index, size());
  return {select(x_, 0, index), y_.defined() ? select(y_, 0, index) : Tensor()};
}

Batch TensorDataset::get_batch(std::span<const std::int64_t> indices) const {
  const std::int64_t count = size();
  for (const std::int64_t index : indices) check_index(index, count);
  return {rows_at(x_, indices), rows_at(y_, indices)};
}

// ---- ConcatDataset

ConcatDataset::ConcatDataset(std::vector<DatasetHandle> parts) : parts_(std::move(parts)) {
  std::int64_t end = 0;
  for (const DatasetHandle& part : parts_) ends_.push_back(end += part->size());
}

std::size_t ConcatDataset::part_of(std::int64_t index) const {
  check_index(index, size());
  return static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), index) - ends_.begin());
}

Example ConcatDataset::get(std::int64_t index) const {
  const std::size_t part = part_of(index);
  return parts_[part]->get(index - begin_of(part));
}

Batch ConcatDataset::get_batch(std::span<const std::int64_t> indices) const {
  RUSTORCH_CHECK(!indices.empty(), invalid_argument, "a batch of no examples");
  // Each part gives its examples at once; `positions` remembers where in the batch they belong.
  std::vector<std::vector<std::int64_t>> wanted(parts_.size()), positions(parts_.size());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::size_t part = part_of(indices[i]);
    wanted[part].push_back(indices[i] - begin_of(part));
    positions[part].push_back(static_cast<std::int64_t>(i));
  }

  Batch out;
  const auto place = [&](const Tensor& rows, std::size_t part, Tensor Batch::*member, bool is_first) {
    Tensor& target = out.*member;
    RUSTORCH_CHECK(is_first || rows.defined() == target.defined(), invalid_argument,
                   "some parts of a ConcatDataset have targets, some have none");
    if (!rows.defined()) return;
    const Tensor dense = rows.cpu().contiguous();
    Shape shape = dense.shape();
    shape[0] = static_cast<std::int64_t>(indices.size());
    if (is_first) target = allocate_host(shape, dense.dtype());
    RUSTORCH_CHECK(target.shape() == shape && target.dtype() == dense.dtype(), shape_mismatch,
                   "parts of a ConcatDataset differ: {} {} and {} {}", target.dtype(), target.shape(),
                   dense.dtype(), shape);
    scatter_rows(dense, positions[part], target);
  };
  bool is_first = true;
  Device device;  // parts on another device give batches there
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    if (wanted[part].empty()) continue;
    Batch batch = parts_[part]->get_batch(wanted[part]);
    if (wanted[part].size() == indices.size()) return batch;
    if (is_first) device = batch.x.device();
    place(batch.x, part, &Batch::x, is_first);
    place(batch.y, part, &Batch::y, is_first);
    is_first = false;
  }
  if (!device.is_cpu()) return {out.x.to(device), out.y.defined() ? out.y.to(device) : Tensor()};
  return out;
}

// ---- Subset

Subset::Subset(DatasetHandle dataset, std::vector<std::int64_t> indices) : dataset_(std::move(dataset)) {
  for (const std::int64_t index : indices) check_index(index, dataset_->size());
  indices_ = std::make_shared<const std::vector<std::int64_t>>(std::move(indices));
}

Example Subset::get(std::int64_t index) const {
  check_index(index, size());
  return dataset_->get((*indices_)[static_cast<std::size_t>(index)]);
}

Batch Subset::get_batch(std::span<const std::int64_t> indices) const {
  std::vector<std::int64_t> mapped;
  mapped.reserve(indices.size());
  for (const std::int64_t index : indices) {
    check_index(index, size());
    mapped.push_back((*indices_)[static_cast<std::size_t>(index)]);
  }
  return dataset_->get_batch(mapped);
}

namespace {

std::vector<std::int64_t> counts_of(const std::vector<SplitSize>& sizes, std::int64_t total) {
  const auto is_fraction = [](const SplitSize& size) { return size.is_fraction(); };
  std::vector<std::int64_t> counts;
  if (std::none_of(sizes.begin(), sizes.end(), is_fraction)) {
    for (const SplitSize& size : sizes) counts.push_back(size.count());
    const std::int64_t sum = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    const bool negative =
        std::any_of(counts.begin(), counts.end(), [](std::int64_t count) { return count < 0; });
    RUSTORCH_CHECK(sum == total && !negative, invalid_argument,
                   "random_split: the sizes [{}] must be at least 0 and sum to the dataset's {} examples",
                   fmt::join(counts, ", "), total);
    return counts;
  }

  RUSTORCH_CHECK(std::all_of(sizes.begin(), sizes.end(), is_fraction), invalid_argument,
                 "random_split: sizes are either all counts or all fractions");
  double sum = 0.0;
  bool in_range = true;
  for (const SplitSize& size : sizes) {
    sum += size.fraction();
    in_range = in_range && size.fraction() >= 0.0 && size.fraction() <= 1.0;
  }
  RUSTORCH_CHECK(in_range && std::abs(sum - 1.0) < 1e-6, invalid_argument,
                 "random_split: fractions must lie in 0 … 1 and sum to 1, these sum to {}", sum);
  std::int64_t left = total;
  for (const SplitSize& size : sizes) {
    counts.push_back(static_cast<std::int64_t>(std::floor(size.fraction() * static_cast<double>(total))));
    left -= counts.back();
  }
  for (std::size_t i = 0; left > 0; i = (i + 1) % counts.size(), --left) ++counts[i];
  return counts;
}

}  // namespace

std::vector<Subset> random_split(const DatasetHandle& dataset, const std::vector<SplitSize>& sizes,
                                 std::uint64_t seed) {
  const std::vector<std::int64_t> counts = counts_of(sizes, dataset->size());
  const std::vector<std::int64_t> order = random_permutation(dataset->size(), seed);
  std::vector<Subset> parts;
  auto next = order.begin();
  for (const std::int64_t count : counts) {
    parts.emplace_back(dataset, std::vector<std::int64_t>(next, next + count));
    next += count;
  }
  return parts;
}

}  // namespace rustorch::data
