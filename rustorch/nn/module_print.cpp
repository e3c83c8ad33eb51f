#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <ostream>
#include <typeinfo>

#include "rustorch/nn/module.h"

namespace rustorch::nn {

namespace {

// "rustorch::nn::Block<3>" → "Block".
std::string short_type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  const std::string_view name = status == 0 ? demangled.get() : type.name();
  std::size_t start = 0;
  std::size_t end = name.size();
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<' || name[i] == '(') {
      if (depth++ == 0) end = i;
    } else if (name[i] == '>' || name[i] == ')') {
      --depth;
    } else if (name[i] == ':' && depth == 0) {
      start = i + 1;
      end = name.size();
    }
  }
  return std::string(name.substr(start, end - start));
}

// Breaks of `text` get `spaces` more spaces.
std::string indented(std::string_view text, std::size_t spaces) {
  std::string result;
  for (const char c : text) {
    result += c;
    if (c == '\n') result.append(spaces, ' ');
  }
  return result;
}

std::string print(const ModuleState& state) {
  if (state.children.empty() && state.description.find('\n') == std::string::npos) {
    return fmt::format("{}({})", state.type_name, state.description);
  }
  std::string text = state.type_name + "(";
  if (!state.description.empty()) text += "\n  " + indented(state.description, 2);
  for (std::size_t i = 0; i < state.children.size();) {
    const std::string child = print(*state.children[i].state);
    std::size_t next = i + 1;
    // Equal neighbours of a list share one line.
    while (state.type_name == "ModuleList" && next < state.children.size() &&
           print(*state.children[next].state) == child) {
      ++next;
    }
    const std::string& name = state.children[i].name;
    const std::string label =
        next == i + 1 ? fmt::format("({}): ", name)
                      : fmt::format("({}-{}): {} x ", name, state.children[next - 1].name, next - i);
    text += "\n  " + label + indented(child, 2);
    i = next;
  }
  return text + "\n)";
}

}  // namespace

std::string Module::type_name() const {
  if (typeid(*this) != typeid(Module)) return short_type_name(typeid(*this));
  const std::string& known = state().type_name;
  return known.empty() ? "Module" : known;
}

std::string Module::extra_repr() const {
  return typeid(*this) == typeid(Module) ? state().description : std::string();
}

void Module::describe() const {
  std::string name = type_name();
  std::string description = extra_repr();
  state().type_name = std::move(name);
  state().description = std::move(description);
}

std::string Module::to_string() const {
  describe();
  return print(state());
}

std::ostream& operator<<(std::ostream& stream, const Module& module) { return stream << module.to_string(); }

}  // namespace rustorch::nn
