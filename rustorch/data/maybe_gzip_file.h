#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace rustorch::data {

/// Reads a regular file from its start to its end, and what is inside if it is gzipped. Damage is an Error
/// (corrupt_data) that names the file and the byte.
class MaybeGzipFile {
 public:
  /// An Error (not_found or io) where the file cannot be opened.
  explicit MaybeGzipFile(const std::filesystem::path& path);
  ~MaybeGzipFile();
  MaybeGzipFile(const MaybeGzipFile&) = delete;
  MaybeGzipFile& operator=(const MaybeGzipFile&) = delete;

  bool is_gzip() const noexcept;
  /// More bytes than this cannot come out: a bound for what the contents declare of themselves.
  std::uint64_t most_bytes() const noexcept;
  /// Bytes handed out so far (of the contents, not of the compressed file).
  std::uint64_t offset() const noexcept { return offset_; }
  /// Fills `out`, or as much of it as is left; returns how much. At the end of gzipped data their checksum
  /// has been verified.
  std::size_t read(std::span<std::byte> out);

 private:
  struct State;
  std::size_t read_raw(std::span<std::byte> out);
  std::size_t inflate_some(std::span<std::byte> out);
  void refill();

  std::unique_ptr<State> state_;
  std::uint64_t offset_ = 0;
};

}  // namespace rustorch::data
