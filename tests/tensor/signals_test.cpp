// Signal handlers of the host may run at any instruction of a kernel: generated code must keep the stack that
// they write to. With oneDNN's matrix products before 3.11.2, which do not (oneDNN #4845), the first of these
// tests dies within 0.1 s: "corrupted size vs. prev_size".
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <vector>

#include "rustorch/tensor/operations/convolution.h"
#include "rustorch/tensor/operations/linear_algebra.h"
#include "rustorch/tensor/operations/random.h"

namespace rustorch::testing {
namespace {

std::atomic<int> signals_handled{0};
void count_signal(int) { ++signals_handled; }

/// Runs `work` again and again while signals interrupt this thread, with blocks of the heap coming and going.
template <class Work>
void run_under_signals(const Work& work) {
  struct sigaction action {
  }, before{};
  action.sa_handler = count_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, &before);
  signals_handled = 0;
  std::atomic<bool> done{false};
  const pthread_t target = pthread_self();
  std::thread sender([&] {
    while (!done) {
      pthread_kill(target, SIGUSR1);
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  });
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  while (std::chrono::steady_clock::now() < end) {
    work();
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < 50; ++i) blocks.push_back(std::malloc(100 + 40 * i));
    for (void* block : blocks) std::free(block);
  }
  done = true;
  sender.join();
  sigaction(SIGUSR1, &before, nullptr);
  EXPECT_GT(signals_handled, 100);
}

TEST(Signals, MayInterruptMatrixProducts) {
  const Tensor x = randn({32, 784}), w = randn({128, 784}), b = randn({128});
  run_under_signals([&] { linear(x, w, b); });
  const Tensor x_short = x.to(DType::bfloat16), w_short = w.to(DType::bfloat16);
  run_under_signals([&] { matmul(x_short, w_short.t()); });
}

TEST(Signals, MayInterruptConvolutions) {
  const Tensor x = randn({2, 3, 56, 56}), w = randn({64, 3, 7, 7}), y = randn({2, 64, 28, 28});
  run_under_signals([&] {
    conv2d(x, w, {}, 2, 3);
    conv_transpose2d(
        y, w, {},
        {.stride = 2,
         .padding = 3,
         .output_padding = 1});  // the gradient of the input, where oneDNN would take its products
  });
}

}  // namespace
}  // namespace rustorch::testing
