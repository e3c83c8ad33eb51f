#pragma once

#include <atomic>

namespace rustorch::cli {

/// Turns the first Ctrl-C (or SIGTERM) into a flag that the trainer asks after each step; a second one ends
/// the program at once. Call it once, before any other thread is started: threads inherit that the signals are
/// blocked, and a thread of their own waits for them. A signal handler would not do: oneDNN's generated matrix
/// products before 3.11.2 point the stack at a block of the heap, and a handler that interrupts one writes its
/// frame there (https://github.com/uxlfoundation/oneDNN/issues/4845).
const std::atomic<bool>& watch_for_interrupts();

}  // namespace rustorch::cli
