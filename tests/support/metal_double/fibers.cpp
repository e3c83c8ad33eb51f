// Runs a kernel: threadgroups one after another, the threads of one as fibers that go on until a barrier or
// an operation of the simdgroup. What depends on the order of threads or on what memory held before shows.
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>

#include "objects.h"
#include "program.h"

extern "C" {
/// Saves the stack pointer of the running context in `from` and goes on at the one saved in `to`.
void metal_double_switch(void** from, void* to);
}
// Called functions keep these registers; the others are the caller's to save.
asm(R"(
.text
.globl metal_double_switch
.hidden metal_double_switch
.type metal_double_switch, @function
metal_double_switch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
.size metal_double_switch, .-metal_double_switch
)");

namespace metal_double {
namespace {

constexpr std::size_t stack_bytes = 65536, page_bytes = 4096, saved_registers = 6;

enum class State { ready, at_barrier, at_simdgroup, finished };

/// A thread of the threadgroup.
struct Fiber {
  char* stack = nullptr;  ///< kept for the next threadgroup; pages that fault lie below and above it
  void* stack_pointer = nullptr;
  State state = State::ready;
  int line = 0;              ///< of the barrier or operation where it waits
  std::uint32_t posted = 0;  ///< what it gives to the other lanes of its simdgroup
};

using Triple = std::array<std::uint32_t, 3>;

/// The kernel that is running: one at a time, under lock_of_all().
struct Run {
  const KernelCode* kernel = nullptr;
  std::span<const Binding> bindings;
  Triple groups{}, threads{}, group{};
  std::vector<Fiber> fibers;
  std::vector<std::uint32_t> lanes;  ///< what the fibers posted, once all of a simdgroup have
  void* scheduler = nullptr;         ///< where run_group goes on
  unsigned current = 0;
  bool active = false;
  std::string mistake;
  void* fault_address = nullptr;

  Fiber& fiber() { return fibers[current]; }
};

Run& the_run() {
  static Run& run = *new Run;
  return run;
}

void leave(State state, int line) {
  Run& run = the_run();
  Fiber& fiber = run.fiber();
  fiber.state = state;
  fiber.line = line;
  metal_double_switch(&fiber.stack_pointer, run.scheduler);
}

/// Stops the kernel from within a fiber, which never goes on.
[[noreturn]] void abandon(const std::string& mistake) {
  the_run().mistake = mistake;
  leave(State::finished, 0);
  std::abort();
}

void fiber_main() {
  the_run().kernel->entry();
  leave(State::finished, 0);
}

void start(Fiber& fiber) {
  if (fiber.stack == nullptr) {
    void* memory = ::mmap(nullptr, page_bytes + stack_bytes + page_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    fiber.stack = static_cast<char*>(memory) + page_bytes;
    ::mprotect(memory, page_bytes, PROT_NONE);
    ::mprotect(fiber.stack + stack_bytes, page_bytes, PROT_NONE);
  }
  // metal_double_switch takes the registers from here and returns into fiber_main, whose own return address
  // is never used.
  void** top = reinterpret_cast<void**>(fiber.stack + stack_bytes - 16);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(&fiber_main);
  for (std::size_t each = 0; each < saved_registers; ++each) *--top = nullptr;
  fiber.stack_pointer = top;
  fiber.state = State::ready;
  fiber.line = 0;
  fiber.posted = 0;
}

/// Where a fiber goes on after a fault.
void after_fault() {
  const Run& run = the_run();
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), "memory fault at %p in thread %u of threadgroup (%u, %u, %u)",
                run.fault_address, run.current, run.group[0], run.group[1], run.group[2]);
  abandon(text.data());
}

/// Sends the fiber that faulted to after_fault, at the top of its stack, as the fault may be that the stack
/// is full. Faults of others are as they were without us.
void on_fault(int signal, siginfo_t* details, void* context) {
  Run& run = the_run();
  if (!run.active) {
    ::signal(signal, SIG_DFL);
    return;
  }
  run.fault_address = details->si_addr;
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto top = reinterpret_cast<std::uintptr_t>(run.fiber().stack + stack_bytes);
  registers[REG_RSP] = static_cast<greg_t>(top - 24);  // as after a call: 8 bytes off a multiple of 16
  registers[REG_RIP] = reinterpret_cast<greg_t>(&after_fault);
}

/// Catches faults while a kernel runs, on a stack of its own.
class FaultHandler {
 public:
  FaultHandler() {
    stack_t alternate{};
    alternate.ss_sp = stack_.data();
    alternate.ss_size = stack_.size();
    ::sigaltstack(&alternate, &stack_before_);
    struct sigaction action {};
    action.sa_sigaction = &on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigaction(SIGSEGV, &action, &segv_before_);
    ::sigaction(SIGBUS, &action, &bus_before_);
  }
  ~FaultHandler() {
    ::sigaction(SIGSEGV, &segv_before_, nullptr);
    ::sigaction(SIGBUS, &bus_before_, nullptr);
    ::sigaltstack(&stack_before_, nullptr);
  }
  FaultHandler(const FaultHandler&) = delete;
  FaultHandler& operator=(const FaultHandler&) = delete;

 private:
  std::vector<char> stack_ = std::vector<char>(65536);
  stack_t stack_before_{};
  struct sigaction segv_before_ {
  }, bus_before_{};
};

/// Lets every fiber that is ready run; whether any was.
bool run_ready(const std::vector<unsigned>& order) {
  Run& run = the_run();
  bool progress = false;
  for (const unsigned number : order) {
    if (run.fibers[number].state != State::ready) continue;
    run.current = number;
    metal_double_switch(&run.scheduler, run.fibers[number].stack_pointer);
    if (!run.mistake.empty()) return false;
    progress = true;
  }
  return progress;
}

/// What fibers [first, last) wait for.
struct Waiting {
  unsigned here = 0, alive = 0;
  int line = -1;
  bool same_line = true;
};
Waiting waiting_at(State state, unsigned first, unsigned last) {
  Waiting found;
  for (unsigned number = first; number < last; ++number) {
    const Fiber& fiber = the_run().fibers[number];
    if (fiber.state != State::finished) ++found.alive;
    if (fiber.state != state) continue;
    ++found.here;
    if (found.line < 0) found.line = fiber.line;
    found.same_line = found.same_line && found.line == fiber.line;
  }
  return found;
}

/// Lets simdgroups go on whose live lanes all wait at one operation; whether any did.
bool pass_simdgroups(unsigned threads) {
  Run& run = the_run();
  bool progress = false;
  for (unsigned first = 0; first < threads; first += simdgroup_width) {
    const unsigned last = std::min(first + simdgroup_width, threads);
    const Waiting waiting = waiting_at(State::at_simdgroup, first, last);
    if (waiting.here == 0 || waiting.here != waiting.alive || !waiting.same_line) continue;
    for (unsigned number = first; number < last; ++number) {
      Fiber& fiber = run.fibers[number];
      run.lanes[number] = fiber.posted;
      if (fiber.state == State::at_simdgroup) fiber.state = State::ready;
    }
    progress = true;
  }
  return progress;
}

/// Runs one threadgroup to its end, or until a mistake.
void run_group(unsigned threads, std::mt19937& random, bool shuffled) {
  Run& run = the_run();
  for (const std::span<char>& part : run.kernel->threadgroup_memory) {
    std::memset(part.data(), 0xFF, part.size());  // nobody initializes it; read as floats, these are NaN
  }
  std::vector<unsigned> order(threads);
  std::iota(order.begin(), order.end(), 0u);
  for (unsigned number = 0; number < threads; ++number) start(run.fibers[number]);
  while (true) {
    if (shuffled) std::shuffle(order.begin(), order.end(), random);
    bool progress = run_ready(order);
    if (!run.mistake.empty()) return;
    progress = pass_simdgroups(threads) || progress;
    const Waiting barrier = waiting_at(State::at_barrier, 0, threads);
    if (barrier.alive == 0) return;
    if (barrier.here == threads && barrier.same_line) {
      for (unsigned number = 0; number < threads; ++number) run.fibers[number].state = State::ready;
    } else if (barrier.here == barrier.alive) {
      run.mistake = "threadgroup_barrier at line " + std::to_string(barrier.line) +
                    " is not reached by all threads of the threadgroup";
      return;
    } else if (!progress) {
      run.mistake = "threads of a simdgroup wait at different simd operations or barriers";
      return;
    }
  }
}

std::uint32_t seed() {
  const char* text = std::getenv("METAL_DOUBLE_SEED");
  return text != nullptr ? static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10)) : 1u;
}

Triple triple(const Size& size) {
  return {static_cast<std::uint32_t>(size.width), static_cast<std::uint32_t>(size.height),
          static_cast<std::uint32_t>(size.depth)};
}

}  // namespace

std::string run_kernel(const KernelCode& kernel, std::span<const Binding> bindings, const Size& groups,
                       const Size& threads) {
  const std::lock_guard lock(lock_of_all());
  static std::mt19937& random = *new std::mt19937(seed());
  const bool shuffled = std::getenv("METAL_DOUBLE_ORDERED") == nullptr;
  const auto group_threads = static_cast<unsigned>(threads.product());
  Run& run = the_run();
  run.kernel = &kernel;
  run.bindings = bindings;
  run.groups = triple(groups);
  run.threads = triple(threads);
  if (run.fibers.size() < group_threads) run.fibers.resize(group_threads);
  run.lanes.assign(group_threads, 0);
  run.mistake.clear();

  std::vector<std::uint32_t> order(groups.product());
  std::iota(order.begin(), order.end(), 0u);
  if (shuffled) std::shuffle(order.begin(), order.end(), random);
  const FaultHandler handler;
  run.active = true;
  for (const std::uint32_t number : order) {
    run.group = {number % run.groups[0], number / run.groups[0] % run.groups[1],
                 number / (run.groups[0] * run.groups[1])};
    run_group(group_threads, random, shuffled);
    if (!run.mistake.empty()) break;
  }
  run.active = false;
  return run.mistake.empty() ? std::string() : "kernel '" + kernel.name + "': " + run.mistake;
}

}  // namespace metal_double

using metal_double::the_run;

/// uint3 as clang passes it.
using Place = std::uint32_t __attribute__((vector_size(16)));

#pragma GCC visibility push(default)
extern "C" {

// What compiled kernels and the shim call.

/// threadgroup_barrier, or simdgroup_barrier.
void metal_double_barrier(int line, int of_simdgroup) {
  the_run().fiber().posted = 0;
  metal_double::leave(of_simdgroup != 0 ? metal_double::State::at_simdgroup : metal_double::State::at_barrier,
                      line);
}

/// The value of another lane: `operation` 0 is lane + argument, 1 lane - argument, 2 argument, 3 lane ^
/// argument. Lanes that are not there give one's own value.
std::uint32_t metal_double_shuffle(std::uint32_t operation, std::uint32_t value, std::uint32_t argument,
                                   int line) {
  auto& run = the_run();
  const unsigned lane = run.current % metal_double::simdgroup_width, first = run.current - lane;
  run.fiber().posted = value;
  metal_double::leave(metal_double::State::at_simdgroup, line);
  const unsigned from = operation == 0   ? lane + argument
                        : operation == 1 ? lane - argument
                        : operation == 2 ? argument
                                         : lane ^ argument;
  const bool is_there = from < metal_double::simdgroup_width && first + from < run.lanes.size();
  return is_there ? run.lanes[first + from] : value;
}

/// The address of what is bound to an index, which must have this many bytes.
std::uint64_t metal_double_buffer(std::uint32_t index, std::uint64_t bytes) {
  const metal_double::Binding& binding = the_run().bindings[index];
  if (binding.address == nullptr)
    metal_double::abandon("no buffer is bound at index " + std::to_string(index));
  if (binding.bytes < bytes) {
    metal_double::abandon("buffer " + std::to_string(index) + " has " + std::to_string(binding.bytes) +
                          " bytes, the kernel's argument needs " + std::to_string(bytes));
  }
  return reinterpret_cast<std::uint64_t>(binding.address);
}

/// The value of one of place_attributes for the running thread.
Place metal_double_place(std::uint32_t which) {
  const auto& run = the_run();
  const auto& [width, height, depth] = run.threads;
  const std::uint32_t number = run.current;
  const std::uint32_t x = number % width, y = number / width % height, z = number / (width * height);
  const auto& group = run.group;
  const auto& groups = run.groups;
  constexpr unsigned lanes = metal_double::simdgroup_width;
  switch (which) {
    case 0:
      return Place{group[0] * width + x, group[1] * height + y, group[2] * depth + z};
    case 1:
      return Place{x, y, z};
    case 2:
      return Place{group[0], group[1], group[2]};
    case 3:
      return Place{groups[0], groups[1], groups[2]};
    case 4:
      return Place{width, height, depth};
    case 5:
      return Place{groups[0] * width, groups[1] * height, groups[2] * depth};
    case 6:
      return Place{number};
    case 7:
      return Place{number % lanes};
    case 8:
      return Place{number / lanes};
    case 9:
      return Place{lanes};
    default:
      return Place{(width * height * depth + lanes - 1) / lanes};
  }
}
}
#pragma GCC visibility pop
