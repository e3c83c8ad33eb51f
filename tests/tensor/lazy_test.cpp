// Results that wait for their first reader: the same bits as computed at once, each computed once, and
// nothing seen of it from outside.
#include <gtest/gtest.h>

#include <rustorch/rustorch.h>

#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace rustorch {
namespace {

/// Everything waits, small tensors too; as before afterwards.
class Lazy : public ::testing::Test {
 protected:
  Lazy() : enabled_(lazy_enabled()), minimum_(lazy_minimum()) {
    set_lazy_enabled(true);
    set_lazy_minimum(1);
    manual_seed(5);
  }
  ~Lazy() override {
    set_lazy_minimum(minimum_);
    set_lazy_enabled(enabled_);
  }

 private:
  bool enabled_;
  std::int64_t minimum_;
};

template <class Work>
auto computed_at_once(const Work& work) {
  set_lazy_enabled(false);
  auto result = work();
  set_lazy_enabled(true);
  return result;
}

/// "float16 [2, 3] (3, 1): " and the bytes of a tensor.
std::string bits(const Tensor& x) {
  const Tensor dense = x.detach().contiguous();
  std::string bytes(static_cast<std::size_t>(x.numel()) * x.element_size(), '\0');
  visit_dtype(x.dtype(), [&]<class T>(TypeTag<T>) {
    if (!bytes.empty()) std::memcpy(bytes.data(), dense.data<T>().data(), bytes.size());
  });
  return fmt::format("{} {} {}: ", x.dtype(), x.shape(), x.strides()) + bytes;
}

void expect_same_bits(const std::function<Tensor()>& work, const char* what) {
  const Tensor waiting = work();
  EXPECT_TRUE(is_pending(waiting)) << what;
  const Tensor eager = computed_at_once(work);
  EXPECT_FALSE(is_pending(eager)) << what;
  EXPECT_EQ(bits(waiting), bits(eager)) << what;
  EXPECT_FALSE(is_pending(waiting)) << what;
}

TEST_F(Lazy, SameBitsAsComputedAtOnce) {
  const Tensor x = randn({37, 65}), y = randn({37, 65}), row = randn({65}), column = randn({37, 1});
  const Tensor image = randn({2, 5, 6, 7}).channels_last();
  for (const Tensor& t : {x, y, row, column, image}) materialize(t);
  expect_same_bits([&] { return 0.5 * x * (1 + erf(x * 0.70710678118654752)); }, "gelu");
  expect_same_bits([&] { return (x + row) * column - y / 3; }, "broadcast");
  expect_same_bits([&] { return (x.t() * 2 + y.t()).exp(); }, "transposed");
  expect_same_bits([&] { return (x.t() + randn({65, 37}, TensorOptions{}).mul(0)) * 2; }, "across");
  expect_same_bits([&] { return relu(image * 2) + image; }, "channels-last");
  expect_same_bits([&] { return relu(batch_norm(image, {}, {}, {}, {}, true)) + image; }, "batch norm");
  expect_same_bits([&] { return (image * image.contiguous()).add(1); }, "mixed orders");
  expect_same_bits([&] { return where(x > y, x * 2, y - 1) + (x == x); }, "comparisons");
  expect_same_bits([&] { return (x > 0).to(DType::float64) * 0.1 + x; }, "bool to float64");
  expect_same_bits([&] { return x.slice(1, 3, 60, 3) * 2 + x.slice(1, 5, 62, 3); }, "strided");
  expect_same_bits([&] { return addcmul(x, x * 2, y, 0.3) + nan_to_num(log(y)); }, "programs of several ops");
  expect_same_bits([&] { return complex(x * 2, y) * complex(y, x + 1); }, "complex");
  expect_same_bits([&] { return abs(complex(x, y)) + 1; }, "from complex");
}

TEST_F(Lazy, IntermediateValuesAreRoundedToTheirDType) {
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    const Tensor x = (randn({1000}) * 100).to(dtype);
    materialize(x);
    expect_same_bits([&] { return (x * 1.001 + 0.37) * x - x; }, "16-bit floats");
    expect_same_bits([&] { return (x * x).to(DType::float32) + 1; }, "overflow to infinity");
  }
  for (const DType dtype : {DType::uint8, DType::int8, DType::int16, DType::int32, DType::int64}) {
    const Tensor x = (randn({1000}) * 100).to(dtype);
    materialize(x);
    expect_same_bits([&] { return (x * 7 + 100) * x; }, "integers wrap");
    expect_same_bits([&] { return (x * 7).to(DType::float32) / 3; }, "wrapped, then converted");
    expect_same_bits([&] { return (x > 3).logical_not() + x; }, "bool beside integers");
    expect_same_bits([&] { return (x + x).to(DType::bool_).to(dtype) * 5; }, "through bool");
  }
  const Tensor x = randn({1000});
  materialize(x);
  expect_same_bits([&] { return (x * 1e3).to(DType::int8).to(DType::float32) * 0.5; }, "float to int8");
  expect_same_bits([&] { return (x * 0.3).to(DType::bool_).to(DType::float64) + 0.1; }, "float to bool");
}

TEST_F(Lazy, WhatNobodyHoldsIsNotWritten) {
  const Tensor x = randn({100000});
  materialize(x);
  const auto allocated_by = [](const auto& work) {
    const std::uint64_t before = cpu_allocator().statistics().allocations;
    const Tensor result = work();
    materialize(result);
    return cpu_allocator().statistics().allocations - before;
  };
  EXPECT_EQ(allocated_by([&] { return ((x * 2 + 1) * x - 3) * x; }), 1U);
  Tensor held;
  EXPECT_EQ(allocated_by([&] {
              held = x * 2;
              return exp(held + 1) * held;
            }),
            2U);
  EXPECT_FALSE(is_pending(held)) << "written in the same pass";
  // Operators let go of temporaries, which live to the end of the expression that reads the result.
  const Tensor y = randn({100000});
  materialize(y);
  const std::uint64_t before = cpu_allocator().statistics().allocations;
  materialize(1 - (x * 2 + 1) * (y - x) / (3 * x));
  EXPECT_EQ(cpu_allocator().statistics().allocations - before, 1U);
}

TEST_F(Lazy, ReadersOfOneResultFindItComputed) {
  const Tensor x = randn({1000});
  const Tensor middle = exp(x * 2);
  const Tensor first = middle + 1, second = middle * 3;
  materialize(first);
  EXPECT_FALSE(is_pending(middle));
  EXPECT_TRUE(is_pending(second));
  EXPECT_EQ(bits(second), bits(middle * 3));
}

TEST_F(Lazy, AResultThatIsDroppedIsNeverComputed) {
  Tensor x = randn({1000});
  materialize(x);
  const std::uint64_t before = cpu_allocator().statistics().allocations;
  { const Tensor y = exp(x) + 1; }
  EXPECT_EQ(cpu_allocator().statistics().allocations, before);
  x.add_(1);  // nothing waits to read it
}

TEST_F(Lazy, WritesWaitForThoseThatReadTheOldValues) {
  const auto changed_by = [](const std::function<void(Tensor&)>& change) {
    Tensor x = zeros({1000});
    const Tensor early = x + 1, through_a_view = x.slice(0, 0, 500) * 2 - 1, further = early * 10;
    change(x);
    EXPECT_EQ(early.sum().item<float>(), 1000.F);
    EXPECT_EQ(further.sum().item<float>(), 10000.F);
    EXPECT_EQ(through_a_view.sum().item<float>(), -500.F);
  };
  changed_by([](Tensor& x) { x.add_(5); });
  changed_by([](Tensor& x) { x.fill_(3); });
  changed_by([](Tensor& x) { x.slice(0, 0, 10).mul_(2).add_(1); });
  changed_by([](Tensor& x) { x.mutable_data<float>()[3] = 7; });
  changed_by([](Tensor& x) { x.masked_fill_(x == 0, 9); });
  changed_by([](Tensor& x) { x.copy_(randn({1000})); });
  changed_by([](Tensor& x) { x.scatter_(0, tensor({std::int64_t{3}}), tensor({4.F})); });
}

TEST_F(Lazy, APendingResultCanBeChangedInPlace) {
  const Tensor x = full({1000}, 2.0);
  Tensor y = x * 3;
  y.add_(1).mul_(y);
  EXPECT_EQ(y.sum().item<float>(), 49000.F);
  Tensor z = x + 1;
  z.slice(0, 0, 500).zero_();
  EXPECT_EQ(z.sum().item<float>(), 1500.F);
}

TEST_F(Lazy, MemoryThatOthersWriteToIsReadAtOnce) {
  std::vector<float> memory(1000, 1.F);
  const Tensor x = from_blob(memory.data(), {1000}, DType::float32);
  const Tensor y = x + 1;
  memory.assign(1000, 5.F);
  EXPECT_EQ(y.sum().item<float>(), 2000.F);
  Tensor z = zeros({1000});
  const std::span<float> elements = z.mutable_data<float>();
  const Tensor before = z + 1;
  elements[0] = 100;
  EXPECT_EQ(before.sum().item<float>(), 1000.F);
}

TEST_F(Lazy, ViewsOfPendingResults) {
  const Tensor x = randn({30, 40});
  materialize(x);
  expect_same_bits(
      [&] {
        const Tensor y = x * 2;
        return y.t() + y.slice(0, 0, 1).t();
      },
      "views");
  expect_same_bits(
      [&] {
        const Tensor square = (x * 2).slice(1, 0, 30) + 1;
        return square + square.t() * square;
      },
      "a result and its transpose");
  expect_same_bits([&] { return (x.slice(0, 0, 1) * 2) + (x * 3); }, "a pending row");
}

TEST_F(Lazy, ChainsOfAnyLength) {
  const Tensor x = randn({1000});
  const auto many = [&] {
    Tensor y = x;
    for (int i = 0; i < 3000; ++i) y = y * 0.999 + x;
    return y;
  };
  expect_same_bits(many, "long");
  const auto wide = [&] {
    std::vector<Tensor> parts;
    for (int i = 0; i < 40; ++i) parts.push_back(randn({1000}) * i + i);
    Tensor sum = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) sum = sum * parts[i] + parts[i];
    return sum;
  };
  manual_seed(7);
  const Tensor waiting = wide();
  manual_seed(7);
  EXPECT_EQ(bits(waiting), bits(computed_at_once(wide)));
  const auto doubled = [&] {
    Tensor y = x;
    for (int i = 0; i < 30; ++i) y = y + y * 0.5;
    return y;
  };
  expect_same_bits(doubled, "read twice at each step");
}

TEST_F(Lazy, ErrorsComeAtTheCall) {
  const Tensor x = randn({30, 40}) * 2, y = randn({7}) * 2;
  ASSERT_TRUE(is_pending(x));
  EXPECT_THROW(x + y, Error);
  EXPECT_THROW(bitwise_and(x, x), Error);
  EXPECT_THROW(neg(x > 0), Error);
  EXPECT_THROW(floor_divide((x * 0).to(DType::int32), (x * 0).to(DType::int32)), Error);
  EXPECT_EQ((x + 1).shape(), x.shape());
}

TEST_F(Lazy, ExhaustionNamesTheChainAndLosesNothing) {
  MemoryAllocator& allocator = cpu_allocator();
  const Tensor x = randn({1 << 20});
  materialize(x);
  const Tensor y = exp(x * 2) + 1;
  const std::uint64_t limit = allocator.limit();
  allocator.trim();
  allocator.set_limit(allocator.statistics().live_bytes + (2 << 20));  // the result has 4 MiB
  try {
    static_cast<void>(y.data<float>());
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("mul, exp, add"));
  }
  allocator.set_limit(limit);
  EXPECT_TRUE(is_pending(y));
  EXPECT_EQ(bits(y), bits(exp(x * 2) + 1));
}

TEST_F(Lazy, GradientsAreTheSameBits) {
  const Tensor start = randn({50, 60}), direction = randn({50, 60}), row = randn({60});
  for (const Tensor& t : {start, direction, row}) materialize(t);
  const auto gradients = [&] {
    const Tensor x = start.clone().requires_grad_(), w = row.clone().requires_grad_();
    const Tensor h = 0.5 * x * (1 + erf(x * 0.7));
    const Tensor y = sigmoid(h * w) * tanh(x) + pow(abs(x) + 1, 1.5) / (w * w + 2) + maximum(x, h);
    y.backward(direction);
    EXPECT_FALSE(is_pending(x.grad()));
    return cat({x.grad(), w.grad().unsqueeze(0)});
  };
  const Tensor waiting = gradients();
  EXPECT_EQ(bits(waiting), bits(computed_at_once(gradients)));
}

TEST_F(Lazy, AStaleValueIsStillAnError) {
  const Tensor x = randn({1000}).requires_grad_();
  Tensor y = exp(x);
  y.add_(1);
  EXPECT_THROW(y.sum().backward(), Error);
}

/// A random program over a handful of tensors: operations, views, conversions, changes in place, reads and
/// drops.
std::string random_program(std::uint32_t seed) {
  manual_seed(seed);
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  const std::vector<DType> dtypes{DType::float32, DType::float32, DType::float64, DType::float16,
                                  DType::int32,   DType::uint8,   DType::bool_};
  std::vector<Tensor> values;
  for (int i = 0; i < 4; ++i) values.push_back((randn({6, 6}) * 4).to(dtypes[below(dtypes.size())]));
  std::string text;
  const auto pick = [&]() -> Tensor& { return values[below(values.size())]; };
  for (int step = 0; step < 60; ++step) {
    try {
      Tensor result;
      switch (below(14)) {
        case 0:
          result = pick() + pick();
          break;
        case 1:
          result = pick() * pick();
          break;
        case 2:
          result = pick() - 3;
          break;
        case 3:
          result = tanh(pick());
          break;
        case 4:
          result = where(pick() > pick(), pick(), pick());
          break;
        case 5:
          result = pick().to(dtypes[below(dtypes.size())]);
          break;
        case 6:
          result = pick().t();
          break;
        case 7:
          result = pick().slice(0, static_cast<std::int64_t>(below(6)), 6).slice(0, 0, 1);
          break;
        case 8:
          pick().add_(pick());
          break;
        case 9:
          pick().slice(1, 2, 5).mul_(2);
          break;
        case 10:
          text += bits(pick());
          break;
        case 11:
          result = matmul(pick(), pick());
          break;
        case 12:
          pick().copy_(pick());
          break;
        default:
          result = maximum(pick(), pick()) * 0.5;
      }
      if (result.defined() && result.rank() == 2) {
        if (values.size() < 9) {
          values.push_back(result);
        } else {
          pick() = result;
        }
      }
    } catch (const Error& error) {
      text += error.message();
    }
  }
  for (const Tensor& value : values) text += bits(value);
  return text;
}

TEST_F(Lazy, RandomProgramsGiveTheSameBits) {
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    const std::string waiting = random_program(seed);
    EXPECT_EQ(waiting, computed_at_once([&] { return random_program(seed); })) << "seed " << seed;
  }
}

TEST_F(Lazy, Settings) {
  const Tensor x = randn({100});
  set_lazy_minimum(101);
  EXPECT_FALSE(is_pending(x + 1));
  set_lazy_minimum(100);
  EXPECT_TRUE(is_pending(x + 1));
  set_lazy_enabled(false);
  EXPECT_FALSE(is_pending(x + 1));
  EXPECT_FALSE(lazy_enabled());
  EXPECT_EQ(lazy_minimum(), 100);
  EXPECT_THROW(set_lazy_minimum(0), Error);
}

}  // namespace
}  // namespace rustorch
