#include "rustorch/cli/threads.h"

#include <omp.h>
#include <sched.h>

#include <vector>

#include "rustorch/device/cpu_info.h"

namespace rustorch::cli {

void prepare_threads(std::optional<int> count) {
  if (count) set_num_threads(*count);
  const int threads = num_threads();
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  std::vector<int> processors;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &allowed)) processors.push_back(i);
  }
  if (threads < 2 || static_cast<int>(processors.size()) < threads) return;
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    if (thread > 0) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(processors[static_cast<std::size_t>(thread)], &one);
      sched_setaffinity(0, sizeof one, &one);  // a refusal costs speed only
    }
  }
}

}  // namespace rustorch::cli
