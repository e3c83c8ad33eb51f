// How many instructions the small ways cost: each case runs under callgrind, which dumps a count for each
// (benchmarks/instruction_counts.py). Unlike times, counts are the same on a busy machine.
#include <rustorch/rustorch.h>
#include <valgrind/callgrind.h>

#include <functional>
#include <string>
#include <vector>

namespace {

using namespace rustorch;

constexpr int repetitions = 1000;

struct Case {
  const char* name;
  std::function<void()> run;
};

std::vector<Case> cases() {
  const Tensor a = randn({16}), b = randn({16}), square = randn({4, 4}), row = randn({4});
  Tensor changed = randn({16});
  const Tensor x = randn({16}).requires_grad_(), y = randn({16}).requires_grad_();
  const Tensor large = randn({4096});
  return {
      {"add of 16 floats", [=] { static_cast<void>(a + b); }},
      {"add in place", [=]() mutable { changed += b; }},
      {"add a number", [=] { static_cast<void>(a + 1.5); }},
      {"add a row", [=] { static_cast<void>(square + row); }},
      {"view",
       [=] {
         static_cast<void>(a.view({4, 4}));
       }},
      {"transpose", [=] { static_cast<void>(square.transpose(0, 1)); }},
      {"select a row", [=] { static_cast<void>(square[1]); }},
      {"sum", [=] { static_cast<void>(a.sum()); }},
      {"matmul 4x4", [=] { static_cast<void>(square.matmul(square)); }},
      {"mul that records", [=] { static_cast<void>(x * y); }},
      {"mul, sum, backward",
       [=]() mutable {
         (x * y).sum().backward();
         Tensor(x).set_grad({});
         Tensor(y).set_grad({});
       }},
      {"allocate and free 64 bytes",
       [] {
         MemoryAllocator& allocator = cpu_allocator();
         allocator.deallocate(allocator.allocate(64), 64);
       }},
      {"a chain of three, not read", [=] { static_cast<void>(large * 2 + 1 - large); }},
  };
}

}  // namespace

int main() {
  rustorch::set_num_threads(1);
  for (const Case& one : cases()) {
    for (int i = 0; i < 100; ++i) one.run();  // kept memory, programs made once
    CALLGRIND_ZERO_STATS;
    for (int i = 0; i < repetitions; ++i) one.run();
    CALLGRIND_DUMP_STATS_AT(one.name);
  }
}
