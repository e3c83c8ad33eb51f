#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rustorch/core/dtype.h"
#include "rustorch/core/shape.h"
#include "rustorch/model_io/metadata.h"
#include "rustorch/nn/state_dict.h"

namespace rustorch {

namespace model_io {
class FileMapping;
}

/// A tensor in a safetensors file.
struct SafetensorsEntry {
  std::string name;
  std::string dtype_name;      ///< as the format calls it: "F32", "BF16", "F8_E4M3" …
  std::optional<DType> dtype;  ///< empty where RusTorch has no such dtype
  Shape shape;
  std::uint64_t begin = 0;  ///< of its bytes, counted from the start of the file
  std::uint64_t end = 0;
  std::uint64_t bytes() const noexcept { return end - begin; }
};

/// A safetensors file, opened: its header is read and checked whole, its tensors are mapped into memory and
/// read from the disk when they are used. Whatever breaks the format's rules is an Error (corrupt_data) that
/// names the file, the byte offset and the rule.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(std::filesystem::path path);
  SafetensorsFile(SafetensorsFile&&) noexcept = default;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept = default;
  // A copy's positions would refer to the original's names.
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  /// In the order of their bytes.
  const std::vector<SafetensorsEntry>& entries() const noexcept { return entries_; }
  const ModelMetadata& metadata() const noexcept { return metadata_; }
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const { return positions_.contains(name); }
  /// An Error (not_found) that suggests the nearest name where there is none.
  const SafetensorsEntry& entry(std::string_view name) const;

  /// The tensor in the mapped file, without a copy where its bytes are aligned. It keeps the mapping alive
  /// beyond this object; changes to it never reach the file. An Error (unsupported) for dtypes that RusTorch
  /// lacks.
  Tensor tensor(std::string_view name) const;
  /// All tensors, in the order of entries().
  StateDict state_dict() const;

 private:
  Tensor tensor(const SafetensorsEntry& entry) const;

  std::filesystem::path path_;
  std::shared_ptr<model_io::FileMapping> mapping_;
  std::vector<SafetensorsEntry> entries_;
  std::unordered_map<std::string_view, std::size_t> positions_;  // names in entries_
  ModelMetadata metadata_;
};

/// A model in several safetensors files with an index (`model.safetensors.index.json`: {metadata,
/// weight_map}). All files are opened at once; where the index and they disagree, in either direction, it is
/// an Error that says so.
class SafetensorsIndex {
 public:
  explicit SafetensorsIndex(std::filesystem::path path);

  const std::filesystem::path& path() const noexcept { return path_; }
  /// The files, in the order of their names.
  const std::vector<SafetensorsFile>& files() const noexcept { return files_; }
  bool contains(std::string_view name) const { return file_of_.contains(std::string(name)); }
  Tensor tensor(std::string_view name) const;
  /// All tensors, in the order of the index.
  StateDict state_dict() const;

 private:
  std::filesystem::path path_;
  std::vector<SafetensorsFile> files_;
  std::vector<std::string> names_;  // in the order of the index
  std::unordered_map<std::string, std::size_t> file_of_;
};

/// Writes a safetensors file, whole or not at all. Tensors come from any device and layout; aliases are
/// written once per name. complex128 has no place in the format: an Error (unsupported).
void save_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                      const ModelMetadata& metadata = {});

/// All tensors of a safetensors file, or of the files of an index (a name that ends in ".json").
StateDict load_safetensors(const std::filesystem::path& path);

}  // namespace rustorch
