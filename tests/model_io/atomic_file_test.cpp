#include "rustorch/core/atomic_file.h"

#include <gtest/gtest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX's
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <thread>

#include "rustorch/model_io/safetensors/safetensors_file.h"
#include "rustorch/tensor/operations/creation.h"
#include "support/child_process.h"
#include "support/expect_error.h"
#include "support/print.h"
#include "support/temporary_folder.h"

namespace rustorch {
namespace {

using testing::expect_error;
using testing::in_child;
using testing::read_file;
using testing::TemporaryFolder;
using testing::write_file;

TEST(AtomicFile, AppearsAtCommit) {
  const TemporaryFolder folder;
  const auto path = folder / "x";
  {
    AtomicFile file(path);
    file.write("one ");
    file.write("two");
    EXPECT_FALSE(std::filesystem::exists(path));
    file.commit();
    EXPECT_EQ(read_file(path), "one two");
    expect_error(ErrorCode::invalid_argument, "after commit", [&] { return file.write("three"), 0; });
    expect_error(ErrorCode::invalid_argument, "committed twice", [&] { return file.commit(), 0; });
  }
  EXPECT_EQ(folder.count(), 1);
}

TEST(AtomicFile, WithoutCommitNothingChanges) {
  const TemporaryFolder folder;
  write_file(folder / "x", "before");
  {
    AtomicFile file(folder / "x");
    file.write("after");
  }
  EXPECT_EQ(read_file(folder / "x"), "before");
  EXPECT_EQ(folder.count(), 1);
  write_file_atomically(folder / "x", "after");
  EXPECT_EQ(read_file(folder / "x"), "after");
}

TEST(AtomicFile, FollowsLinksAndFileModes) {
  const TemporaryFolder folder;
  write_file(folder / "target", "before");
  std::filesystem::create_symlink("target", folder / "link");
  write_file_atomically(folder / "link", "after");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "target"), "after");
  const mode_t mask = ::umask(0);
  ::umask(mask);
  struct stat status {};
  ASSERT_EQ(::stat((folder / "target").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0666 & ~mask);
}

TEST(AtomicFile, WritersOfOneNameDoNotMix) {
  const TemporaryFolder folder;
  const std::string a(100'000, 'a'), b(100'000, 'b');
  const auto write = [&](const std::string& text) {
    for (int i = 0; i < 20; ++i) write_file_atomically(folder / "x", text);
  };
  std::thread other([&] { write(b); });
  write(a);
  other.join();
  const std::string contents = read_file(folder / "x");
  EXPECT_TRUE(contents == a || contents == b);
  EXPECT_EQ(folder.count(), 1);
}

TEST(AtomicFile, SaysWhyItCannotWrite) {
  const TemporaryFolder folder;
  expect_error(ErrorCode::io, (folder / "no" / "x").string() + ": cannot write: No such file",
               "create the folder", [&] { return AtomicFile(folder / "no" / "x").commit(), 0; });
  expect_error(ErrorCode::io, "a folder or a device", [&] { return AtomicFile(folder.path()).commit(), 0; });
  expect_error(ErrorCode::io, "a folder or a device", [] { return AtomicFile("/dev/null").commit(), 0; });
  std::filesystem::permissions(folder.path(),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  if (::geteuid() != 0) {
    expect_error(ErrorCode::io, "Permission denied", "may write",
                 [&] { return AtomicFile(folder / "x").commit(), 0; });
  }
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
}

/// While it lives, writing beyond `bytes` of a file fails: as on a full disk. It ends before the process
/// does, whose last words (of a sanitizer, or coverage) go to files too.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
};

TEST(AtomicFile, AFullDiskLosesNothing) {
  const TemporaryFolder folder;
  const auto path = folder / "x.safetensors";
  save_safetensors(path, {{"a", zeros({4})}});
  const std::string before = read_file(path);
  const StateDict larger{{"a", zeros({100'000})}};  // made here: a forked copy has no team of threads
  const std::string message = in_child({}, [&] {
    const FileSizeLimit limit(4096);
    save_safetensors(path, larger);
    return std::string("no Error");
  });
  EXPECT_EQ(message, "Error: " + path.string() +
                         ": cannot write: File too large\n  while: writing tensor `a`\n"
                         "  try: raise the limit on file sizes (ulimit -f)");
  EXPECT_EQ(read_file(path), before);
  EXPECT_EQ(folder.count(), 1);
}

TEST(AtomicFile, LeavesTheSignalsOfItsProcess) {
  const TemporaryFolder folder;
  const std::string result = in_child({}, [&] {
    const FileSizeLimit limit(16);
    AtomicFile file(folder / "x");
    try {
      file.write(std::string(100, 'x'));
      return std::string("no Error");
    } catch (const Error&) {
    }
    sigset_t blocked, pending;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    sigpending(&pending);
    return fmt::format("{} {}", sigismember(&blocked, SIGXFSZ), sigismember(&pending, SIGXFSZ));
  });
  EXPECT_EQ(result, "0 0");
}

TEST(AtomicFile, AKilledWriterLeavesTheOldFile) {
  const TemporaryFolder folder;
  const auto path = folder / "x";
  write_file(path, "before");
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile file(path);
    file.write("half of what was to be wri");
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_file(path), "before");
  write_file_atomically(path, "after");  // what the killed one left does not stand in the way
  EXPECT_EQ(read_file(path), "after");
}

}  // namespace
}  // namespace rustorch
