#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace rustorch {

/// Writes a file that appears whole or not at all: into a temporary file in the same folder, which takes the
/// name at commit, after its bytes are on the disk. Without commit the temporary file goes and what was there
/// before stays. All failures (no permission, disk full, a limit on file sizes …) are an Error (io) that
/// names the path.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void commit();

 private:
  [[noreturn]] void fail_with(int error, const char* doing) const;

  std::filesystem::path path_;       // as the caller gave it, for messages
  std::filesystem::path target_;     // what a symbolic link leads to
  std::filesystem::path temporary_;  // empty once committed
  int descriptor_ = -1;
};

/// Writes a small file whole.
void write_file_atomically(const std::filesystem::path& path, std::string_view contents);

}  // namespace rustorch
