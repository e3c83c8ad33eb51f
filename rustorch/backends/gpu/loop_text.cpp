#include "rustorch/backends/gpu/loop_text.h"

#include <fmt/format.h>

#include <iterator>

namespace rustorch::gpu {

std::string LoopText::members() const {
  if (rank_ == 0) return {};
  return fmt::format("index {0}size[{1}]; index {0}stride[{2}][{1}];\n", name_, rank_, operands_);
}

std::string LoopText::walk(std::string_view index, std::span<const Moved> moved) const {
  if (rank_ == 0) return {};
  std::string text = fmt::format("{{ index rest = {};\n", index);
  const auto out = std::back_inserter(text);
  for (std::size_t dim = rank_; dim-- > 0;) {
    if (dim > 0) {
      fmt::format_to(out, "{{ const index at = rest % p.{0}size[{1}]; rest /= p.{0}size[{1}];\n", name_, dim);
    } else {
      fmt::format_to(out, "{{ const index at = rest;\n");
    }
    for (const Moved& operand : moved)
      fmt::format_to(out, "{} += (i64)at * p.{}stride[{}][{}];\n", operand.variable, name_, operand.operand,
                     dim);
    text += "}\n";
  }
  text += "}\n";
  return text;
}

}  // namespace rustorch::gpu
