#include "rustorch/data/transforms.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "rustorch/core/conversion.h"
#include "rustorch/data/rows.h"
#include "rustorch/tensor/operations/shape.h"

namespace rustorch::data {

namespace {

/// The batch as transforms read it: row-major, on the CPU.
Tensor dense_batch(const Tensor& batch, std::size_t least_rank, const char* transform) {
  if (!batch.device().is_cpu()) {
    fail_with_suggestion(ErrorCode::device_mismatch, "transform batches before they go to a device",
                         "{} of a batch on {}", transform, batch.device());
  }
  RUSTORCH_CHECK(batch.rank() >= least_rank, shape_mismatch,
                 "{} needs a batch of at least {} dims, this one has shape {}", transform, least_rank,
                 batch.shape());
  return batch.detach().contiguous();
}

/// A batch of images as a list of planes: everything before the last two dims.
struct Planes {
  explicit Planes(const Tensor& batch)
      : images(batch.size(0)),
        height(batch.size(-2)),
        width(batch.size(-1)),
        per_image(batch.numel() == 0 ? 0 : batch.numel() / (images * height * width)) {}
  std::int64_t images;
  std::int64_t height;
  std::int64_t width;
  std::int64_t per_image;
};

/// An element as the bytes that it is: transforms that only move elements need not know their dtype.
template <std::size_t Size>
struct Bytes {
  std::byte bytes[Size];
};

template <class Work>
void visit_item_size(std::size_t size, const Work& work) {
  switch (size) {
    case 1:
      return work(Bytes<1>());
    case 2:
      return work(Bytes<2>());
    case 4:
      return work(Bytes<4>());
    case 8:
      return work(Bytes<8>());
    default:
      return work(Bytes<16>());
  }
}

}  // namespace

TransformHandle Transform::fused_with(const Transform&) const { return {}; }

// ---- Compose

Compose::Compose(std::vector<TransformHandle> transforms) {
  for (TransformHandle& next : transforms) {
    RUSTORCH_CHECK(next, invalid_argument, "Compose: a transform is null");
    if (!transforms_.empty()) {
      if (TransformHandle fused = transforms_.back()->fused_with(*next)) {
        transforms_.back() = std::move(fused);
        continue;
      }
    }
    transforms_.push_back(std::move(next));
  }
}

Tensor Compose::apply(const Tensor& batch, RandomStream& random) const {
  Tensor x = batch;
  for (const TransformHandle& transform : transforms_) x = transform->apply(x, random);
  return x;
}

// ---- Normalize

Normalize::Normalize(std::vector<double> mean, std::vector<double> std)
    : mean_(std::move(mean)), std_(std::move(std)) {
  RUSTORCH_CHECK(!mean_.empty() && mean_.size() == std_.size(), invalid_argument,
                 "Normalize: {} values of mean and {} of std; there must be as many of both, at least one",
                 mean_.size(), std_.size());
  for (const double value : std_) {
    RUSTORCH_CHECK(value != 0.0, invalid_argument, "Normalize: a std of 0");
  }
}

Tensor Normalize::apply(const Tensor& batch, RandomStream&) const {
  const Tensor x = dense_batch(batch, mean_.size() == 1 ? 1 : 2, "Normalize");
  if (x.dtype() != float32 && x.dtype() != float64) {
    fail_with_suggestion(ErrorCode::dtype_mismatch, "put ToTensor before it, or convert with x.to(float32)",
                         "Normalize of a batch of dtype {}", x.dtype());
  }
  const std::int64_t channels = mean_.size() == 1 ? 1 : x.size(1);
  RUSTORCH_CHECK(channels == static_cast<std::int64_t>(mean_.size()), shape_mismatch,
                 "Normalize has mean and std of {} channels, the batch of shape {} has {}", mean_.size(),
                 x.shape(), channels);
  Tensor out = allocate_host(x.shape(), x.dtype());
  if (x.numel() == 0) return out;

  const auto run = [&]<class T>(TypeTag<T>) {
    const std::span<const T> source = x.data<T>();
    const std::span<T> destination = out.initial_data<T>();
    const std::size_t plane =
        source.size() / static_cast<std::size_t>(channels == 1 ? 1 : x.size(0) * channels);
    for (std::size_t begin = 0, channel = 0; begin < source.size(); begin += plane) {
      const T mean = static_cast<T>(mean_[channel]);
      const T std = static_cast<T>(std_[channel]);
      for (std::size_t i = begin; i < begin + plane; ++i) destination[i] = (source[i] - mean) / std;
      channel = (channel + 1) % mean_.size();
    }
  };
  if (x.dtype() == float32) {
    run(TypeTag<float>());
  } else {
    run(TypeTag<double>());
  }
  return out;
}

// ---- ToTensor

namespace {

/// What each pixel value becomes. The same roundings as one transform after the other, so that fusing changes
/// no bit.
std::vector<float> pixel_table(float mean, float std) {
  std::vector<float> table(256);
  for (int value = 0; value < 256; ++value) {
    table[static_cast<std::size_t>(value)] = (static_cast<float>(value) / 255.0f - mean) / std;
  }
  return table;
}

}  // namespace

ToTensor::ToTensor() : tables_{pixel_table(0.0f, 1.0f)} {}

ToTensor::ToTensor(const Normalize& normalize) : normalized_(true) {
  for (std::size_t channel = 0; channel < normalize.mean().size(); ++channel) {
    tables_.push_back(pixel_table(static_cast<float>(normalize.mean()[channel]),
                                  static_cast<float>(normalize.std()[channel])));
  }
}

TransformHandle ToTensor::fused_with(const Transform& next) const {
  const auto* normalize = dynamic_cast<const Normalize*>(&next);
  if (normalize == nullptr || normalized_) return {};
  return ToTensor(*normalize);
}

Tensor ToTensor::apply(const Tensor& batch, RandomStream&) const {
  const Tensor x = dense_batch(batch, 3, "ToTensor");
  if (x.dtype() != uint8) {
    fail_with_suggestion(ErrorCode::dtype_mismatch, "leave it out: float images need no conversion",
                         "ToTensor of a batch of dtype {}; it takes uint8 images", x.dtype());
  }
  const bool has_channels = x.rank() == 4;
  RUSTORCH_CHECK(x.rank() <= 4, shape_mismatch,
                 "ToTensor takes images [N, H, W] or [N, H, W, C], this batch has shape {}", x.shape());
  const std::int64_t images = x.size(0), height = x.size(1), width = x.size(2);
  const std::int64_t channels = has_channels ? x.size(3) : 1;
  RUSTORCH_CHECK(channels <= 4, shape_mismatch,
                 "ToTensor takes images with 1 to 4 channels as their last dim, this batch has shape {}",
                 x.shape());
  RUSTORCH_CHECK(tables_.size() == 1 || static_cast<std::int64_t>(tables_.size()) == channels, shape_mismatch,
                 "Normalize has mean and std of {} channels, the batch of shape {} has {}", tables_.size(),
                 x.shape(), channels);

  Tensor out = allocate_host({images, channels, height, width}, float32);
  const std::uint8_t* source = x.data<std::uint8_t>().data();
  float* destination = out.initial_data<float>().data();
  const auto plane = static_cast<std::size_t>(height * width);
  const auto stride = static_cast<std::size_t>(channels);
  for (std::int64_t image = 0; image < images; ++image, source += plane * stride) {
    for (std::size_t channel = 0; channel < stride; ++channel, destination += plane) {
      const std::uint8_t* pixels = source + channel;
      const float* table = tables_[tables_.size() == 1 ? 0 : channel].data();
      for (std::size_t i = 0; i < plane; ++i) destination[i] = table[pixels[i * stride]];
    }
  }
  return out;
}

// ---- RandomHorizontalFlip

RandomHorizontalFlip::RandomHorizontalFlip(double p) : p_(p) {
  RUSTORCH_CHECK(p >= 0.0 && p <= 1.0, invalid_argument, "RandomHorizontalFlip: a probability of {}", p);
}

Tensor RandomHorizontalFlip::apply(const Tensor& batch, RandomStream& random) const {
  const Tensor x = dense_batch(batch, 2, "RandomHorizontalFlip");
  Tensor out = allocate_host(x.shape(), x.dtype());
  if (x.numel() == 0) return out;
  const auto width = static_cast<std::size_t>(x.size(-1));
  const std::size_t image = static_cast<std::size_t>(x.numel() / x.size(0));
  visit_item_size(x.element_size(), [&]<class Element>(Element) {
    const auto* source = reinterpret_cast<const Element*>(bytes_of(x));
    auto* destination = reinterpret_cast<Element*>(bytes_of(out));
    for (std::int64_t i = 0; i < x.size(0); ++i, source += image, destination += image) {
      if (random.uniform() >= p_) {
        std::copy_n(source, image, destination);
        continue;
      }
      for (std::size_t row = 0; row < image; row += width) {
        std::reverse_copy(source + row, source + row + width, destination + row);
      }
    }
  });
  return out;
}

// ---- RandomCrop

RandomCrop::RandomCrop(std::int64_t height, std::int64_t width, RandomCropOptions options)
    : height_(height), width_(width), options_(options) {
  RUSTORCH_CHECK(height >= 1 && width >= 1 && options.padding >= 0, invalid_argument,
                 "RandomCrop to {} x {} with a padding of {}", height, width, options.padding);
}

Tensor RandomCrop::apply(const Tensor& batch, RandomStream& random) const {
  const Tensor x = dense_batch(batch, 3, "RandomCrop");
  const Planes planes(x);
  const std::int64_t padding = options_.padding;
  const std::int64_t top_choices = planes.height + 2 * padding - height_ + 1;
  const std::int64_t left_choices = planes.width + 2 * padding - width_ + 1;
  if (top_choices < 1 || left_choices < 1) {
    fail_with_suggestion(ErrorCode::shape_mismatch, "use a smaller crop or a larger padding",
                         "RandomCrop to {} x {} of images of {} x {} with a padding of {}", height_, width_,
                         planes.height, planes.width, padding);
  }
  Shape shape = x.shape();
  shape[x.rank() - 2] = height_;
  shape[x.rank() - 1] = width_;
  Tensor out = allocate_host(std::move(shape), x.dtype());

  alignas(16) std::byte fill[16];
  visit_dtype(x.dtype(), [&]<class T>(TypeTag<T>) {
    const T value = convert_element<T>(options_.fill);
    std::memcpy(fill, &value, sizeof(T));
  });
  visit_item_size(x.element_size(), [&]<class Element>(Element fill_element) {
    std::memcpy(&fill_element, fill, sizeof(Element));
    const auto* source = reinterpret_cast<const Element*>(bytes_of(x));
    auto* destination = reinterpret_cast<Element*>(bytes_of(out));
    for (std::int64_t i = 0; i < planes.images; ++i) {
      // The window's corner in the image, which padding moves out of it.
      const std::int64_t top = random.below(top_choices) - padding;
      const std::int64_t left = random.below(left_choices) - padding;
      const std::int64_t begin = std::clamp<std::int64_t>(-left, 0, width_);
      const std::int64_t end = std::clamp<std::int64_t>(planes.width - left, begin, width_);
      for (std::int64_t plane = 0; plane < planes.per_image;
           ++plane, source += planes.height * planes.width) {
        for (std::int64_t row = 0; row < height_; ++row, destination += width_) {
          const std::int64_t from = top + row;
          if (from < 0 || from >= planes.height) {
            std::fill_n(destination, width_, fill_element);
            continue;
          }
          std::fill_n(destination, begin, fill_element);
          if (begin < end) {
            std::copy_n(source + from * planes.width + left + begin, end - begin, destination + begin);
          }
          std::fill_n(destination + end, width_ - end, fill_element);
        }
      }
    }
  });
  return out;
}

// ---- MappedDataset

Example MappedDataset::get(std::int64_t index) const {
  const Batch batch = get_batch({&index, 1});
  return {select(batch.x, 0, 0), batch.y.defined() ? select(batch.y, 0, 0) : Tensor()};
}

Batch MappedDataset::get_batch(std::span<const std::int64_t> indices) const {
  Batch batch = dataset_->get_batch(indices);
  if (x_) batch.x = x_->apply(batch.x, current_random());
  if (y_ && batch.y.defined()) batch.y = y_->apply(batch.y, current_random());
  return batch;
}

}  // namespace rustorch::data
