#include "rustorch/model_io/safetensors/safetensors_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "rustorch/error/suggestion.h"
#include "rustorch/model_io/common/file_mapping.h"
#include "rustorch/model_io/common/json_events.h"
#include "rustorch/model_io/safetensors/header.h"
#include "rustorch/tensor/operations/creation.h"

namespace rustorch {

namespace {

bool is_aligned(const std::byte* data, DType dtype) {
  const std::size_t alignment = visit_dtype(dtype, []<class T>(TypeTag<T>) { return alignof(T); });
  return reinterpret_cast<std::uintptr_t>(data) % alignment == 0;
}

/// A bool in C++ is 0 or 1 and nothing else; files may hold any byte.
bool is_valid(std::span<const std::byte> bytes, DType dtype) {
  return dtype != bool_ ||
         std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b <= std::byte{1}; });
}

}  // namespace

SafetensorsFile::SafetensorsFile(std::filesystem::path path)
    : path_(std::move(path)), mapping_(std::make_shared<model_io::FileMapping>(path_)) {
  model_io::SafetensorsHeader header = model_io::read_safetensors_header(path_, mapping_->bytes());
  entries_ = std::move(header.entries);
  metadata_ = std::move(header.metadata);
  positions_.reserve(entries_.size());
  for (std::size_t i = 0; i < entries_.size(); ++i) positions_.emplace(entries_[i].name, i);
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const SafetensorsEntry& entry : entries_) names.push_back(entry.name);
  return names;
}

const SafetensorsEntry& SafetensorsFile::entry(std::string_view name) const {
  const auto position = positions_.find(name);
  if (position == positions_.end()) {
    fail_with_suggestion(ErrorCode::not_found, did_you_mean(name, names()), "{}: no tensor {} among {}",
                         path_.string(), model_io::printable(name), entries_.size());
  }
  return entries_[position->second];
}

Tensor SafetensorsFile::tensor(std::string_view name) const { return tensor(entry(name)); }

Tensor SafetensorsFile::tensor(const SafetensorsEntry& entry) const {
  RUSTORCH_CHECK(entry.dtype, unsupported, "{}: tensor {} is {}, a dtype that RusTorch does not have",
                 path_.string(), model_io::printable(entry.name), entry.dtype_name);
  const DType dtype = *entry.dtype;
  const std::span<std::byte> bytes(mapping_->data() + entry.begin, static_cast<std::size_t>(entry.bytes()));
  const bool is_usable = is_valid(bytes, dtype);
  if (is_usable && is_aligned(bytes.data(), dtype)) {
    return from_blob(bytes.data(), entry.shape, dtype, [mapping = mapping_] {});
  }
  Tensor copy = empty(entry.shape, {.dtype = dtype, .device = Device()});
  auto* destination = static_cast<std::byte*>(copy.view_for_write().data);
  if (!bytes.empty()) std::memcpy(destination, bytes.data(), bytes.size());
  if (!is_usable) {
    for (std::size_t i = 0; i < bytes.size(); ++i) destination[i] = std::min(destination[i], std::byte{1});
  }
  return copy;
}

StateDict SafetensorsFile::state_dict() const {
  StateDict tensors;
  for (const SafetensorsEntry& entry : entries_) tensors.insert(entry.name, tensor(entry));
  return tensors;
}

StateDict load_safetensors(const std::filesystem::path& path) {
  if (path.extension() == ".json") return SafetensorsIndex(path).state_dict();
  return SafetensorsFile(path).state_dict();
}

}  // namespace rustorch
