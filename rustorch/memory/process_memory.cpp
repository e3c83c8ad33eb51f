#include "rustorch/memory/process_memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace rustorch {

namespace {

constexpr std::uint64_t unknown = std::numeric_limits<std::uint64_t>::max();

/// The beginning of a file, empty if there is none.
struct FileText {
  explicit FileText(const char* path) noexcept {
    if (std::FILE* const file = std::fopen(path, "re")) {
      text[std::fread(text.data(), 1, text.size() - 1, file)] = '\0';
      std::fclose(file);
    }
  }
  std::array<char, 4096> text{};
};

/// The number a text starts with; `unknown` if it starts with none ("max").
std::uint64_t number_of(const char* text) noexcept {
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(text, &end, 10);
  return end == text ? unknown : value;
}

/// The number behind `key`; `unknown` where that is missing.
std::uint64_t number_behind(const char* text, const char* key) noexcept {
  const char* const found = std::strstr(text, key);
  return found == nullptr ? unknown : number_of(found + std::strlen(key));
}

}  // namespace

std::uint64_t page_faults() noexcept {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<std::uint64_t>(usage.ru_minflt) + static_cast<std::uint64_t>(usage.ru_majflt);
}

std::uint64_t available_memory(const MemoryTexts& texts) noexcept {
  std::uint64_t available = unknown;
  if (const std::uint64_t kib = number_behind(texts.meminfo, "MemAvailable:"); kib != unknown) {
    available = kib * 1024;
  }
  const std::uint64_t limit = number_of(texts.group_limit);
  std::uint64_t use = number_of(texts.group_use);
  if (limit == unknown || use == unknown) return available;
  if (const std::uint64_t files = number_behind(texts.group_statistics, "\ninactive_file ");
      files != unknown) {
    use -= std::min(use, files);
  }
  return std::min(available, limit - std::min(limit, use));
}

std::uint64_t available_memory() noexcept {
  // Inside a container the process's own group is mounted as the root, in version 2 or 1 of control groups.
  const FileText meminfo("/proc/meminfo");
  const FileText limit("/sys/fs/cgroup/memory.max");
  if (limit.text[0] != '\0') {
    const FileText use("/sys/fs/cgroup/memory.current"), statistics("/sys/fs/cgroup/memory.stat");
    return available_memory(
        {meminfo.text.data(), limit.text.data(), use.text.data(), statistics.text.data()});
  }
  const FileText old_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  const FileText use("/sys/fs/cgroup/memory/memory.usage_in_bytes");
  const FileText statistics("/sys/fs/cgroup/memory/memory.stat");
  return available_memory(
      {meminfo.text.data(), old_limit.text.data(), use.text.data(), statistics.text.data()});
}

}  // namespace rustorch
