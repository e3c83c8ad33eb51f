// Every operation that has a test case (tests/tensor/op_cases), on that case's first float32 sample and,
// where it applies to each element alone, on 2^20 elements. Prints a line of JSON for each;
// benchmarks/op_cases.py times PyTorch on the same and makes the table.
#include <rustorch/rustorch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <vector>

#include "support/op_case.h"

namespace {

using namespace rustorch;
using namespace rustorch::testing;

constexpr std::int64_t large_elements = 1 << 20;

/// The least nanoseconds of one call: of several rounds, each of at least `round_seconds`.
double nanoseconds(const OpCase& one, const TensorList& inputs) {
  using Clock = std::chrono::steady_clock;
  const auto call = [&] {
    for (const Tensor& y : one.run(inputs))
      if (y.defined()) materialize(y);
  };
  const auto seconds_of = [&](int calls) {
    const auto begin = Clock::now();
    for (int i = 0; i < calls; ++i) call();
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  call();
  constexpr double round_seconds = 2e-3;
  const int calls = std::clamp(static_cast<int>(round_seconds / std::max(1e-9, seconds_of(1))), 1, 20000);
  double least = seconds_of(calls);
  for (int round = 0; round < 4; ++round) least = std::min(least, seconds_of(calls));
  return least / calls * 1e9;
}

bool is_plain(const OpSample& sample) {
  return !sample.refused && !sample.inputs.empty() &&
         std::all_of(sample.inputs.begin(), sample.inputs.end(), [](const Tensor& x) {
           return x.defined() && x.dtype() == DType::float32 && x.numel() > 0;
         });
}

/// The sample's values over and over.
TensorList large(const TensorList& inputs) {
  TensorList list;
  for (const Tensor& x : inputs) {
    const std::int64_t times = (large_elements + x.numel() - 1) / x.numel();
    list.push_back(x.flatten().repeat({times}).slice(0, 0, large_elements).clone());
  }
  return list;
}

void measure(const OpCase& one) {
  const auto& samples = op_samples(one.family);
  const auto found = samples.find(one.name);
  if (found == samples.end()) return;
  const auto sample = std::find_if(found->second.begin(), found->second.end(), is_plain);
  if (sample == found->second.end()) return;
  const double small_time = nanoseconds(one, sample->inputs);
  const double large_time = one.elementwise ? nanoseconds(one, large(sample->inputs)) : 0;
  std::printf(R"({"family": "%s", "case": "%s", "sample": "%s", "small": %.1f, "large": %.1f})"
              "\n",
              one.family.c_str(), one.name.c_str(), sample->name.c_str(), small_time, large_time);
  std::fflush(stdout);
}

}  // namespace

int main() {
  const NoGrad no_grad;
  for (const auto cases : OpCaseFamilies::instance().families()) {
    for (const OpCase& one : cases()) measure(one);
  }
}
