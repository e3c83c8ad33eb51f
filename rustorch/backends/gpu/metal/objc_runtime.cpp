#include "rustorch/backends/gpu/metal/objc_runtime.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

namespace rustorch::gpu::metal {
namespace {

std::atomic<const ObjcRuntime*> opened{nullptr};

/// Opens a library; nullptr, and the loader's words, if it cannot be. It is never closed: Objective-C classes
/// cannot be unloaded.
void* open_library(const char* path, std::string& absence) {
  void* library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) absence = ::dlerror();
  return library;
}

/// Finds a function; the first that is missing is named.
template <class Function>
void find(Function& function, void* library, const char* name, std::string& absence) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr && absence.empty()) absence = fmt::format("{} is missing", name);
}

/// The libraries that offer the runtime's functions and Metal's; one of tests offers both.
std::pair<void*, void*> open_libraries(std::string& absence) {
  if (const char* path = std::getenv("RUSTORCH_METAL_LIBRARY"); path != nullptr && *path != '\0') {
    void* library = open_library(path, absence);
    return {library, library};
  }
#if defined(__APPLE__)
  void* runtime = open_library("/usr/lib/libobjc.A.dylib", absence);
  void* metal = open_library("/System/Library/Frameworks/Metal.framework/Metal", absence);
  return {runtime, metal};
#else
  absence = "Metal is a part of macOS";
  return {nullptr, nullptr};
#endif
}

}  // namespace

const ObjcRuntime* open_objc_runtime(std::string& absence) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (const ObjcRuntime* runtime = opened.load()) return runtime;
  absence.clear();
  const auto [objc, metal] = open_libraries(absence);
  if (!absence.empty()) return nullptr;
  static ObjcRuntime runtime{};
  find(runtime.get_class, objc, "objc_getClass", absence);
  find(runtime.register_selector, objc, "sel_registerName", absence);
  find(runtime.send_message, objc, "objc_msgSend", absence);
#if defined(__x86_64__)
  find(runtime.send_message_for_structure, objc, "objc_msgSend_stret", absence);
#endif
  find(runtime.retain, objc, "objc_retain", absence);
  find(runtime.release, objc, "objc_release", absence);
  find(runtime.push_pool, objc, "objc_autoreleasePoolPush", absence);
  find(runtime.pop_pool, objc, "objc_autoreleasePoolPop", absence);
  find(runtime.copy_all_devices, metal, "MTLCopyAllDevices", absence);
  if (!absence.empty()) return nullptr;
  opened = &runtime;
  return &runtime;
}

const ObjcRuntime& objc_runtime() noexcept { return *opened.load(std::memory_order_acquire); }

Object make_string(const std::string& text) {
  return message(objc_runtime().get_class("NSString"), "stringWithUTF8String:", text.c_str());
}

std::string string_text(Object string) {
  const char* text = message<const char*>(string, "UTF8String");
  return text != nullptr ? text : "";
}

std::string error_text(Object error) {
  if (error == nullptr) return {};
  return fmt::format("{} (code {})", string_text(message(error, "localizedDescription")),
                     message<long>(error, "code"));
}

bool responds_to(Object object, const char* selector) {
  return message<bool>(object, "respondsToSelector:", objc_runtime().register_selector(selector));
}

}  // namespace rustorch::gpu::metal
