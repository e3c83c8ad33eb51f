#include "rustorch/backends/cpu/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/temporary.h"
#include "rustorch/backends/loop_nest.h"

namespace rustorch {
namespace cpu {
namespace {

/// Elements that are worth a second thread.
constexpr std::int64_t elements_per_thread = 32 * 1024;

/// How kernels see [N, C, …].
enum class Form : std::uint8_t {
  rows,   ///< channels adjacent, everything else one dim of rows
  lines,  ///< the pixels of a channel adjacent
};

/// The stride of the one dim that [N, spatial…] make, if they make one.
std::optional<std::int64_t> row_stride(const Layout& layout) {
  std::optional<std::int64_t> stride;
  std::int64_t expected = 0;
  for (std::size_t dim = layout.rank(); dim-- > 0;) {
    if (dim == 1 || layout.shape[dim] == 1) continue;
    if (!stride) {
      stride = layout.strides[dim];
    } else if (layout.strides[dim] != expected) {
      return std::nullopt;
    }
    expected = layout.strides[dim] * layout.shape[dim];
  }
  return stride.value_or(0);
}

bool has_rows(const Layout& layout) {
  return (layout.strides[1] == 1 || layout.shape[1] == 1) && row_stride(layout).has_value();
}

bool has_lines(const Layout& layout) {
  std::int64_t expected = 1;
  for (std::size_t dim = layout.rank(); dim-- > 2;) {
    if (layout.shape[dim] != 1 && layout.strides[dim] != expected) return false;
    expected *= layout.shape[dim];
  }
  return true;
}

std::int64_t pixels_of(const Shape& shape) {
  std::int64_t pixels = 1;
  for (std::size_t dim = 2; dim < shape.size(); ++dim) pixels *= shape[dim];
  return pixels;
}

/// The form that suits the input: lines where they are there and long, rows (if need be of a copy) otherwise.
Form form_of(const Layout& layout) {
  const std::int64_t channels = layout.shape[1], pixels = pixels_of(layout.shape);
  const bool lines = has_lines(layout) && pixels > 1;
  if (lines && (channels == 1 || !has_rows(layout))) return Form::lines;
  return Form::rows;
}

bool fits(const View& view, DType dtype, Form form) {
  return view.dtype == dtype && (form == Form::rows ? has_rows(*view.layout) : has_lines(*view.layout));
}

Layout layout_for(const View& view, Form form) {
  return form == Form::rows ? Layout::channels_last(view.layout->shape)
                            : Layout::contiguous(view.layout->shape);
}

Operand operand(const View& view, DType dtype, Form form) {
  const bool stays = fits(view, dtype, form);
  return {view, dtype, stays ? Layout() : layout_for(view, form), stays};
}

double read_channel(const View& view, std::int64_t channel) {
  return visit_dtype(view.dtype, [&](auto tag) -> double {
    using T = typename decltype(tag)::type;
    const T value = first_element<const T>(view)[channel * view.layout->strides[0]];
    if constexpr (std::is_convertible_v<T, double>) return static_cast<double>(value);
    return 0;  // complex parameters do not reach this kind of work
  });
}

void write_channel(const View& view, std::int64_t channel, double value) {
  visit_dtype(view.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T& target = first_element<T>(view)[channel * view.layout->strides[0]];
    if constexpr (std::is_same_v<T, double>) {
      target = value;
    } else if constexpr (std::is_constructible_v<T, float>) {
      target = static_cast<T>(static_cast<float>(value));
    }
  });
}

void write_channel(const std::optional<View>& view, std::int64_t channel, double value) {
  if (view) write_channel(*view, channel, value);
}

/// The data of one call, walked in the form that was picked. `gradient` may be absent.
class NormLoops {
 public:
  NormLoops(Form form, DType dtype, const View& input, const View* gradient)
      : form_(form), dtype_(dtype), input_(input), gradient_(gradient) {
    const Shape& shape = input.layout->shape;
    batch_ = shape[0], channels_ = shape[1], pixels_ = pixels_of(shape);
  }

  std::int64_t channels() const { return channels_; }
  std::int64_t count() const { return batch_ * pixels_; }

  /// For every channel: `rows(part, results)` makes one result for each channel of a part, `line(c, input,
  /// gradient)` one of a line; `merge(total, total_count, part, part_count)` joins them. The parts do not
  /// depend on the number of threads, nor does the result.
  template <class Result, class Rows, class Line, class Merge>
  Scratch<Result> sums(const Rows& rows, const Line& line, const Merge& merge) const {
    const std::int64_t part_size = form_ == Form::rows ? rows_per_part() : pixels_;
    const std::int64_t parts = form_ == Form::rows ? (count() + part_size - 1) / part_size : batch_;
    Scratch<Result> results(std::max<std::int64_t>(1, parts) * channels_);
    if (form_ == Form::rows) {
      parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t part = begin; part < end; ++part) {
          rows(rows_of(part * part_size, std::min(count(), (part + 1) * part_size)),
               results.data() + part * channels_);
        }
      });
    } else {
      for_lines([&](std::int64_t image, std::int64_t channel) {
        results[image * channels_ + channel] =
            line(channel, address(input_, image, channel),
                 gradient_ == nullptr ? nullptr : address(*gradient_, image, channel));
      });
    }
    if (parts == 0) std::fill_n(results.data(), channels_, Result{});
    for (std::int64_t part = 1; part < parts; ++part) {
      const std::int64_t before = part * part_size, here = std::min(part_size, count() - before);
      for (std::int64_t channel = 0; channel < channels_; ++channel) {
        merge(results[channel], before, results[part * channels_ + channel], here);
      }
    }
    return results;
  }

  std::int64_t pixels() const { return pixels_; }

 private:
  /// Rows whose sums are made in one go: a fixed number of elements, in whole blocks of the kernels.
  std::int64_t rows_per_part() const {
    return std::max<std::int64_t>(128,
                                  elements_per_thread / std::max<std::int64_t>(1, channels_) / 128 * 128);
  }

  NormRows rows_of(std::int64_t begin, std::int64_t end) const {
    NormRows part;
    part.rows = end - begin;
    part.channels = channels_;
    part.input_row = row_stride(*input_.layout).value_or(0);  // the form says that there is one
    part.input = element(input_, begin * part.input_row);
    if (gradient_ != nullptr) {
      part.gradient_row = row_stride(*gradient_->layout).value_or(0);
      part.gradient = element(*gradient_, begin * part.gradient_row);
    }
    return part;
  }

  template <class Work>
  void for_lines(const Work& work) const {
    const std::int64_t grain = 1 + elements_per_thread / std::max<std::int64_t>(1, pixels_);
    parallel_for(0, batch_ * channels_, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) work(i / channels_, i % channels_);
    });
  }

  void* element(const View& view, std::int64_t index) const {
    return static_cast<std::byte*>(view.data) +
           (view.layout->offset + index) * static_cast<std::int64_t>(item_size(dtype_));
  }
  void* address(const View& view, std::int64_t image, std::int64_t channel) const {
    return element(view, image * view.layout->strides[0] + channel * view.layout->strides[1]);
  }

  Form form_;
  DType dtype_;
  View input_;
  const View* gradient_;
  std::int64_t batch_ = 0, channels_ = 0, pixels_ = 1;
};

DType norm_dtype(DType dtype) { return dtype == DType::float64 ? DType::float64 : DType::float32; }

Scratch<Moments> moments_of(const NormLoops& loops, DType dtype) {
  return loops.sums<Moments>(
      [&](const NormRows& part, Moments* moments) { row_moments(dtype, part, moments); },
      [&](std::int64_t, const void* input, const void*) {
        return line_moments(dtype, input, loops.pixels());
      },
      merge_moments);
}

}  // namespace
}  // namespace cpu

void CpuBackend::batch_norm_forward(const BatchNormForward& work) {
  using namespace cpu;
  const DType dtype = norm_dtype(work.input.dtype);
  const Form form = form_of(*work.input.layout);
  const Operand input = operand(work.input, dtype, form);
  const NormLoops loops(form, dtype, input.view(), nullptr);
  const std::int64_t channels = loops.channels(), count = loops.count();

  Scratch<Moments> moments;
  if (work.training) moments = moments_of(loops, dtype);
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    double mean = 0, variance = 0;
    if (work.training) {
      mean = moments[channel].mean;
      variance = moments[channel].squares / static_cast<double>(std::max<std::int64_t>(1, count));
      if (work.running_mean && count > 0) {
        const double old = read_channel(*work.running_mean, channel);
        write_channel(work.running_mean, channel, old + work.momentum * (mean - old));
      }
      if (work.running_variance && count > 0) {
        const double old = read_channel(*work.running_variance, channel);
        const double unbiased =
            moments[channel].squares / static_cast<double>(std::max<std::int64_t>(1, count - 1));
        write_channel(work.running_variance, channel, old + work.momentum * (unbiased - old));
      }
    } else {
      RUSTORCH_CHECK(work.running_mean && work.running_variance, internal,
                     "batch_norm: no running statistics outside of training");
      mean = read_channel(*work.running_mean, channel);
      variance = read_channel(*work.running_variance, channel);
    }
    const double inverse_std = 1.0 / std::sqrt(variance + work.epsilon);
    if (work.saved_mean.data != nullptr) write_channel(work.saved_mean, channel, mean);
    if (work.saved_inverse_std.data != nullptr) write_channel(work.saved_inverse_std, channel, inverse_std);
    const double factor = inverse_std * (work.weight ? read_channel(*work.weight, channel) : 1.0);
    write_channel(work.scale, channel, factor);
    write_channel(work.shift, channel, (work.bias ? read_channel(*work.bias, channel) : 0.0) - mean * factor);
  }
}

void CpuBackend::batch_norm_backward(const BatchNormBackward& work) {
  using namespace cpu;
  const DType dtype = norm_dtype(work.input.dtype);
  const Form form = form_of(*work.input.layout);
  const Operand input = operand(work.input, dtype, form);
  const Operand gradient = operand(work.d_output, dtype, form);
  const bool wants_parameters = work.d_weight.data != nullptr || work.d_bias.data != nullptr;
  const NormLoops loops(form, dtype, input.view(), &gradient.view());
  const std::int64_t channels = loops.channels();

  const bool means_fit = work.mean.dtype == dtype && work.mean.layout->is_contiguous();
  const Operand means(work.mean, dtype, Layout::contiguous({channels}), means_fit);
  Scratch<GradientSums> sums;
  if (work.training || wants_parameters) {
    sums = loops.sums<GradientSums>(
        [&](const NormRows& part, GradientSums* results) {
          row_gradient_sums(dtype, part, first_byte(means.view()), results);
        },
        [&](std::int64_t channel, const void* from, const void* gradients) {
          return line_gradient_sums(dtype, from, gradients, loops.pixels(), read_channel(work.mean, channel));
        },
        [](GradientSums& total, std::int64_t, const GradientSums& part, std::int64_t) {
          total.gradient += part.gradient;
          total.product += part.product;
        });
  }

  const double share = 1.0 / static_cast<double>(std::max<std::int64_t>(1, loops.count()));
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    const double inverse_std = read_channel(work.inverse_std, channel);
    const double factor = inverse_std * (work.weight ? read_channel(*work.weight, channel) : 1.0);
    write_channel(work.by_output_gradient, channel, factor);
    if (work.training) {  // what the usual formula comes down to per channel
      const double slope = -factor * inverse_std * inverse_std * sums[channel].product * share;
      write_channel(work.by_input, channel, slope);
      write_channel(work.shift, channel,
                    -factor * sums[channel].gradient * share - slope * read_channel(work.mean, channel));
    }
    if (work.d_weight.data != nullptr)
      write_channel(work.d_weight, channel, sums[channel].product * inverse_std);
    if (work.d_bias.data != nullptr) write_channel(work.d_bias, channel, sums[channel].gradient);
  }
}

}  // namespace rustorch
