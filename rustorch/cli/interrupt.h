#pragma once

#include <atomic>

namespace rustorch::cli {

/// Turns the first Ctrl-C (or SIGTERM) into a flag that the trainer asks after each step; a second one ends
/// the program at once.
const std::atomic<bool>& watch_for_interrupts();

}  // namespace rustorch::cli
