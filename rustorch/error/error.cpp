#include "rustorch/error/error.h"

#include <array>

namespace rustorch {

namespace {

struct CodeName {
  ErrorCode code;
  std::string_view name;
};

constexpr std::array code_names{
    CodeName{ErrorCode::invalid_argument, "invalid_argument"},
    CodeName{ErrorCode::shape_mismatch, "shape_mismatch"},
    CodeName{ErrorCode::dtype_mismatch, "dtype_mismatch"},
    CodeName{ErrorCode::device_mismatch, "device_mismatch"},
    CodeName{ErrorCode::index_out_of_range, "index_out_of_range"},
    CodeName{ErrorCode::layout, "layout"},
    CodeName{ErrorCode::autograd, "autograd"},
    CodeName{ErrorCode::unsupported, "unsupported"},
    CodeName{ErrorCode::out_of_memory, "out_of_memory"},
    CodeName{ErrorCode::not_found, "not_found"},
    CodeName{ErrorCode::io, "io"},
    CodeName{ErrorCode::corrupt_data, "corrupt_data"},
    CodeName{ErrorCode::interrupted, "interrupted"},
    CodeName{ErrorCode::internal, "internal"},
};

constexpr bool names_are_complete() {
  for (std::size_t i = 0; i < code_names.size(); ++i) {
    if (code_names[i].code != static_cast<ErrorCode>(i)) return false;
  }
  return code_names.back().code == ErrorCode::internal;  // the last code
}
static_assert(names_are_complete());

}  // namespace

std::string_view to_string(ErrorCode code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  return index < code_names.size() ? code_names[index].name : "unknown";
}

struct Error::State {
  ErrorCode code;
  std::string message;
  std::string suggestion;
  std::vector<std::string> context;
  std::source_location location;
  std::string what;

  State(ErrorCode code_, std::string message_, std::string suggestion_, std::vector<std::string> context_,
        std::source_location location_)
      : code(code_),
        message(std::move(message_)),
        suggestion(std::move(suggestion_)),
        context(std::move(context_)),
        location(location_),
        what(message) {
    for (const std::string& scope : context) what.append("\n  while: ").append(scope);
    if (!suggestion.empty()) what.append("\n  try: ").append(suggestion);
  }
};

Error::Error(ErrorCode code, std::string message, std::string suggestion, std::source_location location)
    : state_(std::make_shared<const State>(code, std::move(message), std::move(suggestion),
                                           ErrorContext::collect(), location)) {}

ErrorCode Error::code() const noexcept { return state_->code; }
const std::string& Error::message() const noexcept { return state_->message; }
const std::string& Error::suggestion() const noexcept { return state_->suggestion; }
const std::vector<std::string>& Error::context() const noexcept { return state_->context; }
const std::source_location& Error::location() const noexcept { return state_->location; }
const char* Error::what() const noexcept { return state_->what.c_str(); }

Error Error::with_context(std::string context) const {
  std::vector<std::string> contexts = state_->context;
  contexts.push_back(std::move(context));
  return Error(std::make_shared<const State>(state_->code, state_->message, state_->suggestion,
                                             std::move(contexts), state_->location));
}

Error Error::with_suggestion(std::string suggestion) const {
  return Error(std::make_shared<const State>(state_->code, state_->message, std::move(suggestion),
                                             state_->context, state_->location));
}

ErrorContext*& ErrorContext::current() noexcept {
  [[gnu::tls_model("initial-exec")]] thread_local constinit ErrorContext* innermost = nullptr;
  return innermost;
}

std::vector<std::string> ErrorContext::collect() {
  // A describing callable may itself raise an Error, which would collect again without end: while the texts
  // are made, the chain is hidden.
  struct Hide {
    ErrorContext* innermost = std::exchange(current(), nullptr);
    ~Hide() { current() = innermost; }
  } hidden;

  std::vector<std::string> texts;
  for (const ErrorContext* scope = hidden.innermost; scope != nullptr; scope = scope->outer_) {
    try {
      texts.push_back(scope->describe_(scope->object_));
    } catch (const std::exception&) {
      texts.emplace_back("(a context that could not be described)");
    }
  }
  return texts;
}

}  // namespace rustorch
