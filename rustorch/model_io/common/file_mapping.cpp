#include "rustorch/model_io/common/file_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include "rustorch/error/error.h"
#include "rustorch/error/suggestion.h"

namespace rustorch::model_io {

namespace {

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/// Closes a descriptor at the end of a scope: a mapping does not need it any more.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

/// The file beside `path` whose name is most like it.
std::string suggest_neighbour(const std::filesystem::path& path) {
  constexpr std::size_t most_names = 1000;
  std::vector<std::string> names;
  std::error_code error;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  for (std::filesystem::directory_iterator entry(folder, error), end;
       !error && entry != end && names.size() < most_names; entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  return did_you_mean(path.filename().string(), names);
}

}  // namespace

FileMapping::FileMapping(const std::filesystem::path& path) {
  const std::string name = path.string();
  const Descriptor file{
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};  // never waits for a pipe's writer
  if (file.value < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) {
      fail_with_suggestion(ErrorCode::not_found, suggest_neighbour(path), "{}: no such file", name);
    }
    fail(ErrorCode::io, "{}: cannot open: {}", name, std::strerror(error));
  }
  struct stat status {};
  RUSTORCH_CHECK(::fstat(file.value, &status) == 0, io, "{}: cannot find its size: {}", name,
                 std::strerror(errno));
  RUSTORCH_CHECK(S_ISREG(status.st_mode), io, "{}: not a regular file", name);
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;  // nothing to map
  // Private and writable, so that tensors can be changed in place; unreserved, so that files larger than the
  // memory can be mapped.
  void* data = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.value, 0);
  RUSTORCH_CHECK(data != MAP_FAILED, io, "{}: cannot map {} bytes: {}", name, size_, std::strerror(errno));
  data_ = static_cast<std::byte*>(data);
}

FileMapping::~FileMapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace rustorch::model_io
