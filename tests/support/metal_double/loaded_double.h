#pragma once

#include <dlfcn.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

namespace rustorch::testing {

/// The Metal double in this process, loaded from where the build put it, and named to the executor.
class LoadedMetalDouble {
 public:
  static const LoadedMetalDouble& instance() {
    static const LoadedMetalDouble loaded;
    return loaded;
  }
  /// Why tests with it must be skipped; empty if they need not be.
  const std::string& absence() const { return absence_; }
  /// The objects alive: "MTLBuffer x1"; empty if there are none.
  std::string live_objects() const { return text_of(live_); }
  /// The mistakes noted since the last call.
  std::vector<std::string> take_errors() const {
    std::vector<std::string> errors;
    for (std::string text = text_of(error_); !text.empty(); text = text_of(error_)) errors.push_back(text);
    return errors;
  }

 private:
  using TextFunction = int (*)(char*, std::size_t);

  LoadedMetalDouble() {
#ifdef RUSTORCH_METAL_DOUBLE
    ::setenv("RUSTORCH_METAL_LIBRARY", RUSTORCH_METAL_DOUBLE, 1);
    void* library = ::dlopen(RUSTORCH_METAL_DOUBLE, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      absence_ = ::dlerror();
      return;
    }
    live_ = reinterpret_cast<TextFunction>(::dlsym(library, "metal_double_live"));
    error_ = reinterpret_cast<TextFunction>(::dlsym(library, "metal_double_error"));
    const auto compiler = reinterpret_cast<TextFunction>(::dlsym(library, "metal_double_compiler"));
    std::array<char, 1024> text{};
    if (compiler(text.data(), text.size()) == 0) absence_ = text.data();
#else
    absence_ = "the Metal double is built on Linux on x86-64 only";
#endif
  }

  static std::string text_of(TextFunction function) {
    std::array<char, 4096> text{};
    return function(text.data(), text.size()) != 0 ? text.data() : "";
  }

  std::string absence_;
  TextFunction live_ = nullptr, error_ = nullptr;
};

}  // namespace rustorch::testing
