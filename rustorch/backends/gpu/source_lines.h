#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <utility>

namespace rustorch::gpu {

/// The text of a source that is written line by line: what generators of kernels derive from.
class SourceLines {
 protected:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  std::string text_;
};

}  // namespace rustorch::gpu
