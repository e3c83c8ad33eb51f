#include "rustorch/model_io/common/json_events.h"

#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

namespace rustorch::model_io {

namespace {

constexpr std::size_t most_depth = 100;

/// Goes through the text and notes how far the parser has read: its events carry no position.
class NotingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  NotingIterator(const char* at, const char* begin, std::uint64_t* position) noexcept
      : at_(at), begin_(begin), position_(position) {}
  reference operator*() const noexcept { return *at_; }
  NotingIterator& operator++() noexcept {
    ++at_;
    *position_ = static_cast<std::uint64_t>(at_ - begin_);
    return *this;
  }
  NotingIterator operator++(int) noexcept {
    const NotingIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const NotingIterator& a, const NotingIterator& b) noexcept { return a.at_ == b.at_; }

 private:
  const char* at_;
  const char* begin_;
  std::uint64_t* position_;
};

}  // namespace

/// Takes nlohmann's events.
class JsonParser {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  explicit JsonParser(JsonEvents& events) noexcept : events_(events) {}

  void parse(std::string_view text) {
    // The parser would take a zero byte for the end, and skip a byte order mark.
    if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos) {
      events_.position_ = zero;
      events_.reject("a zero byte in JSON");
    }
    if (text.starts_with("\xef\xbb\xbf")) events_.reject("a byte order mark before JSON");
    const char* begin = text.data();
    const char* end = begin + text.size();
    nlohmann::json::sax_parse(NotingIterator(begin, begin, &events_.position_),
                              NotingIterator(end, begin, &events_.position_), this);
  }

  bool null() { return scalar({}); }
  bool boolean(bool) { return scalar({.kind = JsonScalar::Kind::boolean, .text = {}}); }
  bool number_unsigned(number_unsigned_t value) {
    return scalar({.kind = JsonScalar::Kind::unsigned_integer, .integer = value, .text = {}});
  }
  bool number_integer(number_integer_t value) {
    return scalar({.kind = JsonScalar::Kind::other_number, .text = std::to_string(value)});
  }
  bool number_float(number_float_t, const string_t& text) {
    return scalar({.kind = JsonScalar::Kind::other_number, .text = text});
  }
  bool string(string_t& text) { return scalar({.kind = JsonScalar::Kind::string, .text = std::move(text)}); }
  bool binary(binary_t&) { return false; }  // not in texts
  bool start_object(std::size_t) { return begin(true); }
  bool start_array(std::size_t) { return begin(false); }
  bool key(string_t& key) {
    events_.key(std::move(key));
    return true;
  }
  bool end_object() { return end(); }
  bool end_array() { return end(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& exception) {
    // "[json.exception…] parse error at line 1, column 5: syntax error while parsing value - invalid literal;
    // last read: '…'": the line says no more than the byte, and what was read last may be megabytes.
    std::string_view reason = exception.what();
    if (const std::size_t colon = reason.find(": "); colon != std::string_view::npos)
      reason.remove_prefix(colon + 2);
    reason = reason.substr(0, reason.find("; last read"));
    events_.reject(fmt::format("invalid JSON: {}", reason));
  }

 private:
  bool scalar(JsonScalar value) {
    events_.scalar(std::move(value));
    return true;
  }
  bool begin(bool is_object) {
    events_.begin(is_object);
    return true;
  }
  bool end() {
    events_.end();
    return true;
  }

  JsonEvents& events_;
};

void JsonEvents::reject(std::string_view rule) const {
  fail(ErrorCode::corrupt_data, "{}: byte {}: {}", path_.string(), first_byte_ + position_, rule);
}

void JsonEvents::key(std::string key) {
  const auto [position, is_new] = scopes_.back().insert(key);
  if (!is_new) reject(fmt::format("the key {} comes twice", printable(key)));
  if (!skipping_) on_key(std::move(key));
}

void JsonEvents::scalar(JsonScalar scalar) {
  if (!skipping_) return on_scalar(std::move(scalar));
  if (skipped_depth_ == 0) skipping_ = false;
}

void JsonEvents::begin(bool is_object) {
  if (scopes_.size() == most_depth) reject(fmt::format("JSON nested deeper than {} levels", most_depth));
  scopes_.emplace_back();
  if (!skipping_) return on_begin(is_object);
  if (skipped_depth_ == 0) skipped_depth_ = scopes_.size();
}

void JsonEvents::end() {
  const std::size_t depth = scopes_.size();
  scopes_.pop_back();
  if (!skipping_) return on_end();
  if (skipped_depth_ == depth) {
    skipped_depth_ = 0;
    skipping_ = false;
  }
}

void parse_json(std::string_view text, JsonEvents& events) { JsonParser(events).parse(text); }

std::string json_quoted(std::string_view text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::invalid_argument, "the name {} is not UTF-8, which JSON needs", printable(text));
  }
}

std::string printable(std::string_view name) {
  constexpr std::size_t most_bytes = 120;
  std::string text = "`";
  for (const char c : name.substr(0, most_bytes)) {
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    text += is_control ? '?' : c;
  }
  return text + (name.size() > most_bytes ? "…`" : "`");
}

}  // namespace rustorch::model_io
