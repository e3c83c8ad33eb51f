#include "rustorch/cli/interrupt.h"

#include <csignal>
#include <thread>

#include <unistd.h>

namespace rustorch::cli {
namespace {

std::atomic<bool> interrupted{false};

sigset_t interrupting_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

void wait_for_signals() {
  const sigset_t signals = interrupting_signals();
  int signal = 0;
  sigwait(&signals, &signal);
  interrupted.store(true, std::memory_order_relaxed);
  pthread_sigmask(SIG_UNBLOCK, &signals,
                  nullptr);  // the second one comes to this thread and ends the program
  while (true) pause();
}

}  // namespace

const std::atomic<bool>& watch_for_interrupts() {
  const sigset_t signals = interrupting_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A shell starts background jobs with SIGINT ignored; an ignored signal need not wake sigwait.
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  std::thread(wait_for_signals).detach();
  return interrupted;
}

}  // namespace rustorch::cli
