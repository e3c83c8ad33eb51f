#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "rustorch/backends/gpu/kernel_executor.h"
#include "rustorch/backends/gpu/kernel_store.h"
#include "rustorch/backends/gpu/process_guard.h"

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
  std::uint64_t hits = 0;              ///< kernels that were there
  std::uint64_t compiled = 0;          ///< sources that a compiler had to read
  std::uint64_t loaded_from_disk = 0;  ///< sources whose compiled form was on disk
  std::uint64_t stored = 0;            ///< compiled forms that were written to disk
};

/// The compiled kernels of one device, in memory and on disk.
///
/// While a source is compiled others are served; who wants the same one waits for it. What was compiled is on
/// disk when `get` returns: drivers cannot be asked when the program ends (PoCL crashes then), and a process
/// that is killed loses nothing. Nothing is removed from memory: callers hold on to kernels.
class KernelCache {
 public:
  explicit KernelCache(KernelExecutor& executor, KernelStoreSettings settings = kernel_store_settings());

  /// The kernel `name` of the source with this key, which `make_source` writes (without the dialect's
  /// prelude) if it is not there yet; lives as long as the cache. A source that does not compile is an Error
  /// for all that wait for it, and is tried again at the next call.
  template <class MakeSource>
  Kernel& get(std::string_view key, std::string_view name, const MakeSource& make_source) {
    if (Kernel* const kernel = find(key, name)) return *kernel;
    return make(key, name, make_source);
  }

  KernelCacheStatistics statistics() const;

 private:
  struct Source {
    std::mutex making;               // held while the module or one of its kernels is made; before mutex_
    std::unique_ptr<Module> module;  // made once
    StringMap<std::unique_ptr<Kernel>> kernels;  // go before their module
    std::uint64_t failures = 0;
    std::exception_ptr failure;  // the last one
  };

  std::unique_lock<std::mutex> lock() const {
    std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) [[unlikely]] {
      process_.require_same();  // in a forked child it could be taken for ever
      lock.lock();
    }
    return lock;
  }
  /// nullptr if it is not there yet.
  Kernel* find(std::string_view key, std::string_view name) {
    const auto locked = lock();
    const auto source = sources_.find(key);
    if (source == sources_.end()) return nullptr;
    const auto kernel = source->second.kernels.find(name);
    if (kernel == source->second.kernels.end()) return nullptr;
    ++statistics_.hits;
    return kernel->second.get();
  }
  Kernel& make(std::string_view key, std::string_view name, const std::function<std::string()>& make_body);
  Kernel& make_kernel(Source& source, std::string_view name);
  /// Whether the module had to be compiled.
  bool make_module(Source& source, const std::string& name, const std::string& text);
  /// nullptr if the compiled form is not on disk, or not one that the driver takes and that has this kernel.
  std::unique_ptr<Module> load(const std::string& text, const std::string& name);
  void store(const Module& module, const std::string& text) noexcept;

  KernelExecutor& executor_;
  const ProcessGuard process_;
  KernelStore disk_;
  mutable std::mutex mutex_;  // of what follows, and of the sources' kernels and failures
  StringMap<Source> sources_;
  KernelCacheStatistics statistics_;
};

}  // namespace rustorch::gpu
