#include "rustorch/backends/cpu/parallel.h"

#include <omp.h>

#include <mutex>

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

#else

void run_team(int threads, const std::function<void(int)>& work) {
  FirstException exception;
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

#endif

}  // namespace rustorch::cpu
