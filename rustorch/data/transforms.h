#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "rustorch/data/dataset.h"
#include "rustorch/data/random_stream.h"

namespace rustorch::data {

class Transform;

/// How composed transforms and datasets take a transform: any Transform by value, a shared one, or a function
/// of a batch.
class TransformHandle {
 public:
  TransformHandle() = default;
  template <std::derived_from<Transform> T>
  explicit(false) TransformHandle(std::shared_ptr<T> transform) : transform_(std::move(transform)) {}
  template <class T>
  requires std::derived_from<std::remove_cvref_t<T>, Transform>
  explicit(false)
      TransformHandle(T&& transform)  // NOLINT(bugprone-forwarding-reference-overload): constrained
      : transform_(std::make_shared<std::remove_cvref_t<T>>(std::forward<T>(transform))) {}
  template <class F>
  requires(std::is_invocable_r_v<Tensor, F&, const Tensor&> && !std::derived_from<F, Transform> &&
           !std::same_as<F, TransformHandle>) explicit(false) TransformHandle(F function);

  explicit operator bool() const noexcept { return transform_ != nullptr; }
  const Transform& operator*() const noexcept { return *transform_; }
  const Transform* operator->() const noexcept { return transform_.get(); }

 private:
  std::shared_ptr<const Transform> transform_;
};

/// Changes a whole batch at a time, [N, …]; random choices are made for each example. Called from several
/// threads at once.
class Transform {
 public:
  virtual ~Transform() = default;
  virtual Tensor apply(const Tensor& batch, RandomStream& random) const = 0;
  /// One transform that does this one and then `next` in a single pass; empty where there is none.
  virtual TransformHandle fused_with(const Transform& next) const;
  /// For use by itself.
  Tensor operator()(const Tensor& batch) const { return apply(batch, current_random()); }

 protected:
  Transform() = default;
  Transform(const Transform&) = default;
  Transform(Transform&&) = default;
  Transform& operator=(const Transform&) = default;
  Transform& operator=(Transform&&) = default;
};

/// Applies a function to each batch. Loaders' workers call it: small tensor operations stay on their thread,
/// large ones would start a second team of threads beside the training's.
class Lambda : public Transform {
 public:
  explicit Lambda(std::function<Tensor(const Tensor&)> function) : function_(std::move(function)) {}
  Tensor apply(const Tensor& batch, RandomStream&) const override { return function_(batch); }

 private:
  std::function<Tensor(const Tensor&)> function_;
};

template <class F>
requires(std::is_invocable_r_v<Tensor, F&, const Tensor&> && !std::derived_from<F, Transform> &&
         !std::same_as<F, TransformHandle>) TransformHandle::TransformHandle(F function)
    : transform_(std::make_shared<Lambda>(std::move(function))) {}

/// One transform after the other; neighbours that fuse are fused (ToTensor with Normalize).
class Compose : public Transform {
 public:
  Compose(std::initializer_list<TransformHandle> transforms) : Compose(std::vector(transforms)) {}
  explicit Compose(std::vector<TransformHandle> transforms);
  Tensor apply(const Tensor& batch, RandomStream& random) const override;
  /// How many passes are left after fusing.
  std::size_t passes() const noexcept { return transforms_.size(); }

 private:
  std::vector<TransformHandle> transforms_;
};

/// (x - mean) / std for each channel of float images [N, C, …]. One value of mean and std serves all
/// channels.
class Normalize : public Transform {
 public:
  Normalize(std::vector<double> mean, std::vector<double> std);
  Tensor apply(const Tensor& batch, RandomStream& random) const override;
  const std::vector<double>& mean() const noexcept { return mean_; }
  const std::vector<double>& std() const noexcept { return std_; }

 private:
  std::vector<double> mean_;
  std::vector<double> std_;
};

/// uint8 images [N, H, W] or [N, H, W, C] to float32 [N, C, H, W] in 0 … 1 (C = 1 where there was none).
/// Followed by Normalize in a Compose, both are one pass.
class ToTensor : public Transform {
 public:
  ToTensor();
  Tensor apply(const Tensor& batch, RandomStream& random) const override;
  TransformHandle fused_with(const Transform& next) const override;

 private:
  explicit ToTensor(const Normalize& normalize);
  std::vector<std::vector<float>>
      tables_;  // what each of the 256 values becomes: for all channels, or for each
  bool normalized_ = false;
};

/// Mirrors each image, with probability p, along its last dim.
class RandomHorizontalFlip : public Transform {
 public:
  explicit RandomHorizontalFlip(double p = 0.5);
  Tensor apply(const Tensor& batch, RandomStream& random) const override;

 private:
  double p_;
};

struct RandomCropOptions {
  std::int64_t padding = 0;  ///< on each side, before cropping
  double fill = 0.0;         ///< the value of padded elements
};

/// Cuts a random window of the given size from the last two dims of each image, which are padded first.
class RandomCrop : public Transform {
 public:
  explicit RandomCrop(std::int64_t size, RandomCropOptions options = {}) : RandomCrop(size, size, options) {}
  RandomCrop(std::int64_t height, std::int64_t width, RandomCropOptions options = {});
  Tensor apply(const Tensor& batch, RandomStream& random) const override;

 private:
  std::int64_t height_;
  std::int64_t width_;
  RandomCropOptions options_;
};

/// Another dataset with a transform of its inputs, and optionally of its targets.
class MappedDataset : public Dataset {
 public:
  explicit MappedDataset(DatasetHandle dataset, TransformHandle x_transform, TransformHandle y_transform = {})
      : dataset_(std::move(dataset)), x_(std::move(x_transform)), y_(std::move(y_transform)) {}
  std::int64_t size() const override { return dataset_->size(); }
  Example get(std::int64_t index) const override;
  Batch get_batch(std::span<const std::int64_t> indices) const override;

 private:
  DatasetHandle dataset_;
  TransformHandle x_;
  TransformHandle y_;
};

}  // namespace rustorch::data
