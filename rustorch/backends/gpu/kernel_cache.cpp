#include "rustorch/backends/gpu/kernel_cache.h"

#include "rustorch/backends/gpu/dialect.h"

namespace rustorch::gpu {

KernelCache::Compiled KernelCache::compile(const std::string& body) {
  Compiled compiled;
  compiled.module = executor_.compile(dialect_source(executor_, body));
  ++statistics_.compiled;
  return compiled;
}

Kernel& KernelCache::kernel_of(Compiled& compiled, std::string_view name) {
  const auto found = compiled.kernels.find(name);
  if (found != compiled.kernels.end()) {
    ++statistics_.hits;
    return *found->second;
  }
  return *compiled.kernels.emplace(std::string(name), executor_.kernel(*compiled.module, std::string(name)))
              .first->second;
}

KernelCacheStatistics KernelCache::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

}  // namespace rustorch::gpu
