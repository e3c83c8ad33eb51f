#include "rustorch/backends/gpu/formula.h"

#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

struct Operator {
  std::string_view text;
  int binding;  // of C: the larger binds the tighter
};
// Longer ones first, so that `<=` is not taken for `<`.
constexpr std::array<Operator, 15> operators = {{{"||", 1},
                                                 {"&&", 2},
                                                 {"==", 6},
                                                 {"!=", 6},
                                                 {"<=", 7},
                                                 {">=", 7},
                                                 {"|", 3},
                                                 {"^", 4},
                                                 {"&", 5},
                                                 {"<", 7},
                                                 {">", 7},
                                                 {"+", 9},
                                                 {"-", 9},
                                                 {"*", 10},
                                                 {"/", 10}}};

/// What stands for the operators of complex numbers.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> complex_operators = {
    {{"+", "add"},
     {"-", "subtract"},
     {"*", "multiply"},
     {"/", "divide"},
     {"==", "equal"},
     {"!=", "not_equal"}}};

/// Reads a formula and writes it in the dialect on the way.
class Translator {
 public:
  Translator(std::string_view formula, DType compute, std::span<const std::string> operands)
      : text_(formula), compute_(compute), type_(dialect_type(compute)), operands_(operands) {}

  std::string run() {
    std::string result = expression(0);
    skip_spaces();
    if (at_ != text_.size()) refuse("the end");
    return result;
  }

 private:
  [[noreturn]] void refuse(std::string_view wanted) const {
    fail(ErrorCode::internal, "formula `{}`: {} is expected at position {}", text_, wanted, at_);
  }

  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(std::string_view token) {
    skip_spaces();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  const Operator* next_operator() {
    skip_spaces();
    for (const Operator& candidate : operators) {
      if (text_.substr(at_).starts_with(candidate.text)) return &candidate;
    }
    return nullptr;
  }

  /// Operators that bind tighter than `outer`, from the left.
  std::string expression(int outer) {
    std::string left = operand();
    while (const Operator* found = next_operator()) {
      if (found->binding <= outer) break;
      at_ += found->text.size();
      const std::string right = expression(found->binding);
      left = binary(found->text, left, right);
    }
    return left;
  }

  std::string operand() {
    if (take("-")) {
      const std::string value = operand();
      if (is_complex(compute_)) return fmt::format("negate_{}({})", type_, value);
      return is_floating_point(compute_) ? fmt::format("(-{})", value) : wrapped("-", "0", value);
    }
    if (take("~")) return fmt::format("(~{})", operand());
    if (take("(")) {
      std::string inner = expression(0);
      if (!take(")")) refuse("`)`");
      return inner;
    }
    skip_spaces();
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_'))
      ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (name.empty()) refuse("an operand");
    if (!take("(")) return variable(name);
    if (name == "lit") return literal();
    std::vector<std::string> arguments;
    do arguments.push_back(expression(0));
    while (take(","));
    if (!take(")")) refuse("`)`");
    if (name == "select") {
      if (arguments.size() != 3) refuse("three arguments of select");
      if (is_complex(compute_))
        return fmt::format("select_{}({}, {}, {})", type_, arguments[0], arguments[1], arguments[2]);
      return fmt::format("({} ? {} : {})", arguments[0], arguments[1], arguments[2]);
    }
    return fmt::format("{}_{}({})", name, type_, fmt::join(arguments, ", "));
  }

  std::string variable(std::string_view name) const {
    constexpr std::string_view names = "xyz";
    const std::size_t index = names.find(name);
    if (name.size() != 1 || index == std::string_view::npos || index >= operands_.size())
      fail(ErrorCode::internal, "formula `{}`: there is no operand `{}`", text_, name);
    return operands_[index];
  }

  std::string literal() {
    const std::size_t end = text_.find(')', at_);
    if (end == std::string_view::npos) refuse("`)`");
    const std::string number(text_.substr(at_, end - at_));
    at_ = end + 1;
    if (is_integral(compute_)) return fmt::format("(({}){})", type_, number);
    const bool whole = number.find_first_of(".eE") == std::string::npos;
    const std::string_view suffix = real_dtype(compute_) == DType::float32 ? "f" : "";
    const std::string value = fmt::format("{}{}{}", number, whole ? ".0" : "", suffix);
    return is_complex(compute_) ? fmt::format("make_{}({}, 0.0{})", type_, value, suffix)
                                : fmt::format("({})", value);
  }

  std::string binary(std::string_view op, const std::string& left, const std::string& right) const {
    if (is_complex(compute_)) {
      for (const auto& [sign, function] : complex_operators) {
        if (op == sign) return fmt::format("{}_{}({}, {})", function, type_, left, right);
      }
    }
    const bool arithmetic = op == "+" || op == "-" || op == "*";
    if (arithmetic && !is_floating_point(compute_)) return wrapped(op, left, right);
    return fmt::format("({} {} {})", left, op, right);
  }

  /// C leaves open what a signed integer overflows to.
  std::string wrapped(std::string_view op, const std::string& left, const std::string& right) const {
    const std::string_view bits = compute_ == DType::int64 ? "u64" : "u32";
    return fmt::format("(({})(({}){} {} ({}){}))", type_, bits, left, op, bits, right);
  }

  std::string_view text_;
  DType compute_;
  std::string_view type_;
  std::span<const std::string> operands_;
  std::size_t at_ = 0;
};

}  // namespace

std::string_view dialect_type(DType compute) {
  switch (compute) {
    case DType::int32:
      return "i32";
    case DType::int64:
      return "i64";
    case DType::float32:
      return "f32";
    case DType::float64:
      return "f64";
    case DType::complex64:
      return "c64";
    case DType::complex128:
      return "c128";
    default:
      fail(ErrorCode::internal, "{} is no compute type of kernels", compute);
  }
}

std::string translate_formula(std::string_view formula, DType compute,
                              std::span<const std::string> operands) {
  return Translator(formula, compute, operands).run();
}

}  // namespace rustorch::gpu
