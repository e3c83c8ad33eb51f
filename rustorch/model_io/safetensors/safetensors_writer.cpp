#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "rustorch/core/atomic_file.h"
#include "rustorch/model_io/common/json_events.h"
#include "rustorch/model_io/safetensors/dtype_names.h"
#include "rustorch/model_io/safetensors/header.h"
#include "rustorch/model_io/safetensors/safetensors_file.h"

namespace rustorch {

namespace {

struct Record {
  const std::string* name;
  const Tensor* tensor;
  const model_io::SafetensorsDType* dtype;
  std::uint64_t bytes() const { return static_cast<std::uint64_t>(tensor->numel()) * tensor->element_size(); }
};

/// In the order of the file: wide dtypes first, so that every tensor is aligned, then by name.
std::vector<Record> ordered_records(const std::string& path, const StateDict& tensors) {
  std::vector<Record> records;
  for (const auto& [name, tensor] : tensors) {
    RUSTORCH_CHECK(tensor.defined(), invalid_argument, "{}: tensor {} is undefined", path,
                   model_io::printable(name));
    RUSTORCH_CHECK(name != model_io::safetensors_metadata_key, invalid_argument,
                   "{}: a tensor may not be called `__metadata__` in safetensors", path);
    const model_io::SafetensorsDType* dtype = model_io::find_safetensors_dtype(tensor.dtype());
    if (dtype == nullptr) {
      fail_with_suggestion(ErrorCode::unsupported, "convert it with x.to(complex64)",
                           "{}: tensor {} is {}, which safetensors does not have", path,
                           model_io::printable(name), tensor.dtype());
    }
    records.push_back({&name, &tensor, dtype});
  }
  // The dtypes stand in one array: the address is the format's order.
  std::sort(records.begin(), records.end(), [](const Record& a, const Record& b) {
    return a.dtype != b.dtype ? a.dtype > b.dtype : *a.name < *b.name;
  });
  return records;
}

/// The 8 bytes of the length, and the JSON padded so that the tensors begin at a multiple of 8.
std::string header_text(const std::string& path, const std::vector<Record>& records,
                        const ModelMetadata& metadata) {
  std::string json = "{";
  const auto separate = [&] {
    if (json.size() > 1) json += ',';
  };
  if (!metadata.empty()) {
    json += R"("__metadata__":{)";
    for (const auto& [key, value] : metadata) {
      if (json.back() != '{') json += ',';
      json += model_io::json_quoted(key) + ':' + model_io::json_quoted(value);
    }
    json += '}';
  }
  std::uint64_t offset = 0;
  for (const Record& record : records) {
    separate();
    const std::uint64_t end = offset + record.bytes();
    fmt::format_to(std::back_inserter(json), R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                   model_io::json_quoted(*record.name), record.dtype->name,
                   fmt::join(record.tensor->shape(), ","), offset, end);
    offset = end;
  }
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  RUSTORCH_CHECK(json.size() <= model_io::most_safetensors_header_bytes, unsupported,
                 "{}: names and metadata make a header of {} bytes; safetensors allows {}", path, json.size(),
                 model_io::most_safetensors_header_bytes);
  std::string text;
  for (int shift = 0; shift < 64; shift += 8) text += static_cast<char>(json.size() >> shift & 0xff);
  return text + json;
}

}  // namespace

void save_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                      const ModelMetadata& metadata) {
  const std::string name = path.string();
  const std::vector<Record> records = ordered_records(name, tensors);
  const std::string header = header_text(name, records, metadata);
  AtomicFile file(path);
  file.write(header);
  for (const Record& record : records) {
    const ErrorContext context(
        [&] { return fmt::format("writing tensor {}", model_io::printable(*record.name)); });
    const Tensor dense = record.tensor->detach().cpu().contiguous();
    const auto* data = static_cast<const std::byte*>(dense.view_for_read().data);
    const std::size_t begin = static_cast<std::size_t>(dense.storage_offset()) * dense.element_size();
    if (record.bytes() != 0) file.write(std::span(data + begin, static_cast<std::size_t>(record.bytes())));
  }
  file.commit();
}

}  // namespace rustorch
