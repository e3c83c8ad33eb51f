#pragma once

#include <array>
#include <string>

namespace rustorch {

/// Where in the program something happened: the functions that this thread is in, innermost first. Costs some
/// microseconds. Empty where the platform cannot tell.
class CallStack {
 public:
  CallStack() = default;
  /// Without the innermost `skipped` functions.
  static CallStack here(int skipped = 0) noexcept;
  /// "f() < g() < main": functions that their library does not export are addresses.
  std::string to_string() const;

 private:
  static constexpr int most_frames = 12;
  std::array<void*, most_frames> frames_{};
  int count_ = 0;
};

}  // namespace rustorch
