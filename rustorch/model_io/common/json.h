#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rustorch::model_io {

/// Text that is no JSON, or a value that is not what was asked for.
class JsonError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A JSON value. nlohmann's library behind a small interface: its templates cost each file that uses them 5
/// to 10 s of compile time, here they are compiled once. Objects keep the order of their members. For what
/// the program writes and reads back; files of strangers go through parse_json (json_events.h).
class Json {
 public:
  using Member = std::pair<std::string, Json>;

  Json();  ///< null
  explicit(false) Json(bool value);
  explicit(false) Json(double value);
  template <std::signed_integral T>
  explicit(false) Json(T value) : Json(Signed{value}) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) explicit(false) Json(T value) : Json(Unsigned{value}) {}
  explicit(false) Json(std::string_view text);
  explicit(false) Json(const char* text) : Json(std::string_view(text)) {}
  explicit(false) Json(const std::string& text) : Json(std::string_view(text)) {}
  template <class T>
  explicit(false) Json(const std::vector<T>& elements) : Json(array()) {
    for (const T& element : elements) push_back(element);
  }
  static Json array(std::initializer_list<Json> elements = {});
  static Json object(std::initializer_list<Member> members = {});
  /// The value that a text holds; a JsonError if it holds none.
  static Json parse(std::string_view text);

  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(Json other) noexcept;
  ~Json();

  void push_back(const Json& element);                   ///< arrays
  void set(const std::string& name, const Json& value);  ///< objects: adds or replaces a member

  bool is_null() const noexcept;
  bool contains(const std::string& name) const;
  std::size_t size() const noexcept;  ///< of an array or object
  // Each is a JsonError where there is no such thing.
  Json at(const std::string& name) const;
  Json at(std::size_t index) const;
  std::vector<Json> elements() const;
  std::vector<Member> members() const;
  std::int64_t to_int64() const;
  std::uint64_t to_uint64() const;
  double to_double() const;
  std::string to_string() const;  ///< the text of a string

  /// As text: on one line, or with `indent` spaces a level. Doubles keep their value; NaN and infinities are
  /// null.
  std::string dump(int indent = -1) const;

 private:
  struct Signed {
    std::int64_t value;
  };
  struct Unsigned {
    std::uint64_t value;
  };
  struct Value;
  explicit Json(Signed value);
  explicit Json(Unsigned value);
  explicit Json(std::unique_ptr<Value> value) noexcept;

  std::unique_ptr<Value> value_;
};

}  // namespace rustorch::model_io
