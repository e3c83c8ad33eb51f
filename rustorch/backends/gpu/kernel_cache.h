#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "rustorch/backends/gpu/kernel_executor.h"

namespace rustorch::gpu {

/// By strings, found by any text.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};
template <class Value>
using StringMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;

/// What a kernel cache did so far.
struct KernelCacheStatistics {
  std::uint64_t hits = 0;      ///< kernels that were there
  std::uint64_t compiled = 0;  ///< sources that a compiler had to read
};

/// The compiled kernels of one device, in memory.
class KernelCache {
 public:
  explicit KernelCache(KernelExecutor& executor) : executor_(executor) {}

  /// The kernel `name` of the source with this key, which `make_source` writes (without the dialect's
  /// prelude) if it is not there yet. A source that does not compile is an Error, and is tried again at the
  /// next call.
  template <class MakeSource>
  Kernel& get(std::string_view key, std::string_view name, const MakeSource& make_source) {
    const std::lock_guard lock(mutex_);
    auto found = sources_.find(key);
    if (found == sources_.end()) found = sources_.emplace(std::string(key), compile(make_source())).first;
    return kernel_of(found->second, name);
  }

  KernelCacheStatistics statistics() const;

 private:
  struct Compiled {
    std::unique_ptr<Module> module;
    StringMap<std::unique_ptr<Kernel>> kernels;  // go before their module
  };
  Compiled compile(const std::string& body);
  Kernel& kernel_of(Compiled& compiled, std::string_view name);

  KernelExecutor& executor_;
  mutable std::mutex mutex_;
  StringMap<Compiled> sources_;
  KernelCacheStatistics statistics_;
};

}  // namespace rustorch::gpu
