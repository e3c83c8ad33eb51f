// Hosts that call us from several threads at once: right results, and (scripts/test --tsan) no races.
#include <gtest/gtest.h>

#include <rustorch/rustorch.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "support/child_process.h"

namespace rustorch {
namespace {

constexpr int thread_count = 4;

void in_threads(const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
}

/// Every elementwise result waits for its reader, small ones too.
class HostThreads : public ::testing::Test {
 protected:
  HostThreads() : minimum_(lazy_minimum()) {
    set_lazy_minimum(1);
    manual_seed(3);
  }
  ~HostThreads() override { set_lazy_minimum(minimum_); }

 private:
  std::int64_t minimum_;
};

TEST_F(HostThreads, OnePendingResultIsComputedOnce) {
  for (int round = 0; round < 50; ++round) {
    const Tensor x = randn({20000});
    materialize(x);
    const Tensor middle = x * 2 + 1;
    const Tensor first = exp(middle), second = middle * 3;
    const std::uint64_t before = cpu_allocator().statistics().allocations;
    in_threads([&](int t) { materialize(t % 2 == 0 ? first : second); });
    EXPECT_EQ(cpu_allocator().statistics().allocations - before, lazy_enabled() ? 3U : 0U);
    EXPECT_TRUE(equal(first, exp(x * 2 + 1)));
    EXPECT_TRUE(equal(second, (x * 2 + 1) * 3));
  }
}

TEST_F(HostThreads, AWriteWaitsForAChainThatAnotherThreadComputes) {
  for (int round = 0; round < 200; ++round) {
    Tensor x = full({3000}, 1);
    const Tensor y = ((x * 2 + 1) * x - 3) * 10;
    std::thread reader([&] { materialize(y); });
    x.fill_(100);
    reader.join();
    EXPECT_EQ(y.sum().item<float>(), 0.F);
    EXPECT_EQ(x.sum().item<float>(), 300000.F);
  }
}

TEST_F(HostThreads, SharedOperandsOfChains) {
  const Tensor shared = randn({5000});
  const Tensor base = shared * 2;
  const float wanted = ((shared * 2 + shared) * (shared * 2)).sum().item<float>();
  std::atomic<int> wrong{0};
  in_threads([&](int) {
    for (int i = 0; i < 100; ++i) {
      const Tensor dropped = base + i;
      Tensor own = base + shared;
      const Tensor product = own * base;
      own.add_(1);  // computes the product first
      if (product.sum().item<float>() != wanted) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST_F(HostThreads, AChildOfForkComputesWhatWaited) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "sanitizers cannot follow a fork of several threads";
#endif
  const Tensor x = randn({300000});
  const Tensor y = exp(x * 2) + 1;
  materialize(exp(x) * 3);  // by the team
  const auto sum = [&] { return std::to_string(y.sum().item<float>()); };
  const std::string in_the_child = testing::in_child({}, sum);
  EXPECT_EQ(in_the_child, sum());
}

struct Start {
  Tensor images = randn({8, 3, 8, 8}), kernel = randn({4, 3, 3, 3}), head = randn({4 * 4 * 4, 5});
};

/// Some steps of a small network with its own weights: what a host's thread does.
std::vector<float> train(const Start& start) {
  const Tensor& images = start.images;
  Tensor kernel = start.kernel.clone().requires_grad_(), head = start.head.clone().requires_grad_();
  for (int step = 0; step < 3; ++step) {
    const Tensor hidden = max_pool2d(relu(conv2d(images, kernel, {}, {.padding = 1})), 2).flatten(1);
    (softmax(matmul(hidden, head), 1) * 0.5 + 1).log().mean().backward();
    const NoGrad no_grad;
    for (Tensor* weight : {&kernel, &head}) {
      weight->sub_(weight->grad() * 0.1);
      weight->zero_grad();
    }
  }
  return cat(TensorList{kernel.detach().flatten(), head.detach().flatten()}, 0).to_vector<float>();
}

TEST_F(HostThreads, NetworksSideBySideGiveWhatTheyGiveAlone) {
  std::vector<Start> starts;
  for (int t = 0; t < thread_count; ++t) starts.emplace_back();
  std::vector<std::vector<float>> alone, together(thread_count);
  for (const Start& start : starts) alone.push_back(train(start));
  in_threads([&](int t) {
    const auto index = static_cast<std::size_t>(t);
    together[index] = train(starts[index]);
  });
  EXPECT_EQ(together, alone);
}

TEST_F(HostThreads, GradientsOfSharedWeights) {
  const Tensor weight = randn({64}).requires_grad_();
  std::vector<Tensor> gradients(thread_count);
  in_threads([&](int t) {
    const Tensor input = full({64}, t + 1);
    gradients[static_cast<std::size_t>(t)] = autograd::grad({(weight * input * input).sum()}, {weight})[0];
  });
  for (int t = 0; t < thread_count; ++t) {
    EXPECT_TRUE(equal(gradients[static_cast<std::size_t>(t)], full({64}, (t + 1.0) * (t + 1.0)))) << t;
  }
}

}  // namespace
}  // namespace rustorch
