#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "rustorch/tensor/tensor.h"

namespace rustorch::data {

/// One example: input and target. A dataset without targets leaves y undefined.
struct Example {
  Tensor x;
  Tensor y;
};

/// Several examples, stacked along a new first dim: `auto [x, y] = batch;`.
struct Batch {
  Tensor x;
  Tensor y;
  /// The number of examples.
  std::int64_t size() const { return x.size(0); }
};

/// A list of examples. Loaders call the members from several threads at once: they must not change the
/// dataset.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  /// The example at `index`, 0 … size() - 1.
  virtual Example get(std::int64_t index) const = 0;
  /// The examples at `indices`, in this order. By default the stacked results of get, which must agree in
  /// shape and dtype; datasets that can do it in one pass override it.
  virtual Batch get_batch(std::span<const std::int64_t> indices) const;

 protected:
  Dataset() = default;
  Dataset(const Dataset&) = default;
  Dataset(Dataset&&) = default;
  Dataset& operator=(const Dataset&) = default;
  Dataset& operator=(Dataset&&) = default;
};

/// How loaders and composed datasets take a dataset: a shared_ptr is shared; an object is copied or moved in,
/// which is cheap for all datasets of this library. An object that cannot be copied, or that is only known by
/// a base class, is referred to and must outlive the loader.
class DatasetHandle {
 public:
  template <std::derived_from<Dataset> D>
  explicit(false) DatasetHandle(std::shared_ptr<D> dataset) : DatasetHandle(Checked{std::move(dataset)}) {}

  template <class D>
  requires std::derived_from<std::remove_cvref_t<D>, Dataset>
  explicit(false) DatasetHandle(D&& dataset) {  // NOLINT(bugprone-forwarding-reference-overload): constrained
    using Type = std::remove_cvref_t<D>;
    if constexpr (!std::is_abstract_v<Type> && std::is_constructible_v<Type, D&&>) {
      if (typeid(dataset) == typeid(Type)) {  // else a copy would lose the derived part
        dataset_ = std::make_shared<Type>(std::forward<D>(dataset));
        return;
      }
    }
    static_assert(std::is_lvalue_reference_v<D> || std::is_constructible_v<Type, D&&>,
                  "a temporary dataset that can neither be copied nor moved: pass a shared_ptr");
    dataset_ = std::shared_ptr<const Dataset>(std::shared_ptr<const Dataset>(), std::addressof(dataset));
  }

  const Dataset& operator*() const noexcept { return *dataset_; }
  const Dataset* operator->() const noexcept { return dataset_.get(); }

 private:
  struct Checked {
    std::shared_ptr<const Dataset> dataset;
  };
  explicit DatasetHandle(Checked checked);

  std::shared_ptr<const Dataset> dataset_;
};

/// Examples that are the rows of tensors: x[i] and y[i]. A batch on the CPU is one gather pass without a
/// tensor per example. Copies share the tensors.
class TensorDataset : public Dataset {
 public:
  /// x and y (which may be left out) must agree in their first dim.
  explicit TensorDataset(Tensor x, Tensor y = {});
  std::int64_t size() const override { return x_.size(0); }
  Example get(std::int64_t index) const override;
  Batch get_batch(std::span<const std::int64_t> indices) const override;
  const Tensor& x() const noexcept { return x_; }
  const Tensor& y() const noexcept { return y_; }

 private:
  Tensor x_;
  Tensor y_;
};

/// The examples of several datasets, one after the other.
class ConcatDataset : public Dataset {
 public:
  explicit ConcatDataset(std::vector<DatasetHandle> parts);
  std::int64_t size() const override { return ends_.empty() ? 0 : ends_.back(); }
  Example get(std::int64_t index) const override;
  Batch get_batch(std::span<const std::int64_t> indices) const override;

 private:
  std::size_t part_of(std::int64_t index) const;
  std::int64_t begin_of(std::size_t part) const { return part == 0 ? 0 : ends_[part - 1]; }

  std::vector<DatasetHandle> parts_;
  std::vector<std::int64_t> ends_;  // of each part, counted over all
};

/// The examples of another dataset at some indices, in their order.
class Subset : public Dataset {
 public:
  Subset(DatasetHandle dataset, std::vector<std::int64_t> indices);
  std::int64_t size() const override { return static_cast<std::int64_t>(indices_->size()); }
  Example get(std::int64_t index) const override;
  Batch get_batch(std::span<const std::int64_t> indices) const override;
  const std::vector<std::int64_t>& indices() const noexcept { return *indices_; }

 private:
  DatasetHandle dataset_;
  std::shared_ptr<const std::vector<std::int64_t>> indices_;
};

/// The size of one part of random_split: a count of examples, or a fraction of all.
class SplitSize {
 public:
  template <std::integral T>
  explicit(false) SplitSize(T count) noexcept : count_(static_cast<std::int64_t>(count)) {}
  template <std::floating_point T>
  explicit(false) SplitSize(T fraction) noexcept
      : fraction_(static_cast<double>(fraction)), is_fraction_(true) {}
  bool is_fraction() const noexcept { return is_fraction_; }
  std::int64_t count() const noexcept { return count_; }
  double fraction() const noexcept { return fraction_; }

 private:
  std::int64_t count_ = 0;
  double fraction_ = 0.0;
  bool is_fraction_ = false;
};

/// Shuffles the examples and deals them out: `random_split(dataset, {50000, 10000})`, `{0.9, 0.1}`. Counts
/// must sum to the dataset's size, fractions to 1 (what rounding leaves over goes to the first parts in
/// turn).
std::vector<Subset> random_split(const DatasetHandle& dataset, const std::vector<SplitSize>& sizes,
                                 std::uint64_t seed = 0);

}  // namespace rustorch::data
