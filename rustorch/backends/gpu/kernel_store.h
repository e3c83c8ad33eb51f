#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "rustorch/backends/gpu/kernel_entry.h"

namespace rustorch::gpu {

/// Where compiled kernels are kept between processes.
struct KernelStoreSettings {
  std::filesystem::path folder;                        ///< empty: nowhere
  std::uint64_t limit_bytes = std::uint64_t{1} << 30;  ///< of all files together; 0: nothing is kept
};

/// The folder is $RUSTORCH_CACHE_DIR/kernels, or else
/// $XDG_CACHE_HOME/rustorch/kernels, or else ~/.cache/rustorch/kernels; the limit is
/// $RUSTORCH_KERNEL_CACHE_LIMIT in bytes, or else 1 GiB. An Error (invalid_argument) if that is not a number.
KernelStoreSettings kernel_store_settings();

/// Compiled forms on disk, for one device with its driver and compiler; those of others lie in the same
/// folder. Trusts no file: what is not whole, undamaged and of the same origin is not there. Where nothing
/// can be written the work goes on without; the first failure is a warning (RUSTORCH_LOG). Threads and
/// processes may use one folder at once: files appear whole, and what a killed process leaves is removed an
/// hour later.
class KernelStore {
 public:
  /// `compiler`: DeviceFacts::compiler_identity.
  KernelStore(KernelStoreSettings settings, std::string compiler);

  bool is_on() const noexcept { return !settings_.folder.empty() && settings_.limit_bytes > 0; }

  /// The compiled form of a source, which is then the last to be removed; nothing if it is not there.
  std::optional<KernelBinary> find(std::string_view source) const noexcept;
  /// Keeps the compiled form of a source, in place of what was there; false if it could not. Files that were
  /// not used for the longest time are removed where the folder would become larger than its limit, which
  /// several processes that write at once may exceed for a while.
  bool keep(std::string_view source, std::span<const std::byte> binary) noexcept;

 private:
  std::filesystem::path path_of(std::string_view source) const;
  void make_folder() const;
  void make_room(std::uint64_t bytes);
  void warn(std::string_view reason) noexcept;

  const KernelStoreSettings settings_;
  const std::string compiler_;
  std::mutex mutex_;                         // of what follows
  std::optional<std::uint64_t> used_bytes_;  // when the folder was last looked through, and written since
  int writes_until_look_ = 0;
  bool has_warned_ = false;
};

}  // namespace rustorch::gpu
