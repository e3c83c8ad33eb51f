#include <algorithm>
#include <numeric>

#include "rustorch/backends/cpu/convolution.h"
#include "rustorch/backends/cpu/matmul.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/temporary.h"

namespace rustorch::cpu {
namespace {

std::int64_t product(const std::array<std::int64_t, 3>& sizes) { return sizes[0] * sizes[1] * sizes[2]; }

/// What the loops of all three directions need to know. Spatial sizes are three, leading ones 1.
template <class T>
struct Problem {
  ConvolutionSizes sizes;
  std::int64_t in_pixels, out_pixels, cells;  // of one image, one image, one kernel
  std::int64_t in_group, out_group;           // channels of one group

  explicit Problem(const ConvolutionSizes& given) : sizes(given) {
    const auto rank = static_cast<std::size_t>(given.spatial_rank);
    const auto align = [&](std::array<std::int64_t, 3>& values, std::int64_t filler) {
      std::array<std::int64_t, 3> aligned{filler, filler, filler};
      std::copy_n(values.begin(), rank, aligned.begin() + static_cast<std::ptrdiff_t>(3 - rank));
      values = aligned;
    };
    align(sizes.input, 1), align(sizes.output, 1), align(sizes.kernel, 1);
    align(sizes.stride, 1), align(sizes.padding, 0), align(sizes.dilation, 1);
    in_pixels = product(sizes.input);
    out_pixels = product(sizes.output);
    cells = product(sizes.kernel);
    in_group = sizes.in_channels / sizes.groups;
    out_group = sizes.out_channels / sizes.groups;
  }

  /// The input pixel under a cell of the window of an output pixel, or -1 in the padding.
  std::int64_t input_pixel(std::int64_t out_pixel, std::int64_t cell) const {
    std::int64_t pixel = 0, scale = 1;
    for (std::size_t i = 3; i-- > 0;) {
      const std::int64_t at = out_pixel % sizes.output[i] * sizes.stride[i] +
                              cell % sizes.kernel[i] * sizes.dilation[i] - sizes.padding[i];
      if (at < 0 || at >= sizes.input[i]) return -1;
      pixel += at * scale;
      scale *= sizes.input[i];
      out_pixel /= sizes.output[i];
      cell /= sizes.kernel[i];
    }
    return pixel;
  }

  /// Output pixels whose windows fit in a cache together.
  std::int64_t block() const {
    return std::clamp<std::int64_t>(32768 / std::max<std::int64_t>(1, cells * in_group), 16, 1024);
  }

  /// Weights as [group][cell][channel][output channel], so that a window is a row and its channels are
  /// adjacent.
  template <bool to_plain>
  void turn_weights(T* plain, T* turned) const {
    for (std::int64_t out = 0; out < sizes.out_channels; ++out) {
      T* group = turned + out / out_group * cells * in_group * out_group + out % out_group;
      for (std::int64_t channel = 0; channel < in_group; ++channel) {
        for (std::int64_t cell = 0; cell < cells; ++cell) {
          T& in_plain = plain[(out * in_group + channel) * cells + cell];
          T& in_turned = group[(cell * in_group + channel) * out_group];
          (to_plain ? in_plain : in_turned) = to_plain ? in_turned : in_plain;
        }
      }
    }
  }

  /// Copies the channels of one group under `cell` for output pixels [begin, end) to rows `row_stride` apart.
  void gather_cell(const T* image, std::int64_t group, std::int64_t cell, std::int64_t begin,
                   std::int64_t end, T* rows, std::int64_t row_stride) const {
    for (std::int64_t pixel = begin; pixel < end; ++pixel, rows += row_stride) {
      const std::int64_t from = input_pixel(pixel, cell);
      if (from < 0) {
        std::fill_n(rows, in_group, T{0});
      } else {
        std::copy_n(image + from * sizes.in_channels + group * in_group, in_group, rows);
      }
    }
  }
};

template <class T>
void forward(const Problem<T>& p, const T* input, T* weight, const T* bias, T* output) {
  const std::int64_t window = p.cells * p.in_group;
  const Scratch<T> turned(p.sizes.out_channels * window);
  p.template turn_weights<false>(weight, turned.data());
  const std::int64_t block = p.block(), blocks = (p.out_pixels + block - 1) / block;
  parallel_for(0, p.sizes.batch * blocks, 1, [&](std::int64_t first, std::int64_t last) {
    const Scratch<T> windows(block * window);
    for (std::int64_t unit = first; unit < last; ++unit) {
      const std::int64_t image = unit / blocks, begin = unit % blocks * block;
      const std::int64_t end = std::min(p.out_pixels, begin + block);
      T* out = output + (image * p.out_pixels + begin) * p.sizes.out_channels;
      for (std::int64_t row = 0; bias != nullptr && row < end - begin; ++row) {
        std::copy_n(bias, p.sizes.out_channels, out + row * p.sizes.out_channels);
      }
      for (std::int64_t group = 0; group < p.sizes.groups; ++group) {
        for (std::int64_t cell = 0; cell < p.cells; ++cell) {
          p.gather_cell(input + image * p.in_pixels * p.sizes.in_channels, group, cell, begin, end,
                        windows.data() + cell * p.in_group, window);
        }
        Gemm product;
        product.m = end - begin, product.n = p.out_group, product.k = window;
        product.a = windows.data(), product.a_row = window, product.a_column = 1;
        product.b = turned.data() + group * window * p.out_group, product.b_row = p.out_group,
        product.b_column = 1;
        product.c = out + group * p.out_group, product.c_row = p.sizes.out_channels, product.c_column = 1;
        product.accumulate = bias != nullptr;
        matrix_product(dtype_of<T>, product);
      }
    }
  });
}

template <class T>
void backward_input(const Problem<T>& p, T* d_input, T* weight, const T* d_output) {
  const std::int64_t window = p.cells * p.in_group, in_channels = p.sizes.in_channels;
  const Scratch<T> turned(p.sizes.out_channels * window);
  p.template turn_weights<false>(weight, turned.data());
  const std::int64_t block = p.block();
  // Windows overlap, but images and groups do not touch each other's pixels.
  parallel_for(0, p.sizes.batch * p.sizes.groups, 1, [&](std::int64_t first, std::int64_t last) {
    const Scratch<T> windows(block * window);
    for (std::int64_t unit = first; unit < last; ++unit) {
      const std::int64_t image = unit / p.sizes.groups, group = unit % p.sizes.groups;
      T* d_image = d_input + image * p.in_pixels * in_channels + group * p.in_group;
      for (std::int64_t pixel = 0; pixel < p.in_pixels; ++pixel)
        std::fill_n(d_image + pixel * in_channels, p.in_group, T{0});
      for (std::int64_t begin = 0; begin < p.out_pixels; begin += block) {
        const std::int64_t end = std::min(p.out_pixels, begin + block);
        Gemm product;
        product.m = end - begin, product.n = window, product.k = p.out_group;
        product.a = d_output + (image * p.out_pixels + begin) * p.sizes.out_channels + group * p.out_group;
        product.a_row = p.sizes.out_channels, product.a_column = 1;
        product.b = turned.data() + group * window * p.out_group, product.b_row = 1,
        product.b_column = p.out_group;
        product.c = windows.data(), product.c_row = window, product.c_column = 1;
        matrix_product(dtype_of<T>, product);
        for (std::int64_t pixel = begin; pixel < end; ++pixel) {
          const T* row = windows.data() + (pixel - begin) * window;
          for (std::int64_t cell = 0; cell < p.cells; ++cell, row += p.in_group) {
            const std::int64_t to = p.input_pixel(pixel, cell);
            if (to < 0) continue;
            T* target = d_image + to * in_channels;
            for (std::int64_t channel = 0; channel < p.in_group; ++channel) target[channel] += row[channel];
          }
        }
      }
    }
  });
}

template <class T>
void sum_pixels(const Problem<T>& p, const T* d_output, T* d_bias) {
  const std::int64_t channels = p.sizes.out_channels, rows = p.sizes.batch * p.out_pixels;
  constexpr std::int64_t block = 256;  // partial sums keep the error from growing with the number of pixels
  const Scratch<double> total(channels);
  const Scratch<T> partial(channels);
  std::fill_n(total.data(), channels, 0.0);
  for (std::int64_t begin = 0; begin < rows; begin += block) {
    std::fill_n(partial.data(), channels, T{0});
    for (std::int64_t row = begin; row < std::min(rows, begin + block); ++row) {
      const T* from = d_output + row * channels;
      for (std::int64_t channel = 0; channel < channels; ++channel) partial[channel] += from[channel];
    }
    for (std::int64_t channel = 0; channel < channels; ++channel)
      total[channel] += static_cast<double>(partial[channel]);
  }
  for (std::int64_t channel = 0; channel < channels; ++channel)
    d_bias[channel] = static_cast<T>(total[channel]);
}

template <class T>
void backward_weight(const Problem<T>& p, const T* input, T* d_weight, T* d_bias, const T* d_output) {
  const std::int64_t window = p.cells * p.in_group;
  const Scratch<T> turned(p.sizes.out_channels * window);
  const std::int64_t block =
      std::clamp<std::int64_t>(32768 / std::max<std::int64_t>(1, p.in_group), 16, 1024);
  // Each cell of the kernel is a matrix [channels, output channels] of its own.
  parallel_for(0, p.sizes.groups * p.cells, 1, [&](std::int64_t first, std::int64_t last) {
    const Scratch<T> pixels(block * p.in_group);
    for (std::int64_t unit = first; unit < last; ++unit) {
      const std::int64_t group = unit / p.cells, cell = unit % p.cells;
      Gemm product;
      product.m = p.in_group, product.n = p.out_group;
      product.a = pixels.data(), product.a_row = 1, product.a_column = p.in_group;
      product.b_row = p.sizes.out_channels, product.b_column = 1;
      product.c = turned.data() + unit * p.in_group * p.out_group, product.c_row = p.out_group,
      product.c_column = 1;
      for (std::int64_t image = 0; image < p.sizes.batch; ++image) {
        for (std::int64_t begin = 0; begin < p.out_pixels; begin += block) {
          const std::int64_t end = std::min(p.out_pixels, begin + block);
          p.gather_cell(input + image * p.in_pixels * p.sizes.in_channels, group, cell, begin, end,
                        pixels.data(), p.in_group);
          product.k = end - begin;
          product.b = d_output + (image * p.out_pixels + begin) * p.sizes.out_channels + group * p.out_group;
          matrix_product(dtype_of<T>, product);
          product.accumulate = true;
        }
      }
    }
  });
  p.template turn_weights<true>(d_weight, turned.data());
  if (d_bias != nullptr) sum_pixels(p, d_output, d_bias);
}

}  // namespace

template <class T>
void convolution_by_windows(const ConvolutionSizes& sizes, T* input, T* weight, T* bias, T* output) {
  const Problem<T> problem(sizes);
  switch (sizes.work) {
    case ConvolutionWork::forward:
      return forward<T>(problem, input, weight, bias, output);
    case ConvolutionWork::backward_input:
      return backward_input<T>(problem, input, weight, output);
    case ConvolutionWork::backward_weight:
      return backward_weight<T>(problem, input, weight, bias, output);
  }
}

template void convolution_by_windows(const ConvolutionSizes&, float*, float*, float*, float*);
template void convolution_by_windows(const ConvolutionSizes&, double*, double*, double*, double*);

}  // namespace rustorch::cpu
