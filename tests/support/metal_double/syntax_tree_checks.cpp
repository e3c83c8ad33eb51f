// C++ for OpenCL is laxer than Metal in a few places. clang's tree, printed as text, tells where a program
// makes use of that: pointers without an address space show as __generic, and calls name the callee.
#include "syntax_tree_checks.h"

#include <array>
#include <map>
#include <regex>
#include <set>
#include <string_view>
#include <vector>

namespace metal_double {
namespace {

constexpr std::string_view no_address_space = "pointer type must have explicit address space qualifier";

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// One line of the dump: the node's depth and what it says.
struct Node {
  std::size_t depth;
  std::string_view text;
  std::string_view type;  ///< its first quoted type, without the quotes
  bool is(std::string_view kind) const {
    return text.starts_with(kind) && text.size() > kind.size() && text[kind.size()] == ' ';
  }
};

class Checker {
 public:
  explicit Checker(std::string_view source) : source_lines_(lines_of(source)) {}

  void take(std::string_view line) {
    const std::size_t depth = line.find_first_not_of(" |-`");
    if (depth == std::string_view::npos) return;
    find_line(line.substr(depth));
    if (depth > skipped_depth_) return;  // inside something that the compiler made
    skipped_depth_ = std::string_view::npos;
    const std::string_view text = line.substr(depth);
    const std::size_t quote = text.find('\'');
    const std::string_view type = quote == std::string_view::npos
                                      ? std::string_view()
                                      : text.substr(quote + 1, text.find('\'', quote + 1) - quote - 1);
    const Node node{depth, text, type};
    if (contains(text, " implicit ") && contains(text, "Decl ") && !node.is("FunctionDecl") &&
        !node.is("CXXRecordDecl")) {
      skipped_depth_ = depth;
      return;
    }
    follow_calls(node);
    check(node);
  }

  /// To be called when all lines were taken.
  std::string diagnostics() {
    const auto callers = calls_;
    for (const auto& [function, callees] : callers) {
      if (state_[function] == Visit::none) find_recursion(function);
    }
    return diagnostics_;
  }

 private:
  enum class Visit { none, open, done };

  /// Reads a node's places, "<line:7:3, col:9> col:5". Each names its line, or its file and line, only where
  /// it differs from the place that was printed before.
  void find_line(std::string_view text) {
    const std::size_t open = text.find('<');
    const std::size_t close = text.find('>', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) return;
    const std::string_view range = text.substr(open + 1, close - open - 1);
    const std::size_t comma = range.find(", ");
    take_place(range.substr(0, comma));
    line_ = printed_line_;
    if (comma != std::string_view::npos) take_place(range.substr(comma + 2));
    const std::string_view rest = text.substr(close + 1);
    if (rest.starts_with(" ")) take_place(rest.substr(1, rest.find(' ', 1) - 1));
  }

  void take_place(std::string_view place) {
    const std::size_t column = place.rfind(':');
    if (column == std::string_view::npos || place.starts_with("col:")) return;
    std::size_t number = 0;
    for (std::size_t at = place.rfind(':', column - 1); at != std::string_view::npos && ++at < column;) {
      if (place[at] < '0' || place[at] > '9') return;
      number = number * 10 + static_cast<std::size_t>(place[at] - '0');
    }
    if (number > 0) printed_line_ = number;
  }

  void complain(std::string_view what) {
    diagnostics_ += "program_source:" + std::to_string(line_) + ": error: " + std::string(what) + "\n";
    if (line_ >= 1 && line_ <= source_lines_.size())
      diagnostics_ += std::string(source_lines_[line_ - 1]) + "\n";
  }

  /// A redeclaration is the function that was declared first.
  std::string first_declaration(const std::string& address) const {
    const auto found = first_declaration_.find(address);
    return found == first_declaration_.end() ? address : found->second;
  }

  void follow_calls(const Node& node) {
    static const std::regex declaration(R"(^\w+Decl (0x\w+) (?:parent 0x\w+ )?(?:prev (0x\w+))?)");
    static const std::regex reference(R"((?:Function|CXXMethod) (0x\w+) '([^']*)')");
    static const std::regex member(R"([.>](\w+) (0x\w+)$)");
    std::match_results<std::string_view::const_iterator> match;
    if (node.is("FunctionDecl") || node.is("CXXMethodDecl")) {
      if (!std::regex_search(node.text.begin(), node.text.end(), match, declaration)) return;
      function_ = match[1].str();
      if (match[2].matched)
        function_ = first_declaration_[match[1].str()] = first_declaration(match[2].str());
    } else if (node.is("DeclRefExpr")) {
      if (!contains(node.text, "Function 0x") && !contains(node.text, "CXXMethod 0x")) return;
      if (std::regex_search(node.text.begin(), node.text.end(), match, reference))
        add_call(match[1].str(), match[2].str());
    } else if (node.is("MemberExpr") && contains(node.type, "bound member function")) {
      if (std::regex_search(node.text.begin(), node.text.end(), match, member))
        add_call(match[2].str(), match[1].str());
    }
  }

  void add_call(const std::string& address, const std::string& name) {
    const std::string callee = first_declaration(address);
    calls_[function_].insert(callee);
    names_[callee] = name;
  }

  void find_recursion(const std::string& function) {
    state_[function] = Visit::open;
    for (const std::string& callee : calls_[function]) {
      if (state_[callee] == Visit::open) {
        diagnostics_ += "program_source: error: recursion is not supported ('" + names_[callee] + "')\n";
      } else if (state_[callee] == Visit::none) {
        find_recursion(callee);
      }
    }
    state_[function] = Visit::done;
  }

  void check(const Node& node) {
    static constexpr std::array<std::string_view, 9> typed{
        "ParmVarDecl",           "VarDecl",           "FieldDecl",
        "CStyleCastExpr",        "CXXStaticCastExpr", "CXXReinterpretCastExpr",
        "CXXFunctionalCastExpr", "TypedefDecl",       "TypeAliasDecl"};
    if (contains(node.type, "__generic")) {
      for (const std::string_view kind : typed) {
        if (node.is(kind)) complain(no_address_space);
      }
      // A result's type stands first in a function's.
      if ((node.is("FunctionDecl") || node.is("CXXMethodDecl")) && node.type.starts_with("__generic "))
        complain(no_address_space);
    }
    if (node.is("LambdaExpr")) complain("lambda expressions are not supported (before Metal 3.2)");
    if (!node.is("VarDecl") || contains(node.type, "__constant")) return;
    constexpr std::size_t program_scope = 2;
    if (node.depth <= program_scope) {
      complain("program scope variable must reside in constant address space");
    } else if (contains(node.text, " static") && !contains(node.type, "__local")) {
      complain("static variable must reside in constant address space");
    }
  }

  std::vector<std::string_view> source_lines_;
  std::string diagnostics_;
  std::size_t line_ = 0, printed_line_ = 0;
  std::size_t skipped_depth_ = std::string_view::npos;
  std::string function_;  ///< the one whose body is being read, by its first declaration's address
  std::map<std::string, std::string> first_declaration_, names_;
  std::map<std::string, std::set<std::string>> calls_;
  std::map<std::string, Visit> state_;
};

}  // namespace

std::string check_syntax_tree(const std::string& dump, const std::string& source) {
  Checker checker(source);
  for (const std::string_view line : lines_of(dump)) checker.take(line);
  return checker.diagnostics();
}

}  // namespace metal_double
