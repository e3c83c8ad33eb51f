#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "rustorch/backends/gpu/kernel_executor.h"

namespace rustorch::gpu {

/// What a kernel cache did so far.
struct KernelCacheStatistics {
  std::uint64_t hits = 0;      ///< kernels that were there
  std::uint64_t compiled = 0;  ///< sources that a compiler had to read
};

/// The compiled kernels of one device, in memory.
class KernelCache {
 public:
  explicit KernelCache(KernelExecutor& executor) : executor_(executor) {}

  /// The kernel `name` of the source that `make_source` writes (without the dialect's prelude) if there is
  /// none for `key` yet. A source that does not compile is an Error, and is tried again at the next call.
  template <class MakeSource>
  Kernel& get(const std::string& key, const char* name, const MakeSource& make_source) {
    const std::lock_guard lock(mutex_);
    const auto found = kernels_.find(key);
    if (found != kernels_.end()) {
      ++statistics_.hits;
      return *found->second.kernel;
    }
    return add(key, name, make_source());
  }

  KernelCacheStatistics statistics() const;

 private:
  struct Entry {
    std::unique_ptr<Module> module;
    std::unique_ptr<Kernel> kernel;  // goes before its module
  };
  Kernel& add(const std::string& key, const char* name, const std::string& body);

  KernelExecutor& executor_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> kernels_;
  KernelCacheStatistics statistics_;
};

}  // namespace rustorch::gpu
