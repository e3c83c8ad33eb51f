#include "rustorch/model_io/safetensors/header.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "rustorch/model_io/common/json_events.h"
#include "rustorch/model_io/safetensors/dtype_names.h"

namespace rustorch::model_io {

namespace {

constexpr std::uint64_t length_bytes = 8;

/// Builds the entries from the header's JSON:
/// {"__metadata__": {key: text}, name: {"dtype": text, "shape": [integers], "data_offsets": [begin, end]},
/// …}. Offsets count from the end of the header, as they stand there.
class HeaderEvents final : public JsonEvents {
 public:
  explicit HeaderEvents(const std::filesystem::path& path) : JsonEvents(path, length_bytes) {}

  SafetensorsHeader header;

 private:
  enum class Place : std::uint8_t {
    outside,
    top,
    metadata_value,
    metadata,
    tensor_value,
    tensor,
    dtype,
    shape,
    offsets
  };
  using Kind = JsonScalar::Kind;

  void on_key(std::string key) override {
    if (place_ == Place::top) {
      key_ = std::move(key);
      place_ = key_ == safetensors_metadata_key ? Place::metadata_value : Place::tensor_value;
    } else if (place_ == Place::metadata) {
      metadata_key_ = std::move(key);
    } else if (key == "dtype") {
      place_ = Place::dtype;
    } else if (key == "shape") {
      place_ = Place::shape;
    } else if (key == "data_offsets") {
      place_ = Place::offsets;
    } else {
      skip_value();  // as the reference implementation does
    }
  }

  void on_begin(bool is_object) override {
    if (is_object && place_ == Place::outside) {
      place_ = Place::top;
    } else if (is_object && place_ == Place::metadata_value) {
      place_ = Place::metadata;
    } else if (is_object && place_ == Place::tensor_value) {
      place_ = Place::tensor;
      entry_ = {};
      entry_.name = key_;
      has_shape_ = false;
      offsets_.clear();
    } else if (!is_object && (place_ == Place::shape || place_ == Place::offsets) && !in_list_) {
      in_list_ = true;
      has_shape_ = has_shape_ || place_ == Place::shape;
    } else {
      reject_value(is_object ? "an object" : "an array");
    }
  }

  void on_end() override {
    switch (place_) {
      case Place::shape:
      case Place::offsets:
        if (place_ == Place::offsets && offsets_.size() != 2) {
          reject(fmt::format("tensor {}: data_offsets has {} numbers; there must be 2", printable(key_),
                             offsets_.size()));
        }
        in_list_ = false;
        place_ = Place::tensor;
        return;
      case Place::tensor:
        finish_entry();
        [[fallthrough]];
      case Place::metadata:
        place_ = Place::top;
        return;
      default:
        place_ = Place::outside;
        return;
    }
  }

  void on_scalar(JsonScalar scalar) override {
    if (place_ == Place::metadata_value && scalar.kind == Kind::null) {
      place_ = Place::top;
    } else if (place_ == Place::metadata && scalar.kind == Kind::string) {
      header.metadata.emplace(std::move(metadata_key_), std::move(scalar.text));
    } else if (place_ == Place::dtype && scalar.kind == Kind::string) {
      set_dtype(scalar.text);
      place_ = Place::tensor;
    } else if (in_list_ && scalar.kind == Kind::unsigned_integer) {
      add_number(scalar.integer);
    } else {
      reject_scalar(scalar);
    }
  }

  void set_dtype(const std::string& name) {
    const SafetensorsDType* dtype = find_safetensors_dtype(name);
    if (dtype == nullptr)
      reject(fmt::format("tensor {}: unknown dtype {}", printable(key_), printable(name)));
    entry_.dtype_name = name;
    entry_.dtype = dtype->dtype;
    bits_ = dtype->bits;
  }

  void add_number(std::uint64_t number) {
    if (place_ == Place::offsets) {
      offsets_.push_back(number);
    } else if (number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      entry_.shape.push_back(static_cast<std::int64_t>(number));
    } else {
      reject(fmt::format("tensor {}: a dim of {}", printable(key_), number));
    }
  }

  void finish_entry() {
    const char* missing = entry_.dtype_name.empty() ? "dtype"
                          : !has_shape_             ? "shape"
                          : offsets_.empty()        ? "data_offsets"
                                                    : nullptr;
    if (missing != nullptr) reject(fmt::format("tensor {} lacks {}", printable(key_), missing));
    entry_.begin = offsets_[0];
    entry_.end = offsets_[1];
    if (entry_.end < entry_.begin) {
      reject(fmt::format("tensor {}: data_offsets [{}, {}] end before they begin", printable(key_),
                         entry_.begin, entry_.end));
    }
    const std::uint64_t bytes = declared_bytes();
    if (bytes != entry_.bytes()) {
      reject(fmt::format("tensor {}: {} {} has {} bytes, data_offsets [{}, {}] say {}", printable(key_),
                         entry_.dtype_name, entry_.shape, bytes, entry_.begin, entry_.end, entry_.bytes()));
    }
    header.entries.push_back(std::move(entry_));
  }

  std::uint64_t declared_bytes() const {
    // Dims of 0 do not count at first: strides are products of the others.
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    std::uint64_t bits = bits_;
    bool is_empty = false;
    for (const std::int64_t dim : entry_.shape) {
      is_empty = is_empty || dim == 0;
      const auto factor = static_cast<std::uint64_t>(std::max<std::int64_t>(dim, 1));
      if (bits > most / factor) {
        reject(fmt::format("tensor {}: {} {} overflows 64 bits", printable(key_), entry_.dtype_name,
                           entry_.shape));
      }
      bits *= factor;
    }
    if (is_empty) return 0;
    if (bits % 8 != 0) {
      reject(fmt::format("tensor {}: {} {} does not end at a whole byte", printable(key_), entry_.dtype_name,
                         entry_.shape));
    }
    return bits / 8;
  }

  [[noreturn]] void reject_scalar(const JsonScalar& scalar) const {
    switch (scalar.kind) {
      case Kind::null:
        reject_value("null");
      case Kind::boolean:
        reject_value("a boolean");
      case Kind::unsigned_integer:
        reject_value(fmt::format("the number {}", scalar.integer));
      case Kind::other_number:
        reject_value(fmt::format("the number {}", scalar.text.substr(0, 40)));
      case Kind::string:
        reject_value(fmt::format("the text {}", printable(scalar.text)));
    }
    reject_value("a value");
  }

  [[noreturn]] void reject_value(std::string_view found) const {
    switch (place_) {
      case Place::outside:
        reject(fmt::format("the header is {}, not an object", found));
      case Place::metadata_value:
        reject(fmt::format("__metadata__ is {}, not an object", found));
      case Place::metadata:
        reject(fmt::format("the metadata {} is {}, not a text", printable(metadata_key_), found));
      case Place::dtype:
        reject(fmt::format("tensor {}: the dtype is {}, not a text", printable(key_), found));
      case Place::shape:
        reject(fmt::format("tensor {}: {} in shape, which is a list of integers from 0 on", printable(key_),
                           found));
      case Place::offsets:
        reject(fmt::format("tensor {}: {} in data_offsets, which is a list of 2 integers from 0 on",
                           printable(key_), found));
      default:
        reject(fmt::format("tensor {} is {}, not an object", printable(key_), found));
    }
  }

  Place place_ = Place::outside;
  std::string key_;
  std::string metadata_key_;
  SafetensorsEntry entry_;
  std::uint32_t bits_ = 0;
  bool has_shape_ = false;
  bool in_list_ = false;
  std::vector<std::uint64_t> offsets_;
};

std::uint64_t header_length(std::span<const std::byte> file, const std::string& name) {
  RUSTORCH_CHECK(file.size() >= length_bytes, corrupt_data,
                 "{}: byte {}: truncated: a safetensors file begins with the length of its header in 8 bytes",
                 name, file.size());
  std::uint64_t length = 0;
  for (std::size_t i = length_bytes; i-- > 0;) length = length << 8 | std::to_integer<std::uint64_t>(file[i]);
  RUSTORCH_CHECK(length <= most_safetensors_header_bytes, corrupt_data,
                 "{}: byte 0: a header of {} bytes; safetensors allows {} (is it a safetensors file?)", name,
                 length, most_safetensors_header_bytes);
  RUSTORCH_CHECK(length <= file.size() - length_bytes, corrupt_data,
                 "{}: byte {}: truncated: the header has {} bytes, the file ends after {} of them", name,
                 file.size(), length, file.size() - length_bytes);
  return length;
}

}  // namespace

SafetensorsHeader read_safetensors_header(const std::filesystem::path& path,
                                          std::span<const std::byte> file) {
  const std::string name = path.string();
  const std::uint64_t length = header_length(file, name);
  const auto text = file.subspan(length_bytes, static_cast<std::size_t>(length));
  HeaderEvents events(path);
  parse_json({reinterpret_cast<const char*>(text.data()), text.size()}, events);

  SafetensorsHeader header = std::move(events.header);
  std::stable_sort(header.entries.begin(), header.entries.end(), [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  // The tensors fill what follows the header: no holes, no overlaps, nothing left over.
  const std::uint64_t data = length_bytes + length;
  const std::uint64_t available = file.size() - data;
  std::uint64_t reached = 0;
  for (SafetensorsEntry& entry : header.entries) {
    RUSTORCH_CHECK(entry.begin == reached, corrupt_data,
                   "{}: byte {}: tensor {} begins at {} of the data, the one before it ends at {}: {}", name,
                   data + reached, printable(entry.name), entry.begin, reached,
                   entry.begin > reached ? "a hole" : "they overlap");
    RUSTORCH_CHECK(entry.end <= available, corrupt_data,
                   "{}: byte {}: truncated: tensor {} ends at {} of the data, the file has {}", name,
                   file.size(), printable(entry.name), entry.end, available);
    reached = entry.end;
    entry.begin += data;
    entry.end += data;
  }
  RUSTORCH_CHECK(reached == available, corrupt_data, "{}: byte {}: {} bytes after the last tensor", name,
                 data + reached, available - reached);
  return header;
}

}  // namespace rustorch::model_io
