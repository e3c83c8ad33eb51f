// Kernels' parameters and attributes, from the text: the part of MSL that C++ for OpenCL does not know.
#include "signature_reader.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

namespace metal_double {
namespace {

bool is_word(char character) {
  return std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '_';
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// The number that a text is; `otherwise` if it is none.
std::size_t number(std::string_view text, std::size_t otherwise) {
  text = trimmed(text);
  if (text.empty() || text.size() > 9) return otherwise;
  std::size_t value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return otherwise;
    value = value * 10 + static_cast<std::size_t>(digit - '0');
  }
  return value;
}

/// Steps through a text word by word.
class Reader {
 public:
  Reader(std::string_view text, std::size_t position) : text_(text), position_(position) {}

  void skip_blanks() {
    while (position_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[position_])) != 0)
      ++position_;
  }
  /// The next word; empty if the next character begins none.
  std::string_view word() {
    skip_blanks();
    const std::size_t start = position_;
    while (position_ < text_.size() && is_word(text_[position_])) ++position_;
    return text_.substr(start, position_ - start);
  }
  bool take(char character) {
    skip_blanks();
    if (position_ >= text_.size() || text_[position_] != character) return false;
    ++position_;
    return true;
  }
  /// The parts between commas up to the ')' that closes the list.
  std::vector<std::string_view> list() {
    std::vector<std::string_view> parts;
    int depth = 0;
    std::size_t start = position_;
    for (; position_ < text_.size(); ++position_) {
      const char character = text_[position_];
      if (depth == 0 && (character == ',' || character == ')')) {
        const std::string_view part = trimmed(text_.substr(start, position_ - start));
        if (!part.empty()) parts.push_back(part);
        start = position_ + 1;
        if (character == ')') break;
      } else if (std::string_view("([<").find(character) != std::string_view::npos) {
        ++depth;
      } else if (std::string_view(")]>").find(character) != std::string_view::npos) {
        --depth;
      }
    }
    return parts;
  }

 private:
  std::string_view text_;
  std::size_t position_;
};

/// The checks of one kernel's parameters, one after another.
class ParameterReader {
 public:
  ParameterReader(std::string kernel, std::string& diagnostics)
      : kernel_(std::move(kernel)), diagnostics_(diagnostics) {}

  Parameter read(std::string_view text) {
    Parameter parameter;
    const std::size_t open = text.find("[[");
    const std::size_t close = text.find("]]", open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) {
      complain("parameter '" + std::string(text) + "' has no attribute");
      return parameter;
    }
    read_attribute(text.substr(open + 2, close - open - 2), parameter);
    read_declaration(trimmed(text.substr(0, open)), parameter);
    if (!seen_.insert(parameter.attribute + " " + std::to_string(parameter.index)).second)
      complain("'" + parameter.attribute + "' index used twice");
    if (parameter.attribute == "buffer") {
      check_buffer(parameter);
    } else {
      check_place(parameter);
    }
    return parameter;
  }

 private:
  void complain(const std::string& what) {
    diagnostics_ += "program_source: error: kernel '" + kernel_ + "': " + what + "\n";
  }

  void read_attribute(std::string_view text, Parameter& parameter) {
    text = trimmed(text);
    const std::size_t bracket = text.find('(');
    parameter.attribute = trimmed(text.substr(0, bracket));
    if (bracket == std::string_view::npos) return;
    const std::string_view index = text.substr(bracket + 1, text.rfind(')') - bracket - 1);
    constexpr std::size_t none = most_buffers;
    parameter.index = number(index, none);
  }

  static void read_declaration(std::string_view text, Parameter& parameter) {
    std::size_t name = text.size();
    while (name > 0 && is_word(text[name - 1])) --name;
    parameter.name = text.substr(name);
    std::string_view type = trimmed(text.substr(0, name));
    parameter.reference = !type.empty() && type.back() == '&';
    if (parameter.reference) type = trimmed(type.substr(0, type.size() - 1));
    parameter.type = type;
  }

  void check_buffer(const Parameter& parameter) {
    if (parameter.index >= most_buffers)
      complain("'buffer' attribute parameter is out of bounds: must be between 0 and 30");
    const bool by_address = parameter.reference || parameter.type.find('*') != std::string::npos;
    const bool in_buffers = parameter.type.find("__global") != std::string::npos ||
                            parameter.type.find("constant") != std::string::npos;
    if (!by_address) {
      complain("invalid type '" + parameter.type + "' for buffer declaration");
    } else if (!in_buffers) {
      complain("buffer '" + parameter.name + "' must be in the device or constant address space");
    }
  }

  void check_place(const Parameter& parameter) {
    const auto found = std::find(place_attributes.begin(), place_attributes.end(), parameter.attribute);
    if (found == place_attributes.end())
      return complain("unknown attribute '" + parameter.attribute + "' (or not offered by the double)");
    const bool is_vector = static_cast<std::size_t>(found - place_attributes.begin()) < vector_places;
    if (is_vector && !place_type_.empty() && place_type_ != parameter.type)
      complain("position attributes differ in type ('" + place_type_ + "' and '" + parameter.type + "')");
    if (is_vector) place_type_ = parameter.type;
  }

  std::string kernel_;
  std::string& diagnostics_;
  std::set<std::string> seen_;
  std::string place_type_;
};

/// The N of [[max_total_threads_per_threadgroup(N)]] where the text ends with it.
std::size_t group_threads_before(std::string_view text, std::string& diagnostics) {
  text = trimmed(text);
  constexpr std::string_view attribute = "max_total_threads_per_threadgroup";
  if (!text.ends_with("]]")) return most_threads;
  const std::size_t open = text.rfind("[[");
  if (open == std::string_view::npos) return most_threads;
  std::string_view inside = trimmed(text.substr(open + 2, text.size() - open - 4));
  if (!inside.starts_with(attribute)) return most_threads;
  inside = trimmed(inside.substr(attribute.size()));
  constexpr std::size_t unreadable = 0;
  const std::size_t threads = inside.size() > 2 && inside.front() == '(' && inside.back() == ')'
                                  ? number(inside.substr(1, inside.size() - 2), unreadable)
                                  : unreadable;
  if (threads == unreadable || threads > most_threads)
    diagnostics += "program_source: error: '" + std::string(attribute) +
                   "' must be between 1 and 1024, and for the double a number that is written out\n";
  return threads;
}

}  // namespace

std::map<std::string, KernelCode> read_signatures(const std::string& text, std::string& diagnostics) {
  constexpr std::string_view keyword = "kernel";
  std::map<std::string, KernelCode> kernels;
  for (std::size_t at = text.find(keyword); at != std::string::npos; at = text.find(keyword, at + 1)) {
    const bool whole_word = (at == 0 || !is_word(text[at - 1])) && !is_word(text[at + keyword.size()]);
    if (!whole_word) continue;
    Reader reader(text, at + keyword.size());
    if (reader.word() != "void") continue;  // clang complains of other results
    KernelCode kernel;
    kernel.name = reader.word();
    if (kernel.name.empty() || !reader.take('(')) continue;
    kernel.most_group_threads = group_threads_before(std::string_view(text).substr(0, at), diagnostics);
    ParameterReader parameters(kernel.name, diagnostics);
    for (const std::string_view part : reader.list()) kernel.parameters.push_back(parameters.read(part));
    kernels[kernel.name] = std::move(kernel);
  }
  return kernels;
}

}  // namespace metal_double
