#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "rustorch/backends/cpu/temporary.h"

namespace rustorch::cpu {
namespace {

TEST(CopyView, ConvertsFromTheSourcesValues) {
  const Layout layout = Layout::contiguous(Shape{4});
  std::array<float, 4> from{0.5f, 0.0f, -1.5f, 3.75f};
  const View source{from.data(), &layout, DType::float32};

  std::array<bool, 4> truth{};
  copy_view(source, {truth.data(), &layout, DType::bool_});
  EXPECT_EQ(truth, (std::array{true, false, true, true}));

  std::array<std::int8_t, 4> small{};
  copy_view(source, {small.data(), &layout, DType::int8});
  EXPECT_EQ(small, (std::array<std::int8_t, 4>{0, 0, -1, 3}));

  std::array<double, 4> wide{};
  copy_view(source, {wide.data(), &layout, DType::float64});
  EXPECT_EQ(wide, (std::array{0.5, 0.0, -1.5, 3.75}));
}

}  // namespace
}  // namespace rustorch::cpu
