#include "rustorch/model_io/state_dict_io.h"

#include <algorithm>
#include <string>

#include "rustorch/model_io/safetensors/safetensors_file.h"

namespace rustorch {

namespace {

enum class Format : std::uint8_t { safetensors, safetensors_index };

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

Format format_of(const std::filesystem::path& path) {
  const std::string name = lower_case(path.filename().string());
  if (name.ends_with(".safetensors")) return Format::safetensors;
  if (name.ends_with(".safetensors.index.json")) return Format::safetensors_index;
  for (const char* extension : {".pt", ".pth", ".bin", ".ckpt"}) {
    if (!name.ends_with(extension)) continue;
    fail_with_suggestion(ErrorCode::unsupported,
                         "use safetensors; in Python: safetensors.torch.save_file(model.state_dict(), "
                         "\"model.safetensors\")",
                         "{}: PyTorch's zip files cannot be read or written yet", path.string());
  }
  fail_with_suggestion(
      ErrorCode::unsupported, "use a name that ends in .safetensors",
      "{}: the format of a state dict is told by the extension, and {} is none that is known", path.string(),
      path.has_extension() ? fmt::format("`{}`", path.extension().string()) : "no extension");
}

}  // namespace

void save_state_dict(const StateDict& state_dict, const std::filesystem::path& path,
                     const ModelMetadata& metadata) {
  RUSTORCH_CHECK(format_of(path) == Format::safetensors, unsupported,
                 "{}: models in several files can be read, but not written", path.string());
  save_safetensors(path, state_dict, metadata);
}

StateDict load_state_dict(const std::filesystem::path& path) {
  switch (format_of(path)) {
    case Format::safetensors:
      return SafetensorsFile(path).state_dict();
    case Format::safetensors_index:
      break;
  }
  return SafetensorsIndex(path).state_dict();
}

Result<StateDict> try_load_state_dict(const std::filesystem::path& path) {
  return capture_error([&] { return load_state_dict(path); });
}

}  // namespace rustorch
