#include <gtest/gtest.h>
#include <omp.h>

#include <optional>
#include <thread>

#include "host_tensor.h"
#include "rustorch/backends/apply_in_place.h"
#include "rustorch/backends/runtime.h"
#include "rustorch/device/cpu_info.h"

namespace rustorch::testing {
namespace {

constexpr DType matmul_dtypes[] = {DType::float32, DType::float64,   DType::float16,   DType::bfloat16,
                                   DType::int8,    DType::uint8,     DType::int16,     DType::int32,
                                   DType::int64,   DType::complex64, DType::complex128};

/// A value as the dtype stores it: integers wrap.
Wide stored(DType dtype, Wide value) {
  if (!is_integral(dtype)) return value;
  return visit_dtype(dtype, [&](auto tag) -> Wide {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      return static_cast<long double>(static_cast<T>(static_cast<std::int64_t>(value.real())));
    } else {
      return value;
    }
  });
}

std::vector<Wide> reference(const HostTensor& a, const HostTensor& b, const HostTensor* bias,
                            const Shape& out) {
  const std::size_t rank = out.size();
  const std::int64_t m = out[rank - 2], n = out[rank - 1], k = a.shape()[rank - 1];
  const std::int64_t count = out.element_count();
  const std::vector<Wide> a_values = values_of(a), b_values = values_of(b);
  const bool complex = is_complex(a.dtype());
  std::vector<Wide> result;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t batch = i / (m * n), row = i / n % m, column = i % n;
    Wide sum = bias != nullptr ? bias->get(i) : Wide{};
    for (std::int64_t j = 0; j < k; ++j) {
      const Wide& x = a_values[static_cast<std::size_t>((batch * m + row) * k + j)];
      const Wide& y = b_values[static_cast<std::size_t>((batch * k + j) * n + column)];
      sum += complex ? x * y : Wide(x.real() * y.real());
    }
    result.push_back(stored(a.dtype(), sum));
  }
  return result;
}

double tolerance_of(DType dtype, std::int64_t k) {
  // Errors of the sums grow like the square root of their length; reduced types round once, at the end.
  const double sums = epsilon_of(is_reduced_precision(dtype) ? DType::float32 : dtype) *
                      (4 + 6 * std::sqrt(static_cast<double>(k)));
  return sums + (is_reduced_precision(dtype) ? epsilon_of(dtype) : 0);
}

void check(HostTensor& a, HostTensor& b, HostTensor& out, HostTensor* bias, const std::string& what) {
  Matmul work{a.view(), b.view(), out.view(), {}};
  if (bias != nullptr) work.bias = bias->view();
  cpu_backend().matmul(work);
  expect_near(out, reference(a, b, bias, out.shape()), tolerance_of(a.dtype(), a.shape().back()), what);
}

TEST(Matmul, EveryDtypeShapeAndOrder) {
  struct Size {
    std::int64_t m, n, k;
  };
  const Size sizes[] = {{1, 1, 1},    {2, 3, 4},   {5, 7, 3},    {16, 16, 16}, {17, 33, 9},  {1, 40, 100},
                        {40, 1, 100}, {13, 64, 1}, {70, 45, 81}, {97, 66, 70}, {25, 50, 350}};
  unsigned seed = 1;
  for (const DType dtype : matmul_dtypes) {
    for (const auto& [m, n, k] : sizes) {
      for (const Order a_order : {Order::plain, Order::reversed, Order::gaps}) {
        for (const Order b_order : {Order::plain, Order::reversed, Order::gaps}) {
          for (const Order out_order : {Order::plain, Order::reversed, Order::gaps}) {
            if (m * n * k > 20000 && (a_order == Order::gaps) != (b_order == Order::gaps)) continue;  // time
            HostTensor a(dtype, {m, k}, a_order), b(dtype, {k, n}, b_order), out(dtype, {m, n}, out_order);
            a.randomize(seed++), b.randomize(seed++);
            check(a, b, out, nullptr,
                  fmt::format("{} {}x{}x{} orders {} {} {}", dtype, m, n, k, static_cast<int>(a_order),
                              static_cast<int>(b_order), static_cast<int>(out_order)));
            if (::testing::Test::HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

// Sizes beyond one block of the packed product in each direction, rows whose distance is a power of 2, and
// vectors too long for the loops in place.
TEST(Matmul, SeveralBlocks) {
  struct Size {
    std::int64_t m, n, k;
  };
  const Size sizes[] = {{20, 24, 1100}, {120, 20, 520}, {7, 1030, 260}, {20, 40, 1024}, {1, 300, 700},
                        {300, 1, 700},  {1, 1, 9000},   {3, 200, 300},  {90, 130, 70},  {33, 49, 1100}};
  unsigned seed = 1000;
  for (const DType dtype : {DType::float32, DType::int32, DType::bfloat16}) {
    for (const auto& [m, n, k] : sizes) {
      for (const Order order : {Order::plain, Order::reversed}) {
        HostTensor a(dtype, {m, k}), b(dtype, {k, n}, order), out(dtype, {m, n}), bias(dtype, {m, n});
        a.randomize(seed++), b.randomize(seed++), bias.randomize(seed++);
        check(a, b, out, order == Order::plain ? &bias : nullptr,
              fmt::format("{} {}x{}x{} order {}", dtype, m, n, k, static_cast<int>(order)));
      }
    }
  }
}

TEST(Matmul, BiasInEveryForm) {
  struct Size {
    std::int64_t m, n;
  };
  for (const DType dtype : matmul_dtypes) {
    for (const auto& [m, n] : {Size{3, 37}, Size{100, 37}, Size{100, 90}}) {
      const std::int64_t k = 60;
      HostTensor a(dtype, {m, k}), b(dtype, {k, n}, Order::reversed), out(dtype, {m, n});
      a.randomize(1), b.randomize(2);
      HostTensor row(dtype, Layout({m, n}, {0, 1}));
      HostTensor column(dtype, Layout({m, n}, {1, 0}));
      HostTensor scalar(dtype, Layout({m, n}, {0, 0}));
      HostTensor whole(dtype, {m, n}, Order::gaps);
      for (HostTensor* bias : {&row, &column, &scalar, &whole}) {
        bias->randomize(3);
        check(a, b, out, bias, fmt::format("{} m = {}", dtype, m));
      }
    }
  }
}

TEST(Matmul, BatchesAndBroadcasts) {
  struct Size {
    std::int64_t m, n, k;
  };
  for (const DType dtype :
       {DType::float32, DType::float64, DType::bfloat16, DType::int64, DType::complex64}) {
    for (const auto& [m, n, k] : {Size{1, 13, 18}, Size{5, 13, 18}, Size{19, 13, 18}, Size{33, 50, 27}}) {
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
          HostTensor a(dtype, a_layout), b(dtype, b_layout);
          a.randomize(seed++), b.randomize(seed++);
          HostTensor out(dtype, {3, 4, m, n});
          check(a, b, out, nullptr, fmt::format("{} m = {} case {}", dtype, m, seed / 2));
          HostTensor transposed_out(dtype, Layout({3, 4, m, n}, {4 * m * n, m * n, 1, m}));
          check(a, b, transposed_out, nullptr,
                fmt::format("{} m = {} case {}, transposed", dtype, m, seed / 2));
          if (::testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(Matmul, ManySmallProductsSideBySide) {
  HostTensor a(DType::float32, {400, 9, 40}), b(DType::float32, {400, 40, 11}),
      out(DType::float32, {400, 9, 11});
  a.randomize(1), b.randomize(2);
  check(a, b, out, nullptr, "batch of 400");
  HostTensor large_a(DType::float32, {3, 150, 120}), large_b(DType::float32, {3, 120, 90});
  HostTensor large_out(DType::float32, {3, 150, 90});
  large_a.randomize(1), large_b.randomize(2);
  check(large_a, large_b, large_out, nullptr, "batch of 3");
}

TEST(Matmul, EmptySumsAndEmptyResults) {
  for (const DType dtype : matmul_dtypes) {
    HostTensor a(dtype, {3, 0}), b(dtype, {0, 4}), out(dtype, {3, 4}, Order::gaps),
        bias(dtype, Layout({3, 4}, {0, 1}));
    bias.randomize(5);
    check(a, b, out, nullptr, "k = 0");
    check(a, b, out, &bias, "k = 0 with bias");
    HostTensor no_rows(dtype, {0, 5}), c(dtype, {5, 4}), nothing(dtype, {0, 4});
    check(no_rows, c, nothing, nullptr, "m = 0");
    HostTensor batch_a(dtype, {0, 2, 3}), batch_b(dtype, {0, 3, 2}), batch_out(dtype, {0, 2, 2});
    check(batch_a, batch_b, batch_out, nullptr, "empty batch");
  }
}

/// The product with an activation against the op on the product without one: the same bits, but for narrow
/// types, which may be rounded between the two.
void check_activation(Op activation, HostTensor& a, HostTensor& b, HostTensor& out, HostTensor* bias,
                      const std::string& what) {
  HostTensor expected = out;
  Matmul work{a.view(), b.view(), expected.view(), {}};
  if (bias != nullptr) work.bias = bias->view();
  cpu_backend().matmul(work);
  apply_in_place(cpu_backend(), activation, expected.view());
  work.out = out.view();
  work.activation = activation;
  cpu_backend().matmul(work);
  const std::string text = fmt::format("{} {} {}", op_info(activation).name, out.dtype(), what);
  if (is_reduced_precision(out.dtype())) {
    expect_near(out, values_of(expected), 2 * epsilon_of(out.dtype()), text);
  } else {
    EXPECT_TRUE(out.has_bytes_of(expected)) << text;
  }
}

// Every way of making products: in place, packed with tiles that are whole and cut, in several blocks of the
// depth, with a vector on either side, by oneDNN, turned, and into results with gaps.
TEST(Matmul, ActivationsFollowInEveryWay) {
  struct Size {
    std::int64_t m, n, k;
  };
  const Size sizes[] = {{3, 5, 4},    {8, 40, 20},   {1, 300, 700}, {300, 1, 700},
                        {97, 66, 70}, {30, 33, 600}, {90, 130, 90}, {25, 140, 0}};
  unsigned seed = 1;
  const auto check_all = [&](Op activation, DType dtype, std::initializer_list<Order> orders) {
    for (const auto& [m, n, k] : sizes) {
      for (const Order order : orders) {
        HostTensor a(dtype, {m, k}, order), b(dtype, {k, n}, Order::reversed), out(dtype, {m, n}, order);
        HostTensor row(dtype, Layout({m, n}, {0, 1})), column(dtype, Layout({m, n}, {1, 0}));
        a.randomize(seed++), b.randomize(seed++), row.randomize(seed++), column.randomize(seed++);
        if (k > 0) a.set(1, std::numeric_limits<long double>::quiet_NaN());
        for (HostTensor* bias : {static_cast<HostTensor*>(nullptr), &row, &column}) {
          check_activation(activation, a, b, out, bias,
                           fmt::format("{}x{}x{} order {}", m, n, k, static_cast<int>(order)));
          if (::testing::Test::HasFailure()) return;
        }
      }
    }
  };
  check_all(Op::relu, DType::float32, {Order::plain, Order::reversed, Order::gaps});
  check_all(Op::relu, DType::float64, {Order::plain, Order::gaps});
  check_all(Op::relu, DType::bfloat16, {Order::plain, Order::gaps});
  check_all(Op::gelu, DType::float16, {Order::plain});
  check_all(Op::gelu_tanh, DType::float32, {Order::reversed});
}

TEST(Matmul, ActivationsOfBatches) {
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    for (const std::int64_t size : {7, 90}) {
      HostTensor a(dtype, {6, size, size}), b(dtype, {6, size, size}), out(dtype, {6, size, size});
      HostTensor b_of_all(dtype, Layout({6, size, size}, {0, size, 1}));
      HostTensor row(dtype, Layout({6, size, size}, {0, 0, 1}));
      a.randomize(1), b.randomize(2), b_of_all.randomize(3), row.randomize(4);
      check_activation(Op::relu, a, b, out, nullptr, "a batch");
      check_activation(Op::relu, a, b, out, &row, "a batch with a row");
      check_activation(Op::gelu, a, b_of_all, out, &row, "rows of one");
    }
  }
}

TEST(Matmul, NotANumberAndInfinityGoThrough) {
  for (const DType dtype : {DType::float32, DType::float64, DType::bfloat16}) {
    for (const std::int64_t size : {4, 80}) {
      HostTensor a(dtype, {size, size}), b(dtype, {size, size}), out(dtype, {size, size});
      a.randomize(1), b.randomize(2);
      a.set(1, std::numeric_limits<long double>::quiet_NaN());
      b.set(3, std::numeric_limits<long double>::infinity());
      cpu_backend().matmul({a.view(), b.view(), out.view(), {}});
      for (std::int64_t column = 0; column < size; ++column) EXPECT_TRUE(std::isnan(out.real(column)));
      for (std::int64_t row = 1; row < size; ++row) {
        EXPECT_TRUE(std::isinf(out.real(row * size + 3)));
        EXPECT_TRUE(std::isfinite(out.real(row * size)));
      }
    }
  }
}

TEST(Matmul, OverlappingRowsOfA) {  // windows of a signal, as unfold makes them
  HostTensor a(DType::float32, Layout({90, 16}, {1, 1}));
  HostTensor b(DType::float32, {16, 80}), out(DType::float32, {90, 80});
  a.randomize(1), b.randomize(2);
  check(a, b, out, nullptr, "overlapping rows");
  HostTensor same_rows(DType::float32, Layout({90, 16}, {0, 1}));
  same_rows.randomize(4);
  check(same_rows, b, out, nullptr, "one row repeated");
}

TEST(Matmul, ThreadCountsOfCallerAndHostDoNotMix) {
  const int host = omp_get_max_threads(), ours = num_threads();
  HostTensor a(DType::float32, {200, 150}), b(DType::float32, {150, 170}), out(DType::float32, {200, 170});
  a.randomize(1), b.randomize(2);
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    check(a, b, out, nullptr, fmt::format("{} threads", threads));
    EXPECT_EQ(omp_get_max_threads(), host);
  }
  set_num_threads(ours);
}

TEST(Matmul, TheSameBitsForEveryNumberOfThreads) {
  struct Size {
    std::int64_t m, n, k;
  };
  const Size sizes[] = {{61, 59, 63},   {200, 150, 170}, {130, 1030, 40}, {1, 1500, 900}, {1500, 1, 900},
                        {90, 70, 1100}, {37, 51, 4000},  {64, 64, 9000},  {520, 500, 510}};
  const int before = num_threads();
  for (const DType dtype : {DType::float32, DType::float64, DType::bfloat16}) {
    for (const auto& [m, n, k] : sizes) {
      for (const Order order : {Order::plain, Order::reversed}) {
        HostTensor a(dtype, {m, k}, order), b(dtype, {k, n}, order), one(dtype, {m, n});
        a.randomize(1), b.randomize(2);
        set_num_threads(1);
        cpu_backend().matmul({a.view(), b.view(), one.view(), {}});
        for (const int threads : {2, 3, 7}) {
          set_num_threads(threads);
          HostTensor several(dtype, {m, n});
          cpu_backend().matmul({a.view(), b.view(), several.view(), {}});
          EXPECT_EQ(values_of(several), values_of(one))
              << fmt::format("{} {}x{}x{} {}", dtype, m, n, k, threads);
        }
      }
    }
  }
  set_num_threads(before);
}

TEST(Matmul, FromSeveralThreads) {
  std::vector<std::thread> callers;
  for (unsigned caller = 0; caller < 4; ++caller) {
    callers.emplace_back([caller] {
      for (const std::int64_t size : {7, 90}) {
        HostTensor a(DType::float32, {size, size}), b(DType::float32, {size, size}),
            out(DType::float32, {size, size});
        a.randomize(caller), b.randomize(caller + 9);
        check(a, b, out, nullptr, "concurrent");
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace rustorch::testing
