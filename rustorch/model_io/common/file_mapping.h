#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace rustorch::model_io {

/// A regular file, mapped into memory. Its bytes are read when they are touched. Writes to the memory are
/// private: they never reach the file. A file that is replaced by a rename meanwhile stays as it was; one
/// that is truncated in place is lost (the system then raises SIGBUS), which is why this library never does
/// that.
class FileMapping {
 public:
  /// An Error (not_found with the nearest name, or io) where it cannot be opened.
  explicit FileMapping(const std::filesystem::path& path);
  ~FileMapping();
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace rustorch::model_io
