#include <cstring>

#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/layer_norm_kernels.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/cpu/row_io.h"
#include "rustorch/memory/buffer.h"

namespace rustorch {
namespace {

constexpr std::int64_t grain = 8192;    // elements that are worth a thread
constexpr std::int64_t row_block = 64;  // rows whose shares of the parameters' gradients are summed as one

DType computed_in(DType dtype) {
  RUSTORCH_CHECK(is_floating_point(dtype), dtype_mismatch, "op layer_norm does not take {}", dtype);
  return compute_dtype(dtype);
}

/// Sums the blocks' shares of a parameter's gradient, in their order, and writes it.
void sum_shares(const void* shares, std::int64_t blocks, std::int64_t columns, DType computed,
                const View& out) {
  const cpu::RunWriter writer(out, DType::float64);
  cpu::parallel_for(0, columns, std::max<std::int64_t>(1, grain / std::max<std::int64_t>(1, blocks)),
                    [&](std::int64_t begin, std::int64_t end) {
                      constexpr std::int64_t piece = 256;
                      std::array<double, piece> sums;
                      for (std::int64_t first = begin; first < end; first += piece) {
                        const std::int64_t n = std::min(piece, end - first);
                        sums.fill(0);
                        visit_dtype(computed, [&](auto tag) {
                          using T = typename decltype(tag)::type;
                          if constexpr (std::is_floating_point_v<T>) {
                            const T* share = static_cast<const T*>(shares) + first;
                            for (std::int64_t b = 0; b < blocks; ++b, share += columns) {
                              for (std::int64_t j = 0; j < n; ++j)
                                sums[static_cast<std::size_t>(j)] += static_cast<double>(share[j]);
                            }
                          }
                        });
                        writer.write(sums.data(), first * out.layout->strides[0], out.layout->strides[0], n);
                      }
                    });
}

}  // namespace

void CpuBackend::layer_norm_forward(const LayerNormForward& work) {
  const std::int64_t rows = work.input.layout->shape[0];
  const std::int64_t columns = work.input.layout->shape[1];
  const DType computed = computed_in(work.input.dtype);
  if (rows == 0) return;
  const cpu::LayerNormLoops& loops = cpu::layer_norm_loops(computed == DType::float64);
  const cpu::Parameter weight(work.weight, computed);
  const cpu::Parameter bias(work.bias, computed);
  cpu::parallel_for(0, rows, std::max<std::int64_t>(1, grain / std::max<std::int64_t>(1, columns)),
                    [&](std::int64_t begin, std::int64_t end) {
                      const cpu::Rows input(work.input, computed);
                      const cpu::ResultRows output(work.output, computed);
                      for (std::int64_t r = begin; r < end; ++r) {
                        const auto [mean, inverse_std] =
                            loops.forward_row(input.row(r), weight.data(), bias.data(), output.row(r),
                                              static_cast<std::size_t>(columns), work.epsilon);
                        output.finish(r);
                        if (work.mean.data != nullptr) cpu::write_element(work.mean, r, mean);
                        if (work.inverse_std.data != nullptr)
                          cpu::write_element(work.inverse_std, r, inverse_std);
                      }
                    });
}

void CpuBackend::layer_norm_backward(const LayerNormBackward& work) {
  const std::int64_t rows = work.input.layout->shape[0];
  const std::int64_t columns = work.input.layout->shape[1];
  const DType computed = computed_in(work.input.dtype);
  const std::int64_t item = static_cast<std::int64_t>(item_size(computed));
  const cpu::LayerNormLoops& loops = cpu::layer_norm_loops(computed == DType::float64);
  const cpu::Parameter weight(work.weight, computed);
  const std::int64_t blocks = (rows + row_block - 1) / row_block;
  const auto share_bytes = static_cast<std::size_t>(blocks * columns * item);
  Buffer d_weight, d_bias;
  if (work.d_weight.data != nullptr) d_weight = Buffer(cpu_allocator(), share_bytes);
  if (work.d_bias.data != nullptr) d_bias = Buffer(cpu_allocator(), share_bytes);
  const auto share = [&](const Buffer& buffer, std::int64_t block) -> void* {
    if (buffer.data() == nullptr) return nullptr;
    return static_cast<std::byte*>(buffer.data()) + block * columns * item;
  };
  const std::int64_t per_block = std::max<std::int64_t>(1, row_block * columns);
  cpu::parallel_for(
      0, blocks, std::max<std::int64_t>(1, grain / per_block), [&](std::int64_t begin, std::int64_t end) {
        const cpu::Rows input(work.input, computed);
        const cpu::Rows d_output(work.d_output, computed);
        const cpu::ResultRows d_input(work.d_input, computed);
        for (std::int64_t b = begin; b < end; ++b) {
          for (const Buffer* buffer : {&d_weight, &d_bias}) {
            if (buffer->data() != nullptr)
              std::memset(share(*buffer, b), 0, static_cast<std::size_t>(columns * item));
          }
          for (std::int64_t r = b * row_block; r < std::min(rows, (b + 1) * row_block); ++r) {
            loops.backward_row(input.row(r), d_output.row(r), weight.data(),
                               {cpu::read_element(work.mean, r), cpu::read_element(work.inverse_std, r)},
                               d_input.row(r), share(d_weight, b), share(d_bias, b),
                               static_cast<std::size_t>(columns));
            d_input.finish(r);
          }
        }
      });
  if (columns == 0) return;
  if (work.d_weight.data != nullptr) sum_shares(d_weight.data(), blocks, columns, computed, work.d_weight);
  if (work.d_bias.data != nullptr) sum_shares(d_bias.data(), blocks, columns, computed, work.d_bias);
}

}  // namespace rustorch
