// Products through cuBLASLt on each CUDA device that is here, against the CPU's.
#include "backends/gpu/cuda_library.h"
#include "backends/gpu/device_copy.h"
#include "rustorch/backends/gpu/matrix_library.h"

namespace rustorch::testing {
namespace {

class GpuCublas : public OnCudaLibrary {
 protected:
  std::string library(gpu::KernelExecutor& executor) const override {
    return executor.matrix_library()->description();
  }

  /// Computes on the device, twice, and on the CPU. Without a bias, or with a row of one batch in float32,
  /// no kernel of ours runs.
  static void check(gpu::GpuBackend& backend, HostTensor& a, HostTensor& b, HostTensor& out, HostTensor* bias,
                    bool by_library_alone, const std::string& text,
                    std::optional<Op> activation = std::nullopt) {
    const DType dtype = out.dtype();
    const std::string what = fmt::format("{}: {}", dtype, text);
    std::vector<HostTensor*> inputs{&a, &b};
    if (bias != nullptr) inputs.push_back(bias);
    const std::uint64_t before = kernels(backend);
    const auto work = [&](ComputeBackend& any, const auto& view) {
      Matmul product{view(a), view(b), view(out), {}, activation};
      if (bias != nullptr) product.bias = view(*bias);
      any.matmul(product);
    };
    const bool reduced = is_reduced_precision(dtype);
    const double sums = (8 + 12 * std::sqrt(static_cast<double>(a.shape().back()))) *
                        (reduced ? epsilon_of(DType::float32) / epsilon_of(dtype) : 1);
    // Products of these operands are below 8; some algorithms round them before they add the bias, and what
    // follows the library reads what it rounded.
    const double rounding = !reduced ? 0 : (bias == nullptr ? 1 : 5) + (activation ? 1 : 0);
    expect_as_on_cpu(backend, inputs, {&out}, work, sums + rounding, what);
    if (by_library_alone) {
      EXPECT_EQ(kernels(backend), before) << what << " was not made by the library";
    }
  }
};

constexpr DType dtypes[] = {DType::float32, DType::float64, DType::float16, DType::bfloat16};

struct Size {
  std::int64_t m, n, k;
};

TEST_F(GpuCublas, IsNamed) {
  for (gpu::GpuBackend* backend : backends) {
    bool named = false;
    for (const auto& [name, value] : backend->capabilities())
      named = named || value.starts_with("cuBLASLt 1");
    EXPECT_TRUE(named);
  }
}

TEST_F(GpuCublas, EveryDtypeAndOrder) {
  for (gpu::GpuBackend* backend : backends) {
    unsigned seed = 1;
    for (const DType dtype : dtypes) {
      for (const auto& [m, n, k] : {Size{512, 512, 512}, Size{520, 650, 501}, Size{1285, 900, 120}}) {
        for (const Order a_order : {Order::plain, Order::reversed}) {
          for (const Order b_order : {Order::plain, Order::reversed}) {
            for (const Order out_order : {Order::plain, Order::reversed}) {
              HostTensor a(dtype, {m, k}, a_order), b(dtype, {k, n}, b_order), out(dtype, {m, n}, out_order);
              a.randomize(seed++), b.randomize(seed++);
              check(*backend, a, b, out, nullptr, true, fmt::format("{}x{}x{}, {}", m, n, k, seed / 2 % 8));
              if (HasFailure()) return;
            }
          }
        }
      }
    }
  }
}

// Few results, whose sums are cut in parts.
TEST_F(GpuCublas, LongSums) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : dtypes) {
      for (const auto& [m, n, k] : {Size{64, 48, 50000}, Size{66, 94, 22003}, Size{2048, 2048, 33}}) {
        HostTensor a(dtype, {m, k}), b(dtype, {k, n}, Order::reversed), out(dtype, {m, n});
        a.randomize(1), b.randomize(2);
        check(*backend, a, b, out, nullptr, true, fmt::format("{}x{}x{}", m, n, k));
      }
    }
  }
}

TEST_F(GpuCublas, BiasInEveryForm) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : dtypes) {
      for (const auto& [m, n, k] : {Size{512, 640, 416}, Size{333, 470, 900}, Size{320, 200, 2200}}) {
        for (const Order order : {Order::plain, Order::reversed}) {
          HostTensor a(dtype, {m, k}), b(dtype, {k, n}, Order::reversed), out(dtype, {m, n}, order);
          HostTensor row(dtype, Layout({m, n}, {0, 1})), odd_row(dtype, Layout({m, n}, {0, 1}, 3));
          HostTensor column(dtype, Layout({m, n}, {1, 0})), scalar(dtype, Layout({m, n}, {0, 0}));
          HostTensor whole(dtype, {m, n}, Order::gaps);
          a.randomize(1), b.randomize(2);
          for (HostTensor* bias : {&row, &odd_row, &column, &scalar, &whole}) {
            bias->randomize(3);
            check(*backend, a, b, out, bias, false, fmt::format("{}x{}x{}", m, n, k));
            if (HasFailure()) return;
          }
        }
      }
    }
  }
}

// What a linear layer asks for is one call.
TEST_F(GpuCublas, ARowIsAddedByTheLibrary) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
      HostTensor a(dtype, {1024, 784}), b(dtype, {784, 256}, Order::reversed), out(dtype, {1024, 256});
      HostTensor row(dtype, Layout({1024, 256}, {0, 1}));
      a.randomize(1), b.randomize(2), row.randomize(3);
      check(*backend, a, b, out, &row, true, "a linear layer");
    }
  }
}

// gelu_tanh is an epilogue of the library; relu and gelu, which it would compute otherwise (NaN becomes 0,
// the form with tanh), follow. NaN stays NaN in all.
TEST_F(GpuCublas, Activations) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : dtypes) {
      for (const Op activation : {Op::relu, Op::gelu, Op::gelu_tanh}) {
        for (const Order order : {Order::plain, Order::reversed}) {
          HostTensor a(dtype, {1024, 784}), b(dtype, {784, 256}, Order::reversed);
          HostTensor out(dtype, {1024, 256}, order);
          HostTensor row(dtype, Layout({1024, 256}, {0, 1})), whole(dtype, {1024, 256}, Order::gaps);
          a.randomize(1), b.randomize(2), row.randomize(3), whole.randomize(4);
          a.set(0, std::numeric_limits<long double>::quiet_NaN());
          // What a linear layer asks for is one call, but for float64, which has no such epilogue.
          const bool by_library_alone = activation != Op::gelu && dtype != DType::float64;
          const std::string_view name = op_info(activation).name;
          check(*backend, a, b, out, nullptr, by_library_alone, fmt::format("{}", name), activation);
          check(*backend, a, b, out, &row, by_library_alone && order == Order::plain,
                fmt::format("{} with a row", name), activation);
          check(*backend, a, b, out, &whole, false, fmt::format("{} with a matrix", name), activation);
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST_F(GpuCublas, OffsetsAndGaps) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : dtypes) {
      for (const std::int64_t offset : {1, 2, 4, 8}) {
        HostTensor a(dtype, Layout({512, 640}, {640 + offset, 1}, offset));
        HostTensor b(dtype, Layout({640, 576}, {1, 656}, 3 * offset));
        HostTensor out(dtype, Layout({512, 576}, {592, 1}, offset));
        a.randomize(1), b.randomize(2);
        check(*backend, a, b, out, nullptr, true, fmt::format("offset {}", offset));
      }
    }
  }
}

TEST_F(GpuCublas, BatchesAndBroadcasts) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : dtypes) {
      const std::int64_t m = 133, n = 200, k = 427;
      const Layout plain_a = Layout::contiguous({3, 4, m, k}), plain_b = Layout::contiguous({3, 4, k, n});
      const Layout a_layouts[] = {plain_a, Layout(plain_a.shape, {0, 0, k, 1}),
                                  Layout(plain_a.shape, {4 * m * k, m * k, 1, m})};
      const Layout b_layouts[] = {plain_b, Layout(plain_b.shape, {0, 0, 1, k})};
      for (const Layout& a_layout : a_layouts) {
        for (const Layout& b_layout : b_layouts) {
          HostTensor a(dtype, a_layout), b(dtype, b_layout), out(dtype, {3, 4, m, n});
          HostTensor bias(dtype, Layout({3, 4, m, n}, {n, 0, 0, 1}));
          a.randomize(1), b.randomize(2), bias.randomize(3);
          check(*backend, a, b, out, nullptr, true, "batches");
          check(*backend, a, b, out, &bias, false, "batches with a bias");
          if (HasFailure()) return;
        }
      }
      // Heads inside rows: a call for each of the outer dim.
      HostTensor a(dtype, Layout({2, 3, 512, 260}, {3 * 512 * 260, 260, 3 * 260, 1}));
      HostTensor b(dtype, {2, 3, 260, 400}), out(dtype, {2, 3, 512, 400});
      a.randomize(1), b.randomize(2);
      check(*backend, a, b, out, nullptr, true, "heads inside rows");
    }
  }
}

// TF32 keeps 10 bits after the point of each operand: only where that is allowed.
TEST_F(GpuCublas, Float32IsRoundedOnlyWhereThatIsAllowed) {
  constexpr std::int64_t size = 512;
  for (gpu::GpuBackend* backend : backends) {
    HostTensor a(DType::float32, {size, size}), b(DType::float32, {size, size});
    HostTensor out(DType::float32, {size, size});
    for (std::int64_t i = 0; i < size; ++i) {
      for (std::int64_t j = 0; j < size; ++j) {
        a.set(i * size + j, 1 + static_cast<long double>(i * size + j) * 0x1p-20L);
        b.set(i * size + j, i == j ? 1 : 0);
      }
    }
    DeviceCopy on_a(*backend, a), on_b(*backend, b), on_out(*backend, out);
    const auto multiply = [&](Float32Precision precision) {
      set_float32_matmul_precision(precision);
      backend->matmul({on_a.view(), on_b.view(), on_out.view(), {}});
      set_float32_matmul_precision(Float32Precision::highest);
      on_out.fetch();
      return values_of(out);
    };
    const std::vector<Wide> exact = values_of(a);
    EXPECT_EQ(multiply(Float32Precision::highest), exact);
    const std::vector<Wide> rounded = multiply(Float32Precision::high);
    EXPECT_NE(rounded, exact) << "no tensor cores?";
    for (std::size_t i = 0; i < exact.size(); ++i) ASSERT_LE(std::abs(rounded[i] - exact[i]), 0x1p-10L) << i;
    EXPECT_EQ(multiply(Float32Precision::highest), exact) << "the plan of another precision was taken";
  }
}

// A kept plan serves operands at other addresses.
TEST_F(GpuCublas, TheSameBitsInEveryRun) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : dtypes) {
      HostTensor a(dtype, {120, 24000}), b(dtype, {24000, 50}), row(dtype, Layout({120, 50}, {0, 1}));
      HostTensor out(dtype, {120, 50});
      a.randomize(1), b.randomize(2), row.randomize(3);
      std::vector<Wide> first;
      std::vector<std::unique_ptr<DeviceCopy>> kept;
      for (int run = 0; run < 10; ++run) {
        for (HostTensor* each : {&a, &b, &row, &out})
          kept.push_back(std::make_unique<DeviceCopy>(*backend, *each));
        const auto view = [&](std::size_t k) { return kept[kept.size() - 4 + k]->view(); };
        backend->matmul({view(0), view(1), view(3), view(2)});
        kept.back()->fetch();
        if (run == 0) first = values_of(out);
        ASSERT_EQ(values_of(out), first) << fmt::format("{}, run {}", dtype, run);
      }
    }
  }
}

}  // namespace
}  // namespace rustorch::testing
