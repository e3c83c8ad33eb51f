#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "rustorch/model_io/safetensors/safetensors_file.h"

namespace rustorch::model_io {

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< in the order of their bytes
  ModelMetadata metadata;
};

/// Reads and checks the header of a safetensors file from the bytes of the whole file; touches no tensor.
SafetensorsHeader read_safetensors_header(const std::filesystem::path& path, std::span<const std::byte> file);

/// The most bytes that a header may have.
inline constexpr std::uint64_t most_safetensors_header_bytes = 100'000'000;
/// The key that is no tensor.
inline constexpr std::string_view safetensors_metadata_key = "__metadata__";

}  // namespace rustorch::model_io
