#include "rustorch/memory/allocators/call_stack.h"

#include <fmt/format.h>

#include <algorithm>

#if __has_include(<execinfo.h>)
#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>

#include <cstdlib>
#include <memory>
#endif

namespace rustorch {

#if __has_include(<execinfo.h>)

namespace {

std::string name_of(void* address) {
  Dl_info info{};
  if (::dladdr(address, &info) == 0 || info.dli_sname == nullptr) return fmt::format("{}", address);
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status), &std::free);
  return demangled ? demangled.get() : info.dli_sname;
}

}  // namespace

[[gnu::noinline]] CallStack CallStack::here(int skipped) noexcept {
  std::array<void*, most_frames + 8> all{};
  const int found = ::backtrace(all.data(), static_cast<int>(all.size()));
  const int first = std::min(found, skipped + 1);  // this function too
  CallStack stack;
  stack.count_ = std::min(found - first, most_frames);
  std::copy_n(all.begin() + first, stack.count_, stack.frames_.begin());
  return stack;
}

std::string CallStack::to_string() const {
  std::string text;
  for (int i = 0; i < count_; ++i) {
    if (i > 0) text += " < ";
    text += name_of(frames_[static_cast<std::size_t>(i)]);
  }
  return text.empty() ? "an unknown place" : text;
}

#else

CallStack CallStack::here(int /*skipped*/) noexcept { return {}; }
std::string CallStack::to_string() const { return "an unknown place"; }

#endif

}  // namespace rustorch
