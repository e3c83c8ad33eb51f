#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace rustorch::cli {

/// Whether a stream goes to a terminal.
bool is_terminal(std::FILE* stream);

/// Whether to colour what goes to a stream: only on a terminal, and never if NO_COLOR is set
/// (https://no-color.org).
bool use_color(std::FILE* stream);

/// The terminal's width in columns; 80 if unknown.
int terminal_width(std::FILE* stream);

enum class Style { bold, dim, red, green, yellow, blue };

/// `text` in a style where the stream is coloured, else as it is.
std::string styled(std::FILE* stream, Style style, std::string_view text);

}  // namespace rustorch::cli
