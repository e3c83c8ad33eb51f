#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>

#include "rustorch/device/cpu_info.h"

namespace rustorch::cpu {

/// Runs `work(thread)` once on each of `threads` threads of the OpenMP team that oneDNN uses too (a second
/// pool beside it costs milliseconds a call). An exception of any thread is rethrown here.
void run_team(int threads, const std::function<void(int)>& work);

/// Whether this thread is already inside a parallel region (nested work stays on the calling thread).
bool in_team() noexcept;

/// Over how many threads a library that uses the same team may spread its work now: 1 inside a parallel
/// region, and in a child process whose parent has used the team, because fork() does not copy it.
int team_size();

/// Splits [begin, end) into one contiguous range per thread and calls `work(range_begin, range_end)`; ranges
/// are not smaller than `grain`, so small work stays on the calling thread without touching OpenMP.
template <class Work>
void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain, const Work& work) {
  const std::int64_t count = end - begin;
  if (count <= 0) return;
  const std::int64_t wanted = std::max<std::int64_t>(1, count / std::max<std::int64_t>(1, grain));
  if (wanted == 1 || in_team()) return work(begin, end);
  const int threads = static_cast<int>(std::min<std::int64_t>(wanted, num_threads()));
  if (threads == 1) return work(begin, end);
  const auto part = [&](int thread) {
    const std::int64_t from = begin + count * thread / threads;
    const std::int64_t to = begin + count * (thread + 1) / threads;
    if (from < to) work(from, to);
  };
  run_team(threads, std::cref(part));  // by reference: a std::function of the lambda itself would allocate
}

}  // namespace rustorch::cpu
