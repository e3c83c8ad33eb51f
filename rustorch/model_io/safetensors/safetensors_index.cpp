#include <algorithm>
#include <map>
#include <utility>

#include "rustorch/error/suggestion.h"
#include "rustorch/model_io/common/file_mapping.h"
#include "rustorch/model_io/common/json_events.h"
#include "rustorch/model_io/safetensors/header.h"
#include "rustorch/model_io/safetensors/safetensors_file.h"

namespace rustorch {

namespace {

using model_io::JsonScalar;
using model_io::printable;

/// Reads {"metadata": anything, "weight_map": {tensor: file}}.
class IndexEvents final : public model_io::JsonEvents {
 public:
  explicit IndexEvents(const std::filesystem::path& path) : JsonEvents(path, 0) {}

  std::vector<std::pair<std::string, std::string>> weight_map;  // tensor, file

  void check_complete() const {
    if (!has_map_) reject("the index has no weight_map");
  }

 private:
  enum class Place : std::uint8_t { outside, top, map_value, map };

  void on_key(std::string key) override {
    if (place_ == Place::map) {
      key_ = std::move(key);
    } else if (key == "weight_map") {
      place_ = Place::map_value;
    } else {
      skip_value();
    }
  }

  void on_begin(bool is_object) override {
    if (!is_object || place_ == Place::map) reject_value();
    has_map_ = has_map_ || place_ == Place::map_value;
    place_ = place_ == Place::outside ? Place::top : Place::map;
  }

  void on_end() override { place_ = place_ == Place::map ? Place::top : Place::outside; }

  void on_scalar(JsonScalar scalar) override {
    if (place_ != Place::map || scalar.kind != JsonScalar::Kind::string) reject_value();
    // A name from a stranger may not lead out of the model's folder.
    const bool is_plain = !scalar.text.empty() && scalar.text != "." && scalar.text != ".." &&
                          scalar.text.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
    if (!is_plain) {
      reject(fmt::format("tensor {} is said to be in {}, which is no file name", printable(key_),
                         printable(scalar.text)));
    }
    weight_map.emplace_back(std::move(key_), std::move(scalar.text));
  }

  [[noreturn]] void reject_value() const {
    switch (place_) {
      case Place::outside:
        reject("the index is not an object");
      case Place::map_value:
        reject("weight_map is not an object");
      default:
        reject(fmt::format("weight_map: the file of {} is not a text", printable(key_)));
    }
  }

  Place place_ = Place::outside;
  bool has_map_ = false;
  std::string key_;
};

/// "a, b, c and 7 more".
std::string shortened(const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;
  const std::size_t shown = std::min(names.size(), most);
  std::string text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

}  // namespace

SafetensorsIndex::SafetensorsIndex(std::filesystem::path path) : path_(std::move(path)) {
  IndexEvents events(path_);
  {
    const model_io::FileMapping text(path_);
    RUSTORCH_CHECK(text.size() <= model_io::most_safetensors_header_bytes, corrupt_data,
                   "{}: byte 0: an index of {} bytes; at most {} are read", path_.string(), text.size(),
                   model_io::most_safetensors_header_bytes);
    model_io::parse_json({reinterpret_cast<const char*>(text.data()), text.size()}, events);
    events.check_complete();
  }

  std::map<std::string, std::size_t> numbers;  // of the files, by name
  for (const auto& [tensor, file] : events.weight_map) numbers.emplace(file, 0);
  for (auto& [file, number] : numbers) {
    const ErrorContext context([&] { return fmt::format("opening the files of {}", path_.string()); });
    number = files_.size();
    files_.emplace_back(path_.parent_path() / file);
  }

  // Both directions: what the index promises and the file lacks, and what the file has and the index does not
  // say.
  std::vector<std::string> missing, unlisted;
  for (auto& [tensor, file] : events.weight_map) {
    const std::size_t number = numbers.at(file);
    if (!files_[number].contains(tensor))
      missing.push_back(fmt::format("{} ({})", printable(tensor), printable(file)));
    file_of_.emplace(tensor, number);
    names_.push_back(std::move(tensor));
  }
  for (const auto& [file, number] : numbers) {
    for (const SafetensorsEntry& entry : files_[number].entries()) {
      const auto found = file_of_.find(entry.name);
      if (found == file_of_.end() || found->second != number) {
        unlisted.push_back(fmt::format("{} ({})", printable(entry.name), printable(file)));
      }
    }
  }
  if (missing.empty() && unlisted.empty()) return;
  std::string disagreement;
  if (!missing.empty()) disagreement += fmt::format("; the files lack {}", shortened(missing));
  if (!unlisted.empty())
    disagreement += fmt::format("; the index does not say that there is {}", shortened(unlisted));
  fail_with_suggestion(ErrorCode::corrupt_data,
                       "fetch the index and all files anew, from the same version of the model",
                       "{}: the index and its files disagree{}", path_.string(), disagreement);
}

Tensor SafetensorsIndex::tensor(std::string_view name) const {
  const auto found = file_of_.find(std::string(name));
  if (found == file_of_.end()) {
    fail_with_suggestion(ErrorCode::not_found, did_you_mean(name, names_), "{}: no tensor {} among {}",
                         path_.string(), printable(name), names_.size());
  }
  return files_[found->second].tensor(name);
}

StateDict SafetensorsIndex::state_dict() const {
  StateDict tensors;
  for (const std::string& name : names_) tensors.insert(name, tensor(name));
  return tensors;
}

}  // namespace rustorch
