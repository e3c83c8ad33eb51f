#include "rustorch/backends/cpu/parallel.h"

#include <omp.h>

#include <atomic>
#include <cstdint>
#include <mutex>

#include "rustorch/memory/fork_order.h"

#if defined(__SANITIZE_THREAD__)
#include <thread>
#include <vector>
#endif

namespace rustorch::cpu {
namespace {

/// Keeps the first exception that any thread of a team raises.
class FirstException {
 public:
  template <class Work>
  void guard(const Work& work) noexcept {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!first_) first_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

}  // namespace

#if defined(__SANITIZE_THREAD__)

// ThreadSanitizer does not see libgomp's barriers and reports every team as a race. Builds for it run the
// same work on threads of their own, which it understands.
namespace {
[[gnu::tls_model("initial-exec")]] thread_local constinit bool inside_team = false;
}

void run_team(int threads, const std::function<void(int)>& work) {
  FirstException exception;
  const auto member = [&](int thread) {
    inside_team = true;
    exception.guard([&] { work(thread); });
    inside_team = false;
  };
  {
    std::vector<std::jthread> others;
    for (int thread = 1; thread < threads; ++thread) others.emplace_back(member, thread);
    member(0);
  }
  exception.rethrow();
}

bool in_team() noexcept { return inside_team || omp_in_parallel() != 0; }
int team_size() { return in_team() ? 1 : num_threads(); }

#else

namespace {

/// fork() copies the calling thread alone, and libgomp would wait for the others for ever. A child of a
/// process that has used its team does all work on the calling thread, oneDNN's too.
class TeamWatch final : private ForkHandler {
 public:
  static TeamWatch& instance() {
    static TeamWatch& watch = *new TeamWatch;
    return watch;
  }
  /// Called by all work that may use the team.
  bool team_is_gone() noexcept {
    const State state = state_.load(std::memory_order_relaxed);
    if (state == State::unused) [[unlikely]]
      state_.store(State::used, std::memory_order_relaxed);
    return state == State::gone;
  }

 private:
  void before_fork() noexcept override {}
  void after_fork(bool in_child) noexcept override {
    if (!in_child || state_.load(std::memory_order_relaxed) == State::unused) return;
    state_.store(State::gone, std::memory_order_relaxed);
    omp_set_num_threads(1);
  }
  enum class State : std::uint8_t { unused, used, gone };
  std::atomic<State> state_{State::unused};
  ForkRegistration registration_{*this, ForkOrder::threads};
};

[[maybe_unused]] const TeamWatch& made_while_loading = TeamWatch::instance();

}  // namespace

void run_team(int threads, const std::function<void(int)>& work) {
  FirstException exception;
  if (TeamWatch::instance().team_is_gone()) [[unlikely]] {
    for (int thread = 0; thread < threads; ++thread) exception.guard([&] { work(thread); });
    return exception.rethrow();
  }
#pragma omp parallel num_threads(threads)
  {
    // The host's limits may grant fewer threads than asked for: every part still runs.
    for (int thread = omp_get_thread_num(); thread < threads; thread += omp_get_num_threads()) {
      exception.guard([&] { work(thread); });
    }
  }
  exception.rethrow();
}

bool in_team() noexcept { return omp_in_parallel() != 0; }

int team_size() { return in_team() || TeamWatch::instance().team_is_gone() ? 1 : num_threads(); }

#endif

}  // namespace rustorch::cpu
