#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "rustorch/error/error.h"

namespace rustorch::model_io {

/// A value of JSON that is neither an object nor an array.
struct JsonScalar {
  enum class Kind : std::uint8_t { null, boolean, unsigned_integer, other_number, string };
  Kind kind = Kind::null;
  std::uint64_t integer = 0;  ///< of unsigned_integer
  std::string text;           ///< of string, and of other_number as it was written
};

/// What receives the parts of a JSON text, in their order. This base sees to what holds for every file of a
/// stranger: bounded depth and no key twice in an object. Errors (corrupt_data) name the file and the byte.
class JsonEvents {
 public:
  virtual ~JsonEvents() = default;
  JsonEvents(const JsonEvents&) = delete;
  JsonEvents& operator=(const JsonEvents&) = delete;

 protected:
  /// The text begins `first_byte` bytes into the file.
  JsonEvents(std::filesystem::path path, std::uint64_t first_byte)
      : path_(std::move(path)), first_byte_(first_byte) {}

  virtual void on_key(std::string key) = 0;
  virtual void on_scalar(JsonScalar scalar) = 0;
  virtual void on_begin(bool is_object) = 0;
  virtual void on_end() = 0;

  /// Called in on_key: the key's value is passed over, whatever it is.
  void skip_value() noexcept { skipping_ = true; }
  /// Throws an Error that names the file and the byte that has been reached.
  [[noreturn]] void reject(std::string_view rule) const;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  friend class JsonParser;
  void key(std::string key);
  void scalar(JsonScalar scalar);
  void begin(bool is_object);
  void end();

  std::filesystem::path path_;
  std::uint64_t first_byte_;
  std::uint64_t position_ = 0;  // in the text
  std::vector<std::unordered_set<std::string>>
      scopes_;  // the keys so far of each object or array that is open
  bool skipping_ = false;
  std::size_t skipped_depth_ =
      0;  // scopes that were open when the skipped value began, plus one; 0: a scalar so far
};

/// Sends the parts of a JSON text to `events`. What is no JSON, byte order marks and zero bytes included, is
/// an Error.
void parse_json(std::string_view text, JsonEvents& events);

/// A string as JSON writes it, with its quotes. An Error (invalid_argument) if it is not UTF-8.
std::string json_quoted(std::string_view text);

/// A name out of a file for a message: shortened, without control characters, in backquotes.
std::string printable(std::string_view name);

}  // namespace rustorch::model_io
