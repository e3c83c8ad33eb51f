#include "rustorch/data/maybe_gzip_file.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <system_error>
#include <vector>

#include "rustorch/error/error.h"

namespace rustorch::data {

namespace {

constexpr std::size_t chunk_bytes = 64 * 1024;
// Deflate cannot do better than 258 bytes for 2 bits.
constexpr std::uint64_t best_ratio = 1032;

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

}  // namespace

struct MaybeGzipFile::State {
  std::filesystem::path path;
  std::unique_ptr<std::FILE, CloseFile> file;
  std::uint64_t file_bytes = 0;
  std::uint64_t read_bytes = 0;  // of the file
  bool is_gzip = false;
  z_stream stream{};
  bool stream_is_open = false;
  bool member_is_open = false;  // inside of gzipped data whose checksum is still to come
  std::vector<std::byte> input;
};

MaybeGzipFile::MaybeGzipFile(const std::filesystem::path& path) : state_(std::make_unique<State>()) {
  state_->path = path;
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  RUSTORCH_CHECK(std::filesystem::exists(status), not_found, "{}: no such file", path.string());
  RUSTORCH_CHECK(std::filesystem::is_regular_file(status), io, "{}: not a regular file", path.string());
  state_->file.reset(std::fopen(path.c_str(), "rb"));
  RUSTORCH_CHECK(state_->file != nullptr, io, "{}: cannot open: {}", path.string(), std::strerror(errno));
  state_->file_bytes = std::filesystem::file_size(path, error);
  RUSTORCH_CHECK(!error, io, "{}: cannot find its size: {}", path.string(), error.message());

  std::byte magic[2]{};
  const std::size_t count = read_raw(magic);
  state_->is_gzip = count == 2 && magic[0] == std::byte{0x1f} && magic[1] == std::byte{0x8b};
  std::rewind(state_->file.get());
  state_->read_bytes = 0;
  if (!state_->is_gzip) return;
  state_->input.resize(chunk_bytes);
  constexpr int gzip_only = 15 + 16;
  RUSTORCH_CHECK(inflateInit2(&state_->stream, gzip_only) == Z_OK, out_of_memory, "{}: zlib cannot start",
                 path.string());
  state_->stream_is_open = true;
}

MaybeGzipFile::~MaybeGzipFile() {
  if (state_->stream_is_open) inflateEnd(&state_->stream);
}

bool MaybeGzipFile::is_gzip() const noexcept { return state_->is_gzip; }

std::uint64_t MaybeGzipFile::most_bytes() const noexcept {
  if (!state_->is_gzip) return state_->file_bytes;
  constexpr std::uint64_t limit = std::numeric_limits<std::uint64_t>::max() / best_ratio;
  return std::min(state_->file_bytes, limit) * best_ratio;
}

std::size_t MaybeGzipFile::read_raw(std::span<std::byte> out) {
  const std::size_t count = std::fread(out.data(), 1, out.size(), state_->file.get());
  RUSTORCH_CHECK(count == out.size() || std::ferror(state_->file.get()) == 0, io,
                 "{}: byte {}: cannot read: {}", state_->path.string(), state_->read_bytes + count,
                 std::strerror(errno));
  state_->read_bytes += count;
  return count;
}

std::size_t MaybeGzipFile::read(std::span<std::byte> out) {
  std::size_t total = 0;
  while (total < out.size()) {
    const std::span<std::byte> rest = out.subspan(total);
    const std::size_t count = state_->is_gzip ? inflate_some(rest) : read_raw(rest);
    if (count == 0) break;
    total += count;
    offset_ += count;
  }
  return total;
}

void MaybeGzipFile::refill() {
  z_stream& stream = state_->stream;
  if (stream.avail_in != 0) return;
  stream.avail_in = static_cast<uInt>(read_raw(state_->input));
  stream.next_in = reinterpret_cast<Bytef*>(state_->input.data());
}

/// At least one byte, or none at the end of the last gzip member. A file may hold several, one after the
/// other.
std::size_t MaybeGzipFile::inflate_some(std::span<std::byte> out) {
  z_stream& stream = state_->stream;
  const std::size_t wanted = std::min<std::size_t>(out.size(), std::numeric_limits<uInt>::max());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(wanted);
  while (stream.avail_out == wanted) {
    refill();
    const std::uint64_t position = state_->read_bytes - stream.avail_in;
    if (stream.avail_in == 0) {
      RUSTORCH_CHECK(!state_->member_is_open, corrupt_data, "{}: byte {}: the gzip data are truncated",
                     state_->path.string(), position);
      return 0;
    }
    state_->member_is_open = true;
    const int result = inflate(&stream, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      state_->member_is_open = false;
      inflateReset(&stream);
      continue;
    }
    RUSTORCH_CHECK(result != Z_MEM_ERROR, out_of_memory, "{}: zlib is out of memory", state_->path.string());
    RUSTORCH_CHECK(result == Z_OK || result == Z_BUF_ERROR, corrupt_data,
                   "{}: byte {}: damaged gzip data: {}", state_->path.string(),
                   state_->read_bytes - stream.avail_in,
                   stream.msg != nullptr ? stream.msg : "unexpected contents");
  }
  return wanted - stream.avail_out;
}

}  // namespace rustorch::data
