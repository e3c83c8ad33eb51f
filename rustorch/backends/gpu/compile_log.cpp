#include "rustorch/backends/gpu/compile_log.h"

#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <system_error>
#include <vector>

namespace rustorch::gpu {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string_view without_blanks_around(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Takes a number away from the front of a text; false if none stands there.
bool take_number(std::string_view& text, std::size_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

/// The number of the source's line that a line of a log names, from 1; 0 if it names none.
std::size_t named_line(std::string_view log_line) {
  for (std::size_t at = log_line.find_first_of("(:"); at != std::string_view::npos;
       at = log_line.find_first_of("(:", at + 1)) {
    std::string_view rest = log_line.substr(at + 1);
    std::size_t line = 0;
    if (!take_number(rest, line)) continue;
    if (log_line[at] == '(') {
      if (rest.starts_with("):")) return line;
    } else if (std::size_t column = 0; rest.starts_with(':')) {
      rest.remove_prefix(1);
      if (take_number(rest, column) && rest.starts_with(':')) return line;
    }
  }
  return 0;
}

}  // namespace

std::string annotate_log(std::string_view source, std::string_view log) {
  const std::vector<std::string_view> source_lines = lines_of(source);
  const std::vector<std::string_view> log_lines = lines_of(log);
  std::string annotated;
  for (std::size_t i = 0; i < log_lines.size(); ++i) {
    annotated.append(log_lines[i]).push_back('\n');
    const std::size_t number = named_line(log_lines[i]);
    if (number == 0 || number > source_lines.size()) continue;
    const std::string_view line = source_lines[number - 1];
    const bool shown =
        i + 1 < log_lines.size() && without_blanks_around(log_lines[i + 1]) == without_blanks_around(line);
    if (!shown) annotated += fmt::format("{:>6} | {}\n", number, line);
  }
  if (!annotated.empty()) annotated.pop_back();  // the last line's end
  return annotated;
}

}  // namespace rustorch::gpu
