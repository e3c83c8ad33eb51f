#include "rustorch/backends/gpu/shared_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <utility>

namespace rustorch::gpu {

SharedLibrary::SharedLibrary(std::string name)
    : name_(std::move(name)), handle_(::dlopen(name_.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ != nullptr) return;
  const char* reason = ::dlerror();
  failure_ = fmt::format("{} cannot be opened ({})", name_, reason != nullptr ? reason : "no reason given");
}

void* SharedLibrary::address(std::initializer_list<const char*> names) const {
  if (handle_ == nullptr) return nullptr;
  for (const char* name : names) {
    if (void* const found = ::dlsym(handle_, name)) return found;
  }
  return nullptr;
}

void SharedLibrary::note_missing(const char* name) {
  if (failure_.empty()) failure_ = fmt::format("{} lacks {}", name_, name);
}

}  // namespace rustorch::gpu
