#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace rustorch {

/// Tells how long blocks lie unused without looking at a clock when they return: a block notes the generation
/// in which it came, and only the ends of generations have times.
class GenerationClock {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit GenerationClock(Time start) noexcept : last_end_(start) {}

  /// What a returned block notes.
  std::uint32_t current() const noexcept { return current_; }

  /// Ends the current generation. May throw std::bad_alloc.
  void advance(Time now) {
    ends_.push_back(now);
    last_end_ = now;
    ++current_;
    if (ends_.size() > most_ends) ends_.pop_front();  // what is that old counts as older than any age
  }
  /// Blocks of generations before this one were returned by `time`.
  std::uint32_t first_after(Time time) const noexcept {
    std::uint32_t generation = current_ - static_cast<std::uint32_t>(ends_.size());
    for (const Time end : ends_) {
      if (end > time) break;
      ++generation;
    }
    return generation;
  }
  Time last_end() const noexcept { return last_end_; }

 private:
  static constexpr std::size_t most_ends = 4096;
  std::uint32_t current_ = 0;
  Time last_end_;
  std::deque<Time> ends_;  // of the generations before the current one
};

}  // namespace rustorch
