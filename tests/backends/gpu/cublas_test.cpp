// Products through cuBLASLt on each CUDA device that is here, against the CPU's.
#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"
#include "rustorch/backends/gpu/matrix_library.h"

namespace rustorch::testing {
namespace {

class GpuCublas : public OnGpu {
 protected:
  void SetUp() override {
    OnGpu::SetUp();
    if (IsSkipped()) return;
    std::erase_if(backends, [](gpu::GpuBackend* each) { return each->device().type != DeviceType::cuda; });
    if (backends.empty()) GTEST_SKIP() << "no CUDA device";
    const std::string description = backends.front()->executor().matrix_library()->description();
    if (description.find("absent") != std::string::npos) GTEST_SKIP() << description;
  }

  /// Kernels that the backend was asked for: those of its own products among them.
  static std::uint64_t kernels(const gpu::GpuBackend& backend) {
    const gpu::KernelCacheStatistics statistics = backend.kernels().statistics();
    return statistics.hits + statistics.compiled + statistics.loaded_from_disk;
  }

  /// Computes on the device, twice, and on the CPU. Without a bias, or with a row of one batch in float32,
  /// no kernel of ours runs.
  static void check(gpu::GpuBackend& backend, HostTensor& a, HostTensor& b, HostTensor& out, HostTensor* bias,
                    bool by_library_alone, const std::string& text) {
    const DType dtype = out.dtype();
    const std::string what = fmt::format("{}: {}", dtype, text);
    std::vector<HostTensor*> inputs{&a, &b};
    if (bias != nullptr) inputs.push_back(bias);
    const std::uint64_t before = kernels(backend);
    const auto work = [&](ComputeBackend& any, const auto& view) {
      Matmul product{view(a), view(b), view(out), {}};
      if (bias != nullptr) product.bias = view(*bias);
      any.matmul(product);
    };
    const bool reduced = is_reduced_precision(dtype);
    const double sums = (8 + 12 * std::sqrt(static_cast<double>(a.shape().back()))) *
                        (reduced ? epsilon_of(DType::float32) / epsilon_of(dtype) : 1);
    expect_as_on_cpu(backend, inputs, {&out}, work, sums + (reduced ? 1 : 0), what);
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
      for (const auto& [m, n, k] : {Size{64, 64, 64}, Size{65, 31, 501}, Size{257, 300, 40}}) {
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
      for (const auto& [m, n, k] : {Size{32, 24, 20000}, Size{33, 47, 4099}, Size{64, 10, 1}}) {
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
      for (const auto& [m, n, k] : {Size{64, 128, 96}, Size{33, 47, 70}, Size{40, 50, 5000}}) {
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
      HostTensor a(dtype, {128, 784}), b(dtype, {784, 256}, Order::reversed), out(dtype, {128, 256});
      HostTensor row(dtype, Layout({128, 256}, {0, 1}));
      a.randomize(1), b.randomize(2), row.randomize(3);
      check(*backend, a, b, out, &row, true, "a linear layer");
    }
  }
}

TEST_F(GpuCublas, OffsetsAndGaps) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : dtypes) {
      for (const std::int64_t offset : {1, 2, 4, 8}) {
        HostTensor a(dtype, Layout({64, 80}, {80 + offset, 1}, offset));
        HostTensor b(dtype, Layout({80, 72}, {1, 96}, 3 * offset));
        HostTensor out(dtype, Layout({64, 72}, {88, 1}, offset));
        a.randomize(1), b.randomize(2);
        check(*backend, a, b, out, nullptr, true, fmt::format("offset {}", offset));
      }
    }
  }
}

TEST_F(GpuCublas, BatchesAndBroadcasts) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : dtypes) {
      const std::int64_t m = 33, n = 50, k = 27;
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
      HostTensor a(dtype, Layout({2, 3, 128, 260}, {3 * 128 * 260, 260, 3 * 260, 1}));
      HostTensor b(dtype, {2, 3, 260, 200}), out(dtype, {2, 3, 128, 200});
      a.randomize(1), b.randomize(2);
      check(*backend, a, b, out, nullptr, true, "heads inside rows");
    }
  }
}

// TF32 would keep 10 bits of each operand.
TEST_F(GpuCublas, Float32IsNotRounded) {
  for (gpu::GpuBackend* backend : backends) {
    HostTensor a(DType::float32, {256, 256}), b(DType::float32, {256, 256}), out(DType::float32, {256, 256});
    for (std::int64_t i = 0; i < 256; ++i) {
      for (std::int64_t j = 0; j < 256; ++j) {
        a.set(i * 256 + j, 1 + static_cast<long double>(i * 256 + j) * 0x1p-20L);
        b.set(i * 256 + j, i == j ? 1 : 0);
      }
    }
    DeviceCopy on_a(*backend, a), on_b(*backend, b), on_out(*backend, out);
    backend->matmul({on_a.view(), on_b.view(), on_out.view(), {}});
    on_out.fetch();
    EXPECT_EQ(values_of(out), values_of(a));
  }
}

// A kept plan serves operands at other addresses.
TEST_F(GpuCublas, TheSameBitsInEveryRun) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : dtypes) {
      HostTensor a(dtype, {40, 6000}), b(dtype, {6000, 50}), row(dtype, Layout({40, 50}, {0, 1}));
      HostTensor out(dtype, {40, 50});
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
