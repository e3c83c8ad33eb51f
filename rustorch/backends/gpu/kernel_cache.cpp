#include "rustorch/backends/gpu/kernel_cache.h"

#include "rustorch/backends/gpu/dialect.h"

namespace rustorch::gpu {

Kernel& KernelCache::add(const std::string& key, const char* name, const std::string& body) {
  Entry entry;
  entry.module = executor_.compile(dialect_source(executor_, body));
  entry.kernel = executor_.kernel(*entry.module, name);
  ++statistics_.compiled;
  return *kernels_.emplace(key, std::move(entry)).first->second.kernel;
}

KernelCacheStatistics KernelCache::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

}  // namespace rustorch::gpu
