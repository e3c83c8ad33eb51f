#include <algorithm>

#include "rustorch/backends/cpu/convolution.h"
#include "rustorch/backends/cpu/gemm.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/temporary.h"

// The first layer of a network: few input channels, many output channels. Vectors over input channels would
// be mostly empty, so the inputs under each cell of the kernel ("taps") are laid out along the pixels, and
// both directions become products whose vectors run over the output channels.

namespace rustorch::cpu {
namespace {

/// Beyond this many cells, laying them out costs more than it saves.
constexpr std::int64_t most_taps = 9;

class FewChannels {
 public:
  explicit FewChannels(const ConvolutionSizes& sizes) : s_(sizes) {
    cells_ = s_.kernel[0] * s_.kernel[1];
    taps_ = s_.in_channels * cells_;
    out_pixels_ = s_.output[0] * s_.output[1];
    constexpr std::int64_t cache_elements = 4096;  // taps of a block, in the inner caches
    const std::int64_t pixels = std::min(cache_elements / taps_, small_gemm_depth);
    block_rows_ = std::clamp<std::int64_t>(pixels / s_.output[1], 1, s_.output[0]);
    blocks_ = (s_.output[0] + block_rows_ - 1) / block_rows_;
  }

  void forward(const float* input, const float* weight, const float* bias, float* output) const {
    const std::int64_t channels = s_.out_channels;
    const Scratch<float> turned(taps_ * channels);  // [tap][output channel]
    for (std::int64_t channel = 0; channel < channels; ++channel) {
      for (std::int64_t tap = 0; tap < taps_; ++tap)
        turned[tap * channels + channel] = weight[channel * taps_ + tap];
    }
    parallel_for(0, s_.batch * blocks_, units_per_thread(), [&](std::int64_t begin, std::int64_t end) {
      const Scratch<float> taps(taps_ * block_pixels());
      for (std::int64_t unit = begin; unit < end; ++unit) {
        Gemm product;
        product.m = lay_out_taps(input, unit, taps.data());
        product.n = channels;
        product.k = taps_;
        product.a = taps.data(), product.a_row = 1, product.a_column = product.m;
        product.b = turned.data(), product.b_row = channels, product.b_column = 1;
        product.c = output + first_pixel(unit) * channels, product.c_row = channels, product.c_column = 1;
        product.row_bias = bias;
        small_gemm(DType::float32, product);
      }
    });
  }

  void backward_weight(const float* input, float* d_weight, float* d_bias, const float* d_output) const {
    const std::int64_t channels = s_.out_channels, units = s_.batch * blocks_;
    const std::int64_t rows = taps_ + (d_bias == nullptr ? 0 : 1);  // one more tap, always 1, for the bias
    // A fixed number of partial sums, so that the result does not depend on the number of threads.
    const std::int64_t parts = std::min<std::int64_t>(units, 16);
    const Scratch<float> sums(parts * rows * channels);
    parallel_for(0, parts, 1 + units_per_thread() * parts / units, [&](std::int64_t begin, std::int64_t end) {
      const Scratch<float> taps(rows * block_pixels());
      for (std::int64_t part = begin; part < end; ++part) {
        Gemm product;
        product.m = rows;
        product.n = channels;
        product.a = taps.data(), product.a_column = 1;
        product.b_row = channels, product.b_column = 1;
        product.c = sums.data() + part * rows * channels, product.c_row = channels, product.c_column = 1;
        for (std::int64_t unit = units * part / parts; unit < units * (part + 1) / parts; ++unit) {
          product.k = product.a_row = lay_out_taps(input, unit, taps.data());
          std::fill_n(taps.data() + taps_ * product.k, (rows - taps_) * product.k, 1.0f);
          product.b = d_output + first_pixel(unit) * channels;
          small_gemm(DType::float32, product);
          product.accumulate = true;
        }
      }
    });
    for (std::int64_t channel = 0; channel < channels; ++channel) {
      for (std::int64_t tap = 0; tap < rows; ++tap) {
        float sum = 0;
        for (std::int64_t part = 0; part < parts; ++part)
          sum += sums[(part * rows + tap) * channels + channel];
        (tap < taps_ ? d_weight[channel * taps_ + tap] : d_bias[channel]) = sum;
      }
    }
  }

 private:
  std::int64_t block_pixels() const { return block_rows_ * s_.output[1]; }

  /// Units (image and block of rows) that are worth a thread.
  std::int64_t units_per_thread() const {
    return 1 + 256 * 1024 / (block_pixels() * taps_ * s_.out_channels);
  }

  std::int64_t first_pixel(std::int64_t unit) const {
    return unit / blocks_ * out_pixels_ + unit % blocks_ * block_pixels();
  }

  /// Fills taps [tap][pixel] for the rows of one block and returns its number of pixels.
  std::int64_t lay_out_taps(const float* input, std::int64_t unit, float* taps) const {
    const std::int64_t first_row = unit % blocks_ * block_rows_, width = s_.output[1],
                       channels = s_.in_channels;
    const std::int64_t end_row = std::min(s_.output[0], first_row + block_rows_);
    const float* image = input + unit / blocks_ * s_.input[0] * s_.input[1] * channels;
    const std::int64_t stride = s_.stride[1], step = stride * channels;
    for (std::int64_t tap = 0; tap < taps_; ++tap) {
      const std::int64_t channel = tap / cells_, cell = tap % cells_;
      const std::int64_t y_offset = cell / s_.kernel[1] * s_.dilation[0] - s_.padding[0];
      const std::int64_t x_offset = cell % s_.kernel[1] * s_.dilation[1] - s_.padding[1];
      // The output columns whose input column x · stride + x_offset exists.
      const std::int64_t low = std::min(width, x_offset >= 0 ? 0 : (-x_offset + stride - 1) / stride);
      const std::int64_t room = s_.input[1] - 1 - x_offset;
      const std::int64_t high = std::max(low, room < 0 ? 0 : std::min(width, room / stride + 1));
      for (std::int64_t row = first_row; row < end_row; ++row, taps += width) {
        const std::int64_t y = row * s_.stride[0] + y_offset;
        if (y < 0 || y >= s_.input[0]) {
          std::fill_n(taps, width, 0.0f);
          continue;
        }
        const float* from = image + (y * s_.input[1] + low * stride + x_offset) * channels + channel;
        std::fill_n(taps, low, 0.0f);
        if (step == 1) {
          std::copy_n(from, high - low, taps + low);
        } else {
          for (std::int64_t x = low; x < high; ++x) taps[x] = from[(x - low) * step];
        }
        std::fill_n(taps + high, width - high, 0.0f);
      }
    }
    return (end_row - first_row) * width;
  }

  const ConvolutionSizes& s_;
  std::int64_t cells_, taps_, out_pixels_, block_rows_, blocks_;
};

}  // namespace

bool convolution_few_channels(const ConvolutionSizes& sizes, const float* input, float* weight, float* bias,
                              float* output) {
  // Where this was measured to be faster than oneDNN: one channel, few taps, whole vectors of output
  // channels.
  const std::int64_t taps = sizes.kernel[0] * sizes.kernel[1];
  const bool dense = sizes.stride[1] == 1 || sizes.work == ConvolutionWork::backward_weight;
  if (sizes.work == ConvolutionWork::backward_input || sizes.spatial_rank != 2 || sizes.in_channels != 1 ||
      sizes.groups != 1 || taps > most_taps || !dense || sizes.out_channels % 16 != 0 ||
      sizes.output[1] > small_gemm_depth) {
    return false;
  }
  const FewChannels convolution(sizes);
  if (sizes.work == ConvolutionWork::forward) {
    convolution.forward(input, weight, bias, output);
  } else {
    convolution.backward_weight(input, weight, bias, output);
  }
  return true;
}

}  // namespace rustorch::cpu
