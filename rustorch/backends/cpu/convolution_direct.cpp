#include <algorithm>

#include "rustorch/backends/cpu/convolution.h"
#include "rustorch/backends/cpu/matmul.h"
#include "rustorch/backends/cpu/panel_product.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/temporary.h"

// Convolutions of channels-last images as matrix products that read the image where it lies. With a border of
// zeros around the image, what a kernel row covers for one pixel is one run of adjacent elements, kernel
// width times channels, and the next pixel's run begins `stride` pixels on: rows of a matrix that overlap. So
// no windows are laid out, and the tiles of our products do the rest.

namespace rustorch::cpu {
namespace {

/// Two-dimensional sizes; one dim is an image of one row.
struct Sizes2d {
  explicit Sizes2d(const ConvolutionSizes& s)
      : batch(s.batch), in_channels(s.in_channels), out_channels(s.out_channels) {
    const std::size_t w = s.spatial_rank == 2 ? 1 : 0;
    width = s.input[w], out_width = s.output[w], kernel_width = s.kernel[w], stride_x = s.stride[w];
    padding_x = s.padding[w];
    if (s.spatial_rank == 2) {
      height = s.input[0], out_height = s.output[0], kernel_height = s.kernel[0], stride_y = s.stride[0];
      padding_y = s.padding[0], dilation_y = s.dilation[0];
    }
  }

  std::int64_t kernel_row() const noexcept { return kernel_width * in_channels; }
  std::int64_t depth() const noexcept { return kernel_height * kernel_row(); }
  std::int64_t out_pixels() const noexcept { return out_height * out_width; }
  /// The image with its border, as far as kernels reach.
  std::int64_t bordered_height() const noexcept {
    return std::max(height + padding_y, (out_height - 1) * stride_y + (kernel_height - 1) * dilation_y + 1);
  }
  std::int64_t bordered_width() const noexcept {
    return std::max(width + padding_x, (out_width - 1) * stride_x + kernel_width);
  }
  bool has_border() const noexcept { return bordered_height() != height || bordered_width() != width; }

  std::int64_t batch, in_channels, out_channels;
  std::int64_t height = 1, width, out_height = 1, out_width, kernel_height = 1, kernel_width;
  std::int64_t stride_y = 1, stride_x, padding_y = 0, padding_x, dilation_y = 1;
};

/// An image with its border: the image itself where it needs none.
class BorderedImage {
 public:
  explicit BorderedImage(const Sizes2d& sizes) : s_(sizes) {
    if (!s_.has_border()) return;
    const std::int64_t count = s_.bordered_height() * s_.bordered_width() * s_.in_channels;
    copy_ = Scratch<float>(count);
    std::fill_n(copy_.data(), count, 0.0f);
  }
  const float* of(const float* image) const {
    if (!s_.has_border()) return image;
    const std::int64_t row = s_.width * s_.in_channels;
    for (std::int64_t y = 0; y < s_.height; ++y) {
      std::copy_n(image + y * row, row,
                  copy_.data() + ((y + s_.padding_y) * s_.bordered_width() + s_.padding_x) * s_.in_channels);
    }
    return copy_.data();
  }

 private:
  const Sizes2d& s_;
  Scratch<float> copy_;
};

/// Rows of pixels whose inputs stay in the second-level cache, and units of them (image, block of rows).
struct RowBlocks {
  explicit RowBlocks(const Sizes2d& s) : height(s.out_height) {
    constexpr std::int64_t cache_elements = 32 * 1024;
    const std::int64_t row = s.stride_y * s.bordered_width() * s.in_channels;
    rows = std::clamp<std::int64_t>(cache_elements / row, 1, s.out_height);
    count = (s.out_height + rows - 1) / rows;
  }
  std::int64_t begin(std::int64_t block) const noexcept { return block * rows; }
  std::int64_t end(std::int64_t block) const noexcept { return std::min(height, (block + 1) * rows); }
  std::int64_t height, rows = 1, count = 1;
};

constexpr std::int64_t work_per_thread = 128 * 1024;  // multiplications
/// Shorter runs than this, in elements, spend their time on their ends: oneDNN is faster.
constexpr std::int64_t shortest_run = 32;

/// output = bias + the products of `input` with `panels`, which hold a row for each element under the kernel.
void run_forward(const Sizes2d& s, const float* input, const float* panels, const float* bias,
                 float* output) {
  const std::int64_t width = panel_width();
  const RowBlocks blocks(s);
  const std::int64_t block_work = blocks.rows * s.out_width * s.depth() * s.out_channels;
  parallel_for(
      0, s.batch * blocks.count, 1 + work_per_thread / block_work, [&](std::int64_t begin, std::int64_t end) {
        const BorderedImage bordered(s);
        std::int64_t bordered_image = -1;
        const float* image = nullptr;
        for (std::int64_t unit = begin; unit < end; ++unit) {
          const std::int64_t n = unit / blocks.count, block = unit % blocks.count;
          if (n != bordered_image) image = bordered.of(input + n * s.height * s.width * s.in_channels);
          bordered_image = n;
          PanelProduct work;
          work.rows = (blocks.end(block) - blocks.begin(block)) * s.out_width, work.line_rows = s.out_width;
          work.runs = s.kernel_height, work.depth = s.kernel_row();
          work.a = image + blocks.begin(block) * s.stride_y * s.bordered_width() * s.in_channels;
          work.a_line = s.stride_y * s.bordered_width() * s.in_channels,
          work.a_row = s.stride_x * s.in_channels;
          work.a_run = s.dilation_y * s.bordered_width() * s.in_channels;
          work.c_row = s.out_channels;
          for (std::int64_t channel = 0; channel < s.out_channels; channel += width) {
            work.columns = std::min(width, s.out_channels - channel);
            work.b = panels + channel * s.depth();
            work.start = bias == nullptr ? nullptr : bias + channel;
            work.c =
                output + (n * s.out_pixels() + blocks.begin(block) * s.out_width) * s.out_channels + channel;
            panel_product(work);
          }
        }
      });
}

std::int64_t panels_elements(std::int64_t rows, std::int64_t columns) {
  const std::int64_t width = panel_width();
  return rows * ((columns + width - 1) / width * width);
}

/// Calls f(out, cell, in) for each weight, with `in` running fastest.
template <class F>
void for_each_weight(const Sizes2d& s, const F& f) {
  const std::int64_t cells = s.kernel_height * s.kernel_width;
  parallel_for(0, s.out_channels, 1 + 64 * 1024 / s.depth(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t out = begin; out < end; ++out) {
      for (std::int64_t cell = 0; cell < cells; ++cell) {
        for (std::int64_t in = 0; in < s.in_channels; ++in) f(out, cell, in);
      }
    }
  });
}

void forward(const Sizes2d& s, const float* input, const float* weight, const float* bias, float* output) {
  // From [out][in][y][x] to a row for each (y, x, in) and a column for each out.
  const std::int64_t cells = s.kernel_height * s.kernel_width;
  const Scratch<float> turned(s.out_channels * s.depth());
  for_each_weight(s, [&](std::int64_t out, std::int64_t cell, std::int64_t in) {
    turned[(out * cells + cell) * s.in_channels + in] = weight[(out * s.in_channels + in) * cells + cell];
  });
  const Scratch<float> panels(panels_elements(s.depth(), s.out_channels));
  pack_panels(turned.data(), 1, s.depth(), s.depth(), s.out_channels, panels.data());
  run_forward(s, input, panels.data(), bias, output);
}

/// With strides of 1 the gradient of the input is a convolution of the output's gradient with the kernel
/// turned round and channels exchanged.
void backward_input(const Sizes2d& s, float* d_input, const float* weight, const float* d_output) {
  Sizes2d turned = s;
  std::swap(turned.in_channels, turned.out_channels);
  std::swap(turned.height, turned.out_height);
  std::swap(turned.width, turned.out_width);
  turned.padding_y = (s.kernel_height - 1) * s.dilation_y - s.padding_y;
  turned.padding_x = s.kernel_width - 1 - s.padding_x;
  const std::int64_t cells = s.kernel_height * s.kernel_width;
  const Scratch<float> rows(turned.depth() * s.in_channels);  // (y, x, out) by in
  for_each_weight(s, [&](std::int64_t out, std::int64_t cell, std::int64_t in) {
    rows[((cells - 1 - cell) * s.out_channels + out) * s.in_channels + in] =
        weight[(out * s.in_channels + in) * cells + cell];
  });
  const Scratch<float> panels(panels_elements(turned.depth(), s.in_channels));
  pack_panels(rows.data(), s.in_channels, 1, turned.depth(), s.in_channels, panels.data());
  run_forward(turned, d_output, panels.data(), nullptr, d_input);
}

/// Adds pixels, which are `step` elements apart, to the sums of some of their channels.
void add_pixels(const float* values, std::int64_t pixels, std::int64_t step, std::int64_t channels,
                float* sums) {
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel, values += step) {
    for (std::int64_t channel = 0; channel < channels; ++channel) sums[channel] += values[channel];
  }
}

/// The sum of `parts` rows of partial sums.
void add_parts(const float* parts_sums, std::int64_t parts, std::int64_t row_step, std::int64_t count,
               float* sums) {
  std::fill_n(sums, count, 0.0f);
  add_pixels(parts_sums, parts, row_step, count, sums);
}

/// Sums over the pixels of all images. A fixed number of partial sums, so that the result does not depend on
/// the number of threads.
void backward_weight(const Sizes2d& s, const float* input, float* d_weight, float* d_bias,
                     const float* d_output) {
  const std::int64_t width = panel_width(), depth = s.depth(), channels = s.out_channels;
  constexpr std::int64_t most_elements = 4 * 1024 * 1024;  // of all partial sums
  constexpr std::int64_t wanted_units = 16;
  const std::int64_t parts =
      std::clamp<std::int64_t>(most_elements / (depth * channels), 1, std::min(s.batch, wanted_units));
  const std::int64_t panels = (channels + width - 1) / width;
  const std::int64_t groups = std::min(panels, (wanted_units + parts - 1) / parts);
  const std::int64_t part_size = (depth + 1) * channels;  // the last row is the bias's gradient
  const Scratch<float> sums(parts * part_size);
  const std::int64_t unit_work = s.batch * s.out_pixels() * depth * channels / (parts * groups);
  parallel_for(
      0, parts * groups, 1 + work_per_thread / (unit_work + 1), [&](std::int64_t begin, std::int64_t end) {
        const BorderedImage bordered(s);
        for (std::int64_t unit = begin; unit < end; ++unit) {
          const std::int64_t part = unit / groups, group = unit % groups;
          const std::int64_t first = panels * group / groups * width;
          const std::int64_t last = std::min(channels, panels * (group + 1) / groups * width);
          const Scratch<float> gradients(panels_elements(s.out_pixels(), last - first));
          float* part_sums = sums.data() + part * part_size;
          float* bias_sums = part_sums + depth * channels + first;
          std::fill_n(bias_sums, last - first, 0.0f);
          PanelProduct work;
          work.rows = work.line_rows = s.kernel_row(), work.runs = s.out_height, work.depth = s.out_width;
          work.a_row = 1, work.a_step = s.stride_x * s.in_channels;
          work.a_run = s.stride_y * s.bordered_width() * s.in_channels;
          work.c_row = work.start_row = channels;
          for (std::int64_t n = s.batch * part / parts; n < s.batch * (part + 1) / parts; ++n) {
            const bool first_image = n == s.batch * part / parts;
            const float* image = bordered.of(input + n * s.height * s.width * s.in_channels);
            const float* d_pixels = d_output + n * s.out_pixels() * channels + first;
            pack_panels(d_pixels, channels, 1, s.out_pixels(), last - first, gradients.data());
            if (d_bias != nullptr) add_pixels(d_pixels, s.out_pixels(), channels, last - first, bias_sums);
            for (std::int64_t y = 0; y < s.kernel_height; ++y) {
              work.a = image + y * s.dilation_y * s.bordered_width() * s.in_channels;
              for (std::int64_t channel = first; channel < last; channel += width) {
                work.columns = std::min(width, last - channel);
                work.b = gradients.data() + (channel - first) * s.out_pixels();
                work.c = part_sums + y * s.kernel_row() * channels + channel;
                work.start = first_image ? nullptr : work.c;
                panel_product(work);
              }
            }
          }
        }
      });
  const std::int64_t cells = s.kernel_height * s.kernel_width;
  // Back to [out][in][y][x]; a block of output channels at a time, so that lines are read and written whole.
  constexpr std::int64_t block = 16;
  const std::int64_t blocks = (channels + block - 1) / block;
  parallel_for(0, blocks, 1 + 4096 / (depth * parts), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i * block, last = std::min(channels, first + block);
      for (std::int64_t row = 0; row < depth; ++row) {  // (y, x, in)
        float* to = d_weight + row % s.in_channels * cells + row / s.in_channels;
        for (std::int64_t out = first; out < last; ++out) {
          float sum = 0;
          for (std::int64_t part = 0; part < parts; ++part)
            sum += sums[part * part_size + row * channels + out];
          to[out * depth] = sum;
        }
      }
    }
  });
  if (d_bias != nullptr) add_parts(sums.data() + depth * channels, parts, part_size, channels, d_bias);
}

/// The gradient of the bias alone; by a fixed number of parts too.
void sum_all_pixels(const Sizes2d& s, const float* d_output, float* d_bias) {
  const std::int64_t channels = s.out_channels, pixels = s.batch * s.out_pixels();
  const std::int64_t parts = std::clamp<std::int64_t>(pixels / 256, 1, 64);
  const Scratch<float> sums(parts * channels);
  std::fill_n(sums.data(), parts * channels, 0.0f);
  const std::int64_t grain = 1 + parts * 32 * 1024 / (pixels * channels);
  parallel_for(0, parts, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      const std::int64_t first = pixels * part / parts, last = pixels * (part + 1) / parts;
      add_pixels(d_output + first * channels, last - first, channels, channels,
                 sums.data() + part * channels);
    }
  });
  add_parts(sums.data(), parts, channels, channels, d_bias);
}

/// Whether each output pixel depends on the input pixel at its place alone: one product over all pixels.
bool is_pointwise(const Sizes2d& s) noexcept {
  return s.kernel_height == 1 && s.kernel_width == 1 && s.stride_y == 1 && s.stride_x == 1 &&
         s.padding_y == 0 && s.padding_x == 0;
}

/// Matrices of pixels by channels are rows, the weight is [out][in].
void run_pointwise(ConvolutionWork work, const Sizes2d& s, float* input, float* weight, float* bias,
                   float* output) {
  Gemm product;
  const std::int64_t pixels = s.batch * s.out_pixels(), in = s.in_channels, out = s.out_channels;
  switch (work) {
    case ConvolutionWork::forward:
      product.m = pixels, product.n = out, product.k = in;
      product.a = input, product.a_row = in, product.a_column = 1;
      product.b = weight, product.b_row = 1, product.b_column = in;
      product.c = output, product.c_row = out;
      product.row_bias = bias;
      break;
    case ConvolutionWork::backward_input:
      product.m = pixels, product.n = in, product.k = out;
      product.a = output, product.a_row = out, product.a_column = 1;
      product.b = weight, product.b_row = in, product.b_column = 1;
      product.c = input, product.c_row = in;
      break;
    case ConvolutionWork::backward_weight:
      product.m = out, product.n = in, product.k = pixels;
      product.a = output, product.a_row = 1, product.a_column = out;
      product.b = input, product.b_row = in, product.b_column = 1;
      product.c = weight, product.c_row = in;
      if (bias != nullptr) sum_all_pixels(s, output, bias);
      break;
  }
  product.c_column = 1;
  matrix_product(DType::float32, product);
}

}  // namespace

bool convolution_direct(const ConvolutionSizes& sizes, float* input, float* weight, float* bias,
                        float* output) {
  if (sizes.groups != 1 || sizes.spatial_rank > 2) return false;
  const std::size_t x = sizes.spatial_rank == 2 ? 1 : 0;
  if (sizes.dilation[x] != 1) return false;
  const Sizes2d s(sizes);
  if (is_pointwise(s)) {
    run_pointwise(sizes.work, s, input, weight, bias, output);
    return true;
  }
  const bool turned = sizes.work == ConvolutionWork::backward_input;
  if (s.kernel_width * (turned ? s.out_channels : s.in_channels) < shortest_run) return false;
  switch (sizes.work) {
    case ConvolutionWork::forward:
      forward(s, input, weight, bias, output);
      return true;
    case ConvolutionWork::backward_input:
      if (s.stride_y != 1 || s.stride_x != 1 || s.padding_x > s.kernel_width - 1 ||
          s.padding_y > (s.kernel_height - 1) * s.dilation_y) {
        return false;
      }
      backward_input(s, input, weight, output);
      return true;
    case ConvolutionWork::backward_weight:
      backward_weight(s, input, weight, bias, output);
      return true;
  }
  return false;
}

}  // namespace rustorch::cpu
