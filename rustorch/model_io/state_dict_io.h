#pragma once

#include <filesystem>

#include "rustorch/error/result.h"
#include "rustorch/model_io/metadata.h"
#include "rustorch/nn/state_dict.h"

namespace rustorch {

/// Writes tensors by name, in the format of the file's extension: ".safetensors". The file appears whole or
/// not at all: an existing one stays as it was until the new one is complete on the disk.
void save_state_dict(const StateDict& state_dict, const std::filesystem::path& path,
                     const ModelMetadata& metadata = {});

/// Reads tensors by name: ".safetensors", or ".safetensors.index.json" for a model in several files. Their
/// bytes are read from the disk when they are used.
StateDict load_state_dict(const std::filesystem::path& path);
/// The same, for callers that expect failure.
Result<StateDict> try_load_state_dict(const std::filesystem::path& path);

}  // namespace rustorch
