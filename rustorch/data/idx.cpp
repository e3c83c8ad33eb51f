#include "rustorch/data/idx.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rustorch/data/maybe_gzip_file.h"
#include "rustorch/data/rows.h"

namespace rustorch::data {

namespace {

constexpr std::size_t most_dims = 8;

struct IdxType {
  std::uint8_t code;
  DType dtype;
};

constexpr std::array idx_types{IdxType{0x08, uint8}, IdxType{0x09, int8},    IdxType{0x0b, int16},
                               IdxType{0x0c, int32}, IdxType{0x0d, float32}, IdxType{0x0e, float64}};

std::optional<DType> dtype_of_code(std::uint8_t code) {
  for (const IdxType& type : idx_types) {
    if (type.code == code) return type.dtype;
  }
  return std::nullopt;
}

std::optional<std::uint8_t> code_of_dtype(DType dtype) {
  for (const IdxType& type : idx_types) {
    if (type.dtype == dtype) return type.code;
  }
  return std::nullopt;
}

/// IDX is big-endian.
void swap_bytes(std::byte* data, std::size_t count, std::size_t item) {
  if constexpr (std::endian::native == std::endian::little) {
    if (item == 1) return;
    for (std::size_t i = 0; i < count; ++i) std::reverse(data + i * item, data + (i + 1) * item);
  }
}

std::string first_bytes(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes)
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", static_cast<int>(byte));
  return text.empty() ? "it is empty" : "it begins with " + text;
}

struct IdxHeader {
  DType dtype;
  Shape shape;
};

IdxHeader read_header(MaybeGzipFile& file, const std::string& name) {
  std::array<std::byte, 4> magic{};
  const std::size_t count = file.read(magic);
  const bool is_idx = count == magic.size() && magic[0] == std::byte{0} && magic[1] == std::byte{0};
  if (!is_idx) {
    fail_with_suggestion(ErrorCode::corrupt_data,
                         "IDX files begin with 00 00, a dtype code and the number of dims",
                         "{}: byte 0: not an IDX file, {}", name, first_bytes(std::span(magic).first(count)));
  }
  const auto code = std::to_integer<std::uint8_t>(magic[2]);
  const std::optional<DType> dtype = dtype_of_code(code);
  RUSTORCH_CHECK(dtype, corrupt_data, "{}: byte 2: 0x{:02x} is no IDX dtype (08, 09, 0b, 0c, 0d, 0e are)",
                 name, code);
  const auto rank = std::to_integer<std::size_t>(magic[3]);
  RUSTORCH_CHECK(rank >= 1 && rank <= most_dims, corrupt_data, "{}: byte 3: {} dims; 1 to {} are allowed",
                 name, rank, most_dims);

  IdxHeader header{*dtype, {}};
  for (std::size_t dim = 0; dim < rank; ++dim) {
    std::array<std::byte, 4> size{};
    RUSTORCH_CHECK(file.read(size) == size.size(), corrupt_data,
                   "{}: byte {}: truncated within the header of {} dims", name, file.offset(), rank);
    std::int64_t value = 0;
    for (const std::byte byte : size) value = value << 8 | std::to_integer<std::int64_t>(byte);
    header.shape.push_back(value);
  }
  return header;
}

/// The bytes that the header declares, held against those that the file can have.
std::size_t declared_bytes(const IdxHeader& header, const MaybeGzipFile& file, const std::string& name) {
  const std::uint64_t most = file.most_bytes() - std::min(file.most_bytes(), file.offset());
  std::uint64_t bytes = item_size(header.dtype);
  const bool is_empty = std::find(header.shape.begin(), header.shape.end(), 0) != header.shape.end();
  if (is_empty) bytes = 0;
  for (const std::int64_t size : header.shape) {
    if (bytes == 0) break;
    const auto factor = static_cast<std::uint64_t>(size);
    RUSTORCH_CHECK(bytes <= most / factor, corrupt_data,
                   "{}: byte {}: truncated: the header declares {} {}, which does not fit in {} bytes{}",
                   name, file.offset(), header.dtype, header.shape, most,
                   file.is_gzip() ? " (at the best gzip ratio)" : "");
    bytes *= factor;
  }
  return static_cast<std::size_t>(bytes);
}

}  // namespace

Tensor read_idx(const std::filesystem::path& path) {
  const std::string name = path.string();
  MaybeGzipFile file(path);
  const IdxHeader header = read_header(file, name);
  const std::size_t bytes = declared_bytes(header, file, name);

  Tensor out = allocate_host(header.shape, header.dtype);
  const std::size_t count = bytes == 0 ? 0 : file.read({bytes_of(out), bytes});
  RUSTORCH_CHECK(count == bytes, corrupt_data, "{}: byte {}: truncated: {} {} needs {} bytes more", name,
                 file.offset(), header.dtype, header.shape, bytes - count);
  // Reading on to the end also verifies gzip's checksum.
  const std::uint64_t end = file.offset();
  std::byte more{};
  RUSTORCH_CHECK(file.read({&more, 1}) == 0, corrupt_data, "{}: byte {}: trailing bytes after {} {}", name,
                 end, header.dtype, header.shape);
  if (bytes != 0) swap_bytes(bytes_of(out), bytes / item_size(header.dtype), item_size(header.dtype));
  return out;
}

bool is_idx_file(const std::filesystem::path& path) {
  try {
    MaybeGzipFile file(path);
    std::array<std::byte, 4> magic{};
    return file.read(magic) == magic.size() && magic[0] == std::byte{0} && magic[1] == std::byte{0} &&
           dtype_of_code(std::to_integer<std::uint8_t>(magic[2])).has_value();
  } catch (const Error&) {
    return false;
  }
}

void write_idx(const std::filesystem::path& path, const Tensor& x) {
  const std::optional<std::uint8_t> code = code_of_dtype(x.dtype());
  RUSTORCH_CHECK(code, dtype_mismatch,
                 "write_idx: IDX has no dtype {}; it has uint8, int8, int16, int32, float32, float64",
                 x.dtype());
  RUSTORCH_CHECK(x.rank() >= 1 && x.rank() <= most_dims, shape_mismatch,
                 "write_idx: a tensor of {} dims; IDX takes 1 to {}", x.rank(), most_dims);
  std::vector<std::byte> contents{std::byte{0}, std::byte{0}, std::byte{*code},
                                  static_cast<std::byte>(x.rank())};
  for (const std::int64_t size : x.shape()) {
    RUSTORCH_CHECK(size <= 0xffffffff, shape_mismatch, "write_idx: shape {} does not fit in IDX's 32 bits",
                   x.shape());
    for (int shift = 24; shift >= 0; shift -= 8)
      contents.push_back(static_cast<std::byte>(size >> shift & 0xff));
  }
  const Tensor dense = x.detach().cpu().contiguous();
  const std::size_t header = contents.size();
  const std::size_t bytes = static_cast<std::size_t>(dense.numel()) * dense.element_size();
  contents.resize(header + bytes);
  if (bytes != 0) std::memcpy(contents.data() + header, bytes_of(dense), bytes);
  swap_bytes(contents.data() + header, bytes / dense.element_size(), dense.element_size());

  // zlib's "T" writes the bytes as they are.
  const bool compress = path.extension() == ".gz";
  errno = 0;
  gzFile file = gzopen(path.c_str(), compress ? "wb" : "wbT");
  RUSTORCH_CHECK(file != nullptr, io, "{}: cannot write: {}", path.string(),
                 errno != 0 ? std::strerror(errno) : "zlib is out of memory");
  const std::size_t written = gzfwrite(contents.data(), 1, contents.size(), file);
  const int error = errno;
  const bool closed = gzclose(file) == Z_OK;
  RUSTORCH_CHECK(written == contents.size() && closed, io, "{}: cannot write: {}", path.string(),
                 std::strerror(error != 0 ? error : errno));
}

}  // namespace rustorch::data
