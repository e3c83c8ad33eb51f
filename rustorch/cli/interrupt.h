#pragma once

#include <atomic>

namespace rustorch::cli {

/// Turns the first Ctrl-C (or SIGTERM) into a flag that the trainer asks after each step; a second one ends
/// the program at once. Call it once, before any other thread is started: threads inherit that the signals
/// are blocked, and a thread of their own waits for them. No handler runs, so none can interrupt code of a
/// library that does not expect one.
const std::atomic<bool>& watch_for_interrupts();

}  // namespace rustorch::cli
