#include "rustorch/core/atomic_file.h"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): pthread_sigmask is POSIX's
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "rustorch/error/error.h"

namespace rustorch {

namespace {

namespace fs = std::filesystem;

/// Beyond the limit on file sizes the system kills the process, unless SIGXFSZ is blocked or ignored: then
/// write fails. Blocks it for this thread, and forgets one that came meanwhile.
class NoSizeSignal {
 public:
  NoSizeSignal() noexcept {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    sigset_t pending;
    was_pending_ = sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) == 1;
  }
  ~NoSizeSignal() {
    sigset_t pending;
    const bool came = !was_pending_ && sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) == 1;
    int signal = 0;
    if (came) sigwait(&signals_, &signal);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSizeSignal(const NoSizeSignal&) = delete;
  NoSizeSignal& operator=(const NoSizeSignal&) = delete;

 private:
  sigset_t signals_;
  sigset_t before_;
  bool was_pending_;
};

/// Makes a rename in `folder` survive a power failure. Some file systems cannot; the file is whole either
/// way.
void flush_folder(const fs::path& folder) noexcept {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

const char* suggestion_for(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "create the folder first";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder that you may write to";
    case ENOSPC:
    case EDQUOT:
      return "free space on the disk or choose another";
    case EFBIG:
      return "raise the limit on file sizes (ulimit -f)";
    default:
      return "";
  }
}

}  // namespace

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), target_(path_) {
  std::error_code error;
  if (fs::is_symlink(path_, error)) {
    const fs::path resolved = fs::weakly_canonical(path_, error);
    if (!error) target_ = resolved;
  }
  const auto status = fs::status(target_, error);
  RUSTORCH_CHECK(!fs::exists(status) || fs::is_regular_file(status), io,
                 "{}: cannot write: it is a folder or a device", path_.string());

  // Its own name for each writer: processes and threads may write the same file, the last rename wins.
  static std::atomic<unsigned> counter{0};
  for (;;) {
    temporary_ = folder_of(target_) / fmt::format(".{}.{}.{}.tmp", target_.filename().string(), ::getpid(),
                                                  counter.fetch_add(1, std::memory_order_relaxed));
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ >= 0) return;
    if (errno == EEXIST || errno == EINTR) continue;  // left over from a killed process of this number
    const int reason = errno;
    temporary_.clear();
    fail_with(reason, "cannot write");
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  RUSTORCH_CHECK(descriptor_ >= 0, invalid_argument, "{}: written to after commit", path_.string());
  // Some systems refuse more than 2 GiB a call.
  constexpr std::size_t most_at_once = std::size_t{1} << 30;
  while (!bytes.empty()) {
    ssize_t count = 0;
    int error = 0;
    {
      const NoSizeSignal no_signal;
      count = ::write(descriptor_, bytes.data(), std::min(bytes.size(), most_at_once));
      error = errno;
    }
    if (count < 0 && error == EINTR) continue;
    if (count < 0) fail_with(error, "cannot write");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::commit() {
  RUSTORCH_CHECK(descriptor_ >= 0, invalid_argument, "{}: committed twice", path_.string());
  // Without it a crash could leave the new name on an empty file. EINVAL: a file system that has nothing to
  // flush.
  if (::fsync(descriptor_) != 0 && errno != EINVAL) fail_with(errno, "cannot bring to the disk");
  const int closed = ::close(std::exchange(descriptor_, -1));
  if (closed != 0 && errno != EINTR) fail_with(errno, "cannot write");
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail_with(errno, "cannot replace");
  temporary_.clear();
  flush_folder(folder_of(target_));
}

void AtomicFile::fail_with(int error, const char* doing) const {
  fail_with_suggestion(ErrorCode::io, suggestion_for(error), "{}: {}: {}", path_.string(), doing,
                       std::strerror(error));
}

void write_file_atomically(const fs::path& path, std::string_view contents) {
  AtomicFile file(path);
  file.write(contents);
  file.commit();
}

}  // namespace rustorch
