#include "rustorch/backends/gpu/kernel_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <system_error>
#include <vector>

#include "rustorch/core/atomic_file.h"
#include "rustorch/core/environment.h"
#include "rustorch/core/log.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view suffix = ".kernel";
constexpr int writes_between_looks = 64;  // at the folder: others write there too

class OpenFile {
 public:
  // Without O_NONBLOCK a named pipe would be waited for.
  explicit OpenFile(const fs::path& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

std::uint32_t checksum_of(std::string_view text) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
}

/// What a killed process left while it wrote an entry (AtomicFile's name for it).
bool is_temporary(std::string_view name) {
  return name.starts_with('.') && name.ends_with(".tmp") && name.find(".kernel.") != std::string_view::npos;
}

struct StoredFile {
  fs::file_time_type used;
  std::uint64_t bytes;
  fs::path path;
};

/// The entries of a folder. Other files are left alone, but for temporary ones of an hour ago, which are
/// removed.
std::vector<StoredFile> look_through(const fs::path& folder) {
  std::vector<StoredFile> files;
  const auto stale = fs::file_time_type::clock::now() - std::chrono::hours(1);
  std::error_code error;  // files may go while we look
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code gone;
    if (!name.ends_with(suffix) && !is_temporary(name)) continue;
    if (!fs::is_regular_file(at->symlink_status(gone))) continue;
    const fs::file_time_type used = at->last_write_time(gone);
    const std::uint64_t bytes = gone ? 0 : at->file_size(gone);
    if (gone) continue;
    if (!is_temporary(name)) {
      files.push_back({used, bytes, at->path()});
    } else if (used < stale) {
      fs::remove(at->path(), gone);
    }
  }
  return files;
}

}  // namespace

KernelStoreSettings kernel_store_settings() {
  KernelStoreSettings settings;
  settings.limit_bytes = static_cast<std::uint64_t>(
      number_from_environment("RUSTORCH_KERNEL_CACHE_LIMIT", 0, std::numeric_limits<std::int64_t>::max(),
                              static_cast<std::int64_t>(settings.limit_bytes)));
  if (const std::string own = environment("RUSTORCH_CACHE_DIR"); !own.empty()) {
    settings.folder = fs::absolute(own).lexically_normal() / "kernels";
    return settings;
  }
  // The XDG base directory specification: a relative path is to be ignored.
  fs::path caches = environment("XDG_CACHE_HOME");
  if (!caches.is_absolute()) caches = fs::path(environment("HOME")) / ".cache";
  if (caches.is_absolute()) settings.folder = caches / "rustorch" / "kernels";
  return settings;
}

KernelStore::KernelStore(KernelStoreSettings settings, std::string compiler)
    : settings_(std::move(settings)), compiler_(std::move(compiler)) {}

fs::path KernelStore::path_of(std::string_view source) const {
  return settings_.folder / fmt::format("{:08x}-{:08x}-{}{}", checksum_of(compiler_), checksum_of(source),
                                        source.size(), suffix);
}

std::optional<KernelBinary> KernelStore::find(std::string_view source) const noexcept {
  if (!is_on()) return std::nullopt;
  try {
    const OpenFile file(path_of(source));
    if (file.descriptor() < 0) return std::nullopt;
    std::optional<KernelBinary> found = read_kernel_entry(file.descriptor(), {compiler_, source});
    if (found) ::futimens(file.descriptor(), nullptr);  // used now
    return found;
  } catch (const std::exception&) {  // no memory
    return std::nullopt;
  }
}

bool KernelStore::keep(std::string_view source, std::span<const std::byte> binary) noexcept {
  if (!is_on() || binary.empty() || binary.size() > most_kernel_binary_bytes) return false;
  const std::lock_guard lock(mutex_);
  try {
    const std::string head = kernel_entry_head({compiler_, source}, binary);
    const std::uint64_t bytes = head.size() + binary.size();
    if (bytes > settings_.limit_bytes) return false;
    make_folder();
    make_room(bytes);
    AtomicFile file(path_of(source));
    file.write(head);
    file.write(binary);
    file.commit();
    used_bytes_ = used_bytes_.value_or(0) + bytes;
    return true;
  } catch (const Error& error) {
    warn(error.message());
  } catch (const std::exception& error) {
    warn(error.what());
  }
  return false;
}

/// Only its owner may look into the folder, or put something there that others would run.
void KernelStore::make_folder() const {
  std::error_code error;
  fs::create_directories(settings_.folder.parent_path(), error);
  if (::mkdir(settings_.folder.c_str(), 0700) == 0 || errno == EEXIST) return;
  fail(ErrorCode::io, "{}: cannot make the folder: {}", settings_.folder.string(), std::strerror(errno));
}

void KernelStore::make_room(std::uint64_t bytes) {
  const std::uint64_t limit = settings_.limit_bytes - bytes;
  if (used_bytes_ && *used_bytes_ <= limit && --writes_until_look_ > 0) return;
  std::vector<StoredFile> files = look_through(settings_.folder);
  std::uint64_t used = 0;
  for (const StoredFile& file : files) used += file.bytes;
  if (used > limit) {
    std::sort(files.begin(), files.end(),
              [](const StoredFile& a, const StoredFile& b) { return a.used < b.used; });
    // A little more than needed: not to look for each write.
    for (const StoredFile& file : files) {
      if (used <= limit - limit / 8) break;
      std::error_code error;
      if (fs::remove(file.path, error)) used -= file.bytes;
    }
  }
  used_bytes_ = used;
  writes_until_look_ = writes_between_looks;
}

void KernelStore::warn(std::string_view reason) noexcept {
  if (std::exchange(has_warned_, true)) return;
  try {
    log_warning(fmt::format("compiled kernels are not kept on disk: {}", reason));
  } catch (const std::exception&) {
    // No memory for a warning.
  }
}

}  // namespace rustorch::gpu
