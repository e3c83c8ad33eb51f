// Sums of elements that threads add as they come, on each GPU that is here, beside the CPU.
#include "backends/gpu/gpu_device.h"
#include "backends/gpu/indexed_rows.h"
#include "rustorch/backends/deterministic.h"

namespace rustorch::testing {
namespace {

/// Lets floating-point sums be of any order.
class GpuAtomicScatter : public OnGpu {
 protected:
  void SetUp() override {
    OnGpu::SetUp();
    use_deterministic_algorithms(false);
  }
  void TearDown() override { use_deterministic_algorithms(true); }
};

TEST(Deterministic, UnlessItIsSwitchedOff) {
  EXPECT_TRUE(are_deterministic_algorithms_enabled());
  use_deterministic_algorithms(false);
  EXPECT_FALSE(are_deterministic_algorithms_enabled());
  use_deterministic_algorithms(true);
  EXPECT_TRUE(are_deterministic_algorithms_enabled());
}

TEST_F(GpuAtomicScatter, ManyIntoFew) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : {DType::int32, DType::int64, DType::float32, DType::float64}) {
      if (!backend->supports(Kind::scatter, dtype)) continue;
      constexpr std::int64_t count = 100000;
      Rows rows(dtype, DType::int64, 100, 3, count);
      for (std::int64_t i = 0; i < count; ++i)
        rows.index.set(i, static_cast<long double>(i % 3 == 0 ? -1 : i * i % 100));
      HostTensor source(dtype, {count, 3}, Order::reversed);
      // Of which sums are exact in every order; those of integers wrap.
      for (std::int64_t i = 0; i < source.count(); ++i)
        source.set(i, static_cast<long double>(is_integral(dtype) ? (i * 1000003 % 2147483647) : i % 3 - 1));
      for (std::int64_t i = 0; i < rows.table.count(); ++i) rows.table.set(i, 1.0L);
      scatter_rows(*backend, dtype, ScatterMode::add, rows, source, 0, "many into few");
    }
  }
}

TEST_F(GpuAtomicScatter, WindowsThatOverlap) {
  for (gpu::GpuBackend* backend : backends) {
    // Of 5 of 104 elements, 100 of them: the gradient of unfold. No index.
    HostTensor flat(DType::float32, {104}), source(DType::float32, {100, 5});
    fill_with_whole_numbers(flat), fill_with_whole_numbers(source);
    add_where_base_meets(*backend, flat, Layout({100, 5}, {1, 1}), source, "windows");
  }
}

}  // namespace
}  // namespace rustorch::testing
