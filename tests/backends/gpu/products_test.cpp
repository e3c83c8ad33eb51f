// Matrix products on each GPU that is here, against the CPU's.
#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"

namespace rustorch::testing {
namespace {

class GpuMatmul : public ProductsOnGpu {
 protected:
  /// Computes on the device and on the CPU over the same operands.
  void check(gpu::GpuBackend& backend, HostTensor& a, HostTensor& b, HostTensor& out, HostTensor* bias,
             const std::string& what, std::optional<Op> activation = std::nullopt) {
    HostTensor expected = out;
    Matmul work{a.view(), b.view(), expected.view(), {}, activation};
    if (bias != nullptr) work.bias = bias->view();
    cpu_backend().matmul(work);
    DeviceCopy on_a(backend, a), on_b(backend, b), on_out(backend, out);
    std::optional<DeviceCopy> on_bias;
    work = {on_a.view(), on_b.view(), on_out.view(), {}, activation};
    if (bias != nullptr) work.bias = on_bias.emplace(backend, *bias).view();
    backend.matmul(work);
    on_out.fetch();
    // Errors of the sums grow like the square root of their length; reduced types round once, at the end.
    const DType dtype = out.dtype();
    const double sums = epsilon_of(is_reduced_precision(dtype) ? DType::float32 : dtype) *
                        (8 + 12 * std::sqrt(static_cast<double>(a.shape().back())));
    expect_near(out, values_of(expected), sums + (is_reduced_precision(dtype) ? epsilon_of(dtype) : 0),
                fmt::format("{} {}: {}", backend.name(), dtype, what));
  }
};

constexpr DType dtypes[] = {DType::float32, DType::float64,   DType::float16,   DType::bfloat16,
                            DType::uint8,   DType::int8,      DType::int16,     DType::int32,
                            DType::int64,   DType::complex64, DType::complex128};

struct Size {
  std::int64_t m, n, k;
};

TEST_F(GpuMatmul, EveryDtype) {
  for (gpu::GpuBackend* backend : backends) {
    unsigned seed = 1;
    for (const DType dtype : dtypes) {
      if (!backend->supports(Kind::matmul, dtype)) continue;
      for (const auto& [m, n, k] : {Size{3, 5, 7}, Size{40, 1, 100}, Size{45, 70, 81}}) {
        for (const Order order : {Order::plain, Order::gaps}) {
          HostTensor a(dtype, {m, k}, order), b(dtype, {k, n}, Order::reversed), out(dtype, {m, n}, order);
          HostTensor bias(dtype, Layout({m, n}, {0, 1}));
          a.randomize(seed++), b.randomize(seed++), bias.randomize(seed++);
          check(*backend, a, b, out, &bias, fmt::format("{}x{}x{}", m, n, k));
          if (HasFatalFailure()) return;
        }
      }
    }
    EXPECT_FALSE(backend->supports(Kind::matmul, DType::bool_));
  }
}

// Over the edges of tiles of every size, both ways through memory, with depths that are cut in parts.
TEST_F(GpuMatmul, EverySizeAndOrder) {
  const Size sizes[] = {{1, 1, 1},      {1, 300, 33},   {300, 1, 700}, {1, 1, 9000},   {4, 65, 40},
                        {33, 33, 257},  {64, 64, 16},   {65, 31, 500}, {130, 129, 70}, {257, 300, 40},
                        {20, 24, 3000}, {7, 1030, 260}, {100, 5, 1},   {16, 16, 1000}, {200, 33, 1100}};
  for (gpu::GpuBackend* backend : backends) {
    unsigned seed = 1;
    for (const auto& [m, n, k] : sizes) {
      for (const Order a_order : {Order::plain, Order::reversed}) {
        for (const Order b_order : {Order::plain, Order::reversed}) {
          for (const Order out_order : {Order::plain, Order::reversed}) {
            HostTensor a(DType::float32, {m, k}, a_order), b(DType::float32, {k, n}, b_order);
            HostTensor out(DType::float32, {m, n}, out_order);
            a.randomize(seed++), b.randomize(seed++);
            check(*backend, a, b, out, nullptr,
                  fmt::format("{}x{}x{} orders {} {} {}", m, n, k, static_cast<int>(a_order),
                              static_cast<int>(b_order), static_cast<int>(out_order)));
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

TEST_F(GpuMatmul, BiasInEveryForm) {
  for (gpu::GpuBackend* backend : backends) {
    for (const auto& [m, n, k] : {Size{3, 37, 60}, Size{100, 90, 60}, Size{40, 50, 5000}}) {
      HostTensor a(DType::float32, {m, k}), b(DType::float32, {k, n}, Order::reversed);
      a.randomize(1), b.randomize(2);
      HostTensor row(DType::float32, Layout({m, n}, {0, 1}));
      HostTensor column(DType::float32, Layout({m, n}, {1, 0}));
      HostTensor scalar(DType::float32, Layout({m, n}, {0, 0}));
      HostTensor whole(DType::float32, {m, n}, Order::gaps);
      for (HostTensor* bias : {&row, &column, &scalar, &whole}) {
        HostTensor out(DType::float32, {m, n});
        bias->randomize(3);
        check(*backend, a, b, out, bias, fmt::format("m = {}", m));
        if (HasFatalFailure()) return;
      }
    }
  }
}

// With threads for each result, in tiles, and where parts of the depth are added at the end.
TEST_F(GpuMatmul, Activations) {
  for (gpu::GpuBackend* backend : backends) {
    const auto check_one = [&](Op activation, DType dtype, const Size& size, bool has_bias) {
      if (!backend->supports(Kind::matmul, dtype)) return;
      const auto& [m, n, k] = size;
      HostTensor a(dtype, {m, k}), b(dtype, {k, n}, Order::reversed), out(dtype, {m, n}, Order::gaps);
      HostTensor row(dtype, Layout({m, n}, {0, 1}));
      a.randomize(1), b.randomize(2), row.randomize(3);
      if (k > 0) a.set(0, std::numeric_limits<long double>::quiet_NaN());
      check(*backend, a, b, out, has_bias ? &row : nullptr,
            fmt::format("{} {}x{}x{}", op_info(activation).name, m, n, k), activation);
    };
    for (const Size& size : {Size{3, 5, 7}, Size{45, 70, 81}, Size{20, 24, 3000}, Size{5, 6, 0}})
      check_one(Op::relu, DType::float32, size, true);
    check_one(Op::relu, DType::float32, {45, 70, 81}, false);
    check_one(Op::gelu, DType::bfloat16, {45, 70, 81}, true);
    check_one(Op::gelu_tanh, DType::float64, {3, 5, 7}, false);
  }
}

TEST_F(GpuMatmul, BatchesAndBroadcasts) {
  for (gpu::GpuBackend* backend : backends) {
    for (const auto& [m, n, k] : {Size{1, 13, 18}, Size{5, 13, 18}, Size{33, 50, 27}}) {
      const Layout plain_a = Layout::contiguous({3, 4, m, k}), plain_b = Layout::contiguous({3, 4, k, n});
      const Layout a_layouts[] = {plain_a,
                                  Layout(plain_a.shape, {0, m * k, k, 1}),  // one for all of the first dim
                                  Layout(plain_a.shape, {m * k, 0, k, 1}),  // … of the second
                                  Layout(plain_a.shape, {m * 4 * k, k, 4 * k, 1}),  // heads inside rows
                                  Layout(plain_a.shape, {1, 3, 12 * k, 12})};
      const Layout b_layouts[] = {plain_b, Layout(plain_b.shape, {0, 0, n, 1}),
                                  Layout(plain_b.shape, {0, 0, 1, k}),
                                  Layout(plain_b.shape, {k * n, 0, n, 1})};
      unsigned seed = 1;
      for (const Layout& a_layout : a_layouts) {
        for (const Layout& b_layout : b_layouts) {
          HostTensor a(DType::float32, a_layout), b(DType::float32, b_layout);
          a.randomize(seed++), b.randomize(seed++);
          HostTensor out(DType::float32, {3, 4, m, n});
          check(*backend, a, b, out, nullptr, fmt::format("m = {} case {}", m, seed / 2));
          HostTensor turned(DType::float32, Layout({3, 4, m, n}, {4 * m * n, m * n, 1, m}));
          HostTensor bias(DType::float32, Layout({3, 4, m, n}, {n, 0, 0, 1}));
          bias.randomize(seed);
          check(*backend, a, b, turned, &bias, fmt::format("m = {} case {}, transposed", m, seed / 2));
          if (HasFatalFailure()) return;
        }
      }
    }
    // More batch dims than a launch has, none of which can be joined.
    Layout a_layout({2, 3, 2, 2, 2, 2, 5, 6}, {1, 2, 6, 12, 24, 48, 576, 96});
    HostTensor a(DType::float32, a_layout), b(DType::float32, {2, 3, 2, 2, 2, 2, 6, 7});
    HostTensor out(DType::float32, {2, 3, 2, 2, 2, 2, 5, 7});
    a.randomize(1), b.randomize(2);
    check(*backend, a, b, out, nullptr, "six batch dims");
  }
}

TEST_F(GpuMatmul, EmptySumsAndEmptyResults) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : {DType::float32, DType::int64, DType::bfloat16}) {
      HostTensor a(dtype, {3, 0}), b(dtype, {0, 4}), out(dtype, {3, 4}, Order::gaps),
          bias(dtype, Layout({3, 4}, {0, 1}));
      bias.randomize(5);
      check(*backend, a, b, out, nullptr, "k = 0");
      check(*backend, a, b, out, &bias, "k = 0 with bias");
      HostTensor no_rows(dtype, {0, 5}), c(dtype, {5, 4}), nothing(dtype, {0, 4});
      check(*backend, no_rows, c, nothing, nullptr, "m = 0");
      HostTensor batch_a(dtype, {0, 2, 3}), batch_b(dtype, {0, 3, 2}), batch_out(dtype, {0, 2, 2});
      check(*backend, batch_a, batch_b, batch_out, nullptr, "empty batch");
    }
  }
}

TEST_F(GpuMatmul, NotANumberAndInfinityGoThrough) {
  for (gpu::GpuBackend* backend : backends) {
    for (const std::int64_t size : {4, 80}) {
      HostTensor a(DType::float32, {size, size}), b(DType::float32, {size, size});
      HostTensor out(DType::float32, {size, size});
      a.randomize(1), b.randomize(2);
      a.set(size * size - 1, std::numeric_limits<long double>::quiet_NaN());
      b.set(3, std::numeric_limits<long double>::infinity());
      check(*backend, a, b, out, nullptr, "NaN");
    }
  }
}

TEST_F(GpuMatmul, TheSameBitsInEveryRun) {
  for (gpu::GpuBackend* backend : backends) {
    HostTensor a(DType::float32, {40, 6000}), b(DType::float32, {6000, 50}), first(DType::float32, {40, 50});
    a.randomize(1), b.randomize(2);
    HostTensor second = first;
    DeviceCopy on_a(*backend, a), on_b(*backend, b), on_first(*backend, first), on_second(*backend, second);
    backend->matmul({on_a.view(), on_b.view(), on_first.view(), {}});
    backend->matmul({on_a.view(), on_b.view(), on_second.view(), {}});
    on_first.fetch(), on_second.fetch();
    EXPECT_EQ(values_of(first), values_of(second));
  }
}

}  // namespace
}  // namespace rustorch::testing
