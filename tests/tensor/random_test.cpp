#include "rustorch/tensor/operations/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "rustorch/autograd/autograd.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/reduction.h"
#include "rustorch/tensor/operations/shape.h"
#include "support/expect_error.h"
#include "support/print.h"

namespace rustorch::testing {
namespace {

class Random : public ::testing::Test {
 protected:
  void SetUp() override { manual_seed(7); }
};

double mean_of(const Tensor& x) { return x.to(float64).mean().item<double>(); }
double std_of(const Tensor& x) { return x.to(float64).std().item<double>(); }

TEST_F(Random, SeedsRepeat) {
  const auto draw = [] {
    const Tensor numbers = cat({rand({5}), randn({5}), randint(100, {5}), randperm(5),
                                rand({5}).bernoulli_(0.5), multinomial(ones({9}), 5), dropout(ones({5}))});
    return numbers.to_vector<float>();
  };
  const auto first = draw();
  EXPECT_NE(draw(), first);
  manual_seed(7);
  EXPECT_EQ(draw(), first);
  manual_seed(8);
  EXPECT_NE(draw(), first);
}

TEST_F(Random, StateIsRestored) {
  Generator& generator = default_generator();
  rand({10});
  const std::uint64_t seed = generator.seed();
  const std::uint64_t offset = generator.offset();
  const auto first = randn({10}).to_vector<float>();
  EXPECT_GT(generator.offset(), offset);
  generator.set_state(seed, offset);
  EXPECT_EQ(randn({10}).to_vector<float>(), first);
}

TEST_F(Random, StreamsDoNotOverlap) {
  std::multiset<double> seen;
  for (int i = 0; i < 20; ++i) {
    for (const double value : rand({7}, {.dtype = float64}).to_vector<double>()) seen.insert(value);
  }
  EXPECT_EQ(std::set<double>(seen.begin(), seen.end()).size(), seen.size());
}

TEST_F(Random, ThreadsShareTheGenerator) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([] {
      for (int k = 0; k < 50; ++k) rand({8});
    });
  for (std::thread& thread : threads) thread.join();
  const std::uint64_t offset = default_generator().offset();
  manual_seed(7);
  for (int k = 0; k < 200; ++k) rand({8});
  EXPECT_EQ(default_generator().offset(), offset);
}

TEST_F(Random, Uniform) {
  for (const DType dtype : {float16, bfloat16, float32, float64}) {
    SCOPED_TRACE(to_string(dtype));
    const Tensor x = rand({20000}, {.dtype = dtype});
    EXPECT_EQ(x.dtype(), dtype);
    EXPECT_GE(x.min().item<double>(), 0.0);
    EXPECT_LT(x.max().item<double>(), 1.0);
    EXPECT_NEAR(mean_of(x), 0.5, 0.01);
    EXPECT_NEAR(std_of(x), 0.2887, 0.01);
  }
  const Tensor y = zeros({3000}).uniform_(-2, 4);
  EXPECT_NEAR(mean_of(y), 1, 0.15);
  EXPECT_GE(y.min().item<double>(), -2);
  EXPECT_LT(y.max().item<double>(), 4);
}

TEST_F(Random, Normal) {
  for (const DType dtype : {float16, bfloat16, float32, float64}) {
    SCOPED_TRACE(to_string(dtype));
    const Tensor x = randn({20000}, {.dtype = dtype});
    EXPECT_NEAR(mean_of(x), 0, 0.03);
    EXPECT_NEAR(std_of(x), 1, 0.03);
  }
  const Tensor y = normal(3, 0.5, {20000});
  EXPECT_NEAR(mean_of(y), 3, 0.02);
  EXPECT_NEAR(std_of(y), 0.5, 0.02);
  EXPECT_NEAR(mean_of(zeros({20000}).normal_(-1, 2)), -1, 0.06);
  const Tensor z = normal(tensor({0.f, 100.f}), zeros({3, 1}));
  EXPECT_EQ(z.to_vector<float>(), (std::vector<float>{0, 100, 0, 100, 0, 100}));
  const Tensor complex_numbers = randn({20000}, {.dtype = complex64});
  EXPECT_NEAR(std_of(real(complex_numbers)), 0.7071, 0.02);
  EXPECT_NEAR(std_of(imag(complex_numbers)), 0.7071, 0.02);
}

TEST_F(Random, Integers) {
  const Tensor x = randint(-3, 4, {5000});
  EXPECT_EQ(x.dtype(), int64);
  const auto values = x.to_vector<std::int64_t>();
  EXPECT_EQ(std::set<std::int64_t>(values.begin(), values.end()),
            (std::set<std::int64_t>{-3, -2, -1, 0, 1, 2, 3}));
  EXPECT_EQ(randint(1, {3}).to_vector<int>(), (std::vector<int>{0, 0, 0}));
  EXPECT_EQ(randint(0, 256, {4}, {.dtype = uint8}).dtype(), uint8);
  EXPECT_EQ(randint(0, 10, {4}, {.dtype = float16}).dtype(), float16);
  const Tensor y = zeros({100}, {.dtype = int8}).random_(5, 7);
  EXPECT_GE(y.min().item<int>(), 5);
  EXPECT_LE(y.max().item<int>(), 6);
}

TEST_F(Random, LayoutDoesNotMatter) {
  const Tensor x = rand({3, 4, 5, 6});
  manual_seed(7);
  EXPECT_EQ(rand_like(x.channels_last()).to_vector<float>(), x.to_vector<float>());
  manual_seed(7);
  Tensor gaps = empty_strided({3, 4, 5, 6}, {700, 130, 20, 3});
  EXPECT_EQ(gaps.uniform_().to_vector<float>(), x.to_vector<float>());
  EXPECT_EQ(randn_like(x, {.dtype = float64}).dtype(), float64);
}

TEST_F(Random, Permutation) {
  const auto order = randperm(1000).to_vector<std::int64_t>();
  auto sorted = order;
  std::ranges::sort(sorted);
  for (std::size_t i = 0; i < sorted.size(); ++i) EXPECT_EQ(sorted[i], static_cast<std::int64_t>(i));
  EXPECT_NE(order, sorted);
  EXPECT_EQ(randperm(0).shape(), (Shape{0}));
  EXPECT_EQ(randperm(3, {.dtype = int32}).dtype(), int32);
  // Every order of three is as likely.
  std::vector<int> counts(27);
  for (int i = 0; i < 6000; ++i) {
    const auto small = randperm(3).to_vector<int>();
    ++counts[static_cast<std::size_t>(small[0] * 9 + small[1] * 3 + small[2])];
  }
  for (const int count : counts) EXPECT_TRUE(count == 0 || std::abs(count - 1000) < 150) << count;
}

TEST_F(Random, Bernoulli) {
  Tensor p = full({20000}, 0.3, {.requires_grad = true});
  const Tensor x = bernoulli(p);
  EXPECT_NEAR(mean_of(x.detach()), 0.3, 0.02);
  EXPECT_EQ(bernoulli(tensor({0.f, 1.f})).to_vector<float>(), (std::vector<float>{0, 1}));
  EXPECT_EQ(bernoulli(tensor({1.}, {.dtype = float16})).dtype(), float16);
  EXPECT_EQ(zeros({5}, {.dtype = int64}).bernoulli_(1).to_vector<int>(), (std::vector<int>{1, 1, 1, 1, 1}));
  EXPECT_NEAR(mean_of(zeros({20000}, {.dtype = bool_}).bernoulli_(0.8)), 0.8, 0.02);
}

TEST_F(Random, Multinomial) {
  const Tensor drawn = multinomial(tensor({0.f, 3.f, 1.f}), 8000, true);
  EXPECT_EQ(drawn.dtype(), int64);
  EXPECT_NEAR(mean_of(drawn.to(float32)), 1.25, 0.03);
  EXPECT_GE(drawn.min().item<int>(), 1);
  for (int i = 0; i < 50; ++i) {
    const auto order = multinomial(tensor({1.f, 0.f, 2.f}), 2).to_vector<int>();
    EXPECT_TRUE((order == std::vector<int>{0, 2}) || (order == std::vector<int>{2, 0}));
  }
  int first = 0;
  for (int i = 0; i < 3000; ++i) first += multinomial(tensor({1.f, 3.f}), 1).item<int>();
  EXPECT_NEAR(first / 3000.0, 0.75, 0.03);
  EXPECT_EQ(multinomial(ones({4, 3}), 2).shape(), (Shape{4, 2}));
  EXPECT_EQ(multinomial(eye(3), 2, true).to_vector<int>(), (std::vector<int>{0, 0, 1, 1, 2, 2}));
}

TEST_F(Random, Dropout) {
  Tensor x = ones({100, 100}, {.requires_grad = true});
  const Tensor y = dropout(x, 0.25);
  const auto values = y.detach().to_vector<float>();
  for (const float value : values) EXPECT_TRUE(value == 0 || value == 1 / 0.75f) << value;
  EXPECT_NEAR(mean_of(y.detach()), 1, 0.03);
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), values);
  EXPECT_TRUE(dropout(x, 0.5, false).is_same(x));
  EXPECT_TRUE(dropout(x, 0).is_same(x));
  EXPECT_EQ(dropout(x, 1).sum().item<float>(), 0);
  EXPECT_TRUE(dropout(zeros({2, 3, 4, 5}).channels_last()).is_channels_last());
  EXPECT_EQ(dropout(ones({4}, {.dtype = float16})).dtype(), float16);
  EXPECT_TRUE(autograd::gradgradcheck(
      [](const TensorList& inputs) {
        manual_seed(3);
        return dropout(inputs[0] * inputs[0], 0.5);
      },
      {arange(1.0, 5.0, 1, {.dtype = float64, .requires_grad = true})}));
}

TEST_F(Random, InPlaceForgetsHistory) {
  Tensor x = ones({3}, {.requires_grad = true});
  Tensor y = x * 2;
  y.uniform_();
  (y * 5 + x).sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 1, 1}));
  {
    const NoGrad guard;
    x.normal_();
  }
  expect_error(ErrorCode::autograd, "normal_", [&] { return x.normal_(); });
}

TEST_F(Random, EmptyTensors) {
  EXPECT_EQ(rand({0, 3}).shape(), (Shape{0, 3}));
  EXPECT_EQ(bernoulli(zeros({0})).shape(), (Shape{0}));
  EXPECT_EQ(dropout(zeros({0})).shape(), (Shape{0}));
  EXPECT_EQ(randn({}).shape(), Shape());
}

TEST_F(Random, Errors) {
  expect_error(ErrorCode::dtype_mismatch, "rand: random reals need a floating-point dtype, not int64",
               [] { return rand({1}, {.dtype = int64}); });
  expect_error(ErrorCode::invalid_argument, "randint: no integer lies in [3, 3)",
               [] { return randint(3, 3, {1}); });
  expect_error(ErrorCode::invalid_argument, "do not fit into uint8",
               [] { return randint(0, 257, {1}, {.dtype = uint8}); });
  expect_error(ErrorCode::invalid_argument, "negative size", [] { return randn({-1}); });
  expect_error(ErrorCode::invalid_argument, "randperm", [] { return randperm(-1); });
  expect_error(ErrorCode::invalid_argument, "normal_: the standard deviation -1 is negative",
               [] { return zeros({1}).normal_(0, -1); });
  expect_error(ErrorCode::invalid_argument, "uniform_", [] { return zeros({1}).uniform_(1, 0); });
  expect_error(ErrorCode::invalid_argument, "bernoulli: the probability 2 is not in [0, 1]", [] {
    return bernoulli(tensor({0.5f, 2.f}));
  });
  expect_error(ErrorCode::invalid_argument, "dropout: the probability -0.5",
               [] { return dropout(zeros({1}), -0.5); });
  expect_error(ErrorCode::dtype_mismatch, "dropout", [] { return dropout(tensor({1, 2})); });
  expect_error(ErrorCode::invalid_argument, "4 samples without replacement from 3", "replacement = true",
               [] { return multinomial(ones({3}), 4); });
  expect_error(ErrorCode::invalid_argument, "add up to 0", [] { return multinomial(zeros({3}), 1); });
  expect_error(ErrorCode::invalid_argument, "the weight -1", [] {
    return multinomial(tensor({1.f, -1.f}), 1);
  });
  expect_error(ErrorCode::dtype_mismatch, "multinomial", [] { return multinomial(tensor({1, 1}), 1); });
}

}  // namespace
}  // namespace rustorch::testing
