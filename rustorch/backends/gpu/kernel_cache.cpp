#include "rustorch/backends/gpu/kernel_cache.h"

#include <optional>
#include <utility>

#include "rustorch/backends/gpu/dialect.h"

namespace rustorch::gpu {

KernelCache::KernelCache(KernelExecutor& executor, KernelStoreSettings settings)
    : executor_(executor),
      process_(executor.facts().name),
      disk_(std::move(settings), executor.facts().compiler_identity) {}

Kernel& KernelCache::make(std::string_view key, std::string_view name,
                          const std::function<std::string()>& make_body) {
  process_.require_same();
  Source* source = nullptr;
  std::uint64_t failures_before = 0;
  {
    const auto locked = lock();
    source = &sources_.try_emplace(std::string(key)).first->second;
    failures_before = source->failures;
  }
  std::unique_lock making(source->making);
  if (Kernel* const kernel = find(key, name)) return *kernel;  // another thread made it meanwhile
  if (source->module != nullptr) return make_kernel(*source, name);
  // Whoever waited for an attempt has its result.
  if (source->failures != failures_before) std::rethrow_exception(source->failure);
  std::string text;
  bool is_new = false;
  try {
    text = dialect_source(executor_, make_body());
    is_new = make_module(*source, std::string(name), text);
  } catch (...) {
    const auto locked = lock();
    ++source->failures;
    source->failure = std::current_exception();
    throw;
  }
  Kernel& kernel = make_kernel(*source, name);
  making.unlock();
  if (is_new) store(*source->module, text);
  return kernel;
}

Kernel& KernelCache::make_kernel(Source& source, std::string_view name) {
  std::unique_ptr<Kernel> kernel = executor_.kernel(*source.module, std::string(name));
  const auto locked = lock();
  return *source.kernels.emplace(std::string(name), std::move(kernel)).first->second;
}

bool KernelCache::make_module(Source& source, const std::string& name, const std::string& text) {
  source.module = load(text, name);
  const bool was_there = source.module != nullptr;
  if (!was_there) source.module = executor_.compile(text);
  const auto locked = lock();
  ++(was_there ? statistics_.loaded_from_disk : statistics_.compiled);
  source.failure = nullptr;
  return !was_there;
}

std::unique_ptr<Module> KernelCache::load(const std::string& text, const std::string& name) {
  const std::optional<KernelBinary> binary = disk_.find(text);
  if (!binary) return nullptr;
  try {
    std::unique_ptr<Module> module = executor_.load(binary->bytes());
    if (module != nullptr) static_cast<void>(executor_.kernel(*module, name));
    return module;
  } catch (const std::exception&) {
    return nullptr;
  }
}

void KernelCache::store(const Module& module, const std::string& text) noexcept {
  if (!disk_.is_on()) return;
  try {
    if (!disk_.keep(text, executor_.binary(module))) return;
    const auto locked = lock();
    ++statistics_.stored;
  } catch (const std::exception&) {
    // The next process compiles it again.
  }
}

KernelCacheStatistics KernelCache::statistics() const {
  const auto locked = lock();
  return statistics_;
}

}  // namespace rustorch::gpu
