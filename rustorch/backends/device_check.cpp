#include "rustorch/backends/device_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "rustorch/backends/runtime.h"
#include "rustorch/memory/format_bytes.h"

namespace rustorch {
namespace {

/// The kinds of work that the CPU does for a dtype and the device does not, or does, by name.
std::vector<std::string_view> kinds_of(const ComputeBackend& backend, DType dtype, bool done) {
  std::vector<std::string_view> names;
  for (std::size_t k = 0; k < kind_count; ++k) {
    const auto kind = static_cast<Kind>(k);
    if (cpu_backend().supports(kind, dtype) && backend.supports(kind, dtype) == done)
      names.push_back(to_string(kind));
  }
  return names;
}

std::string joined(const std::vector<std::string_view>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

/// The work that a device lacks for a dtype; the shorter of two ways to say it. Empty if it lacks nothing.
std::string lacking_work(const ComputeBackend& backend, DType dtype) {
  const std::vector<std::string_view> done = kinds_of(backend, dtype, true),
                                      lacking = kinds_of(backend, dtype, false);
  if (lacking.empty()) return {};
  if (done.empty()) return "all work";
  return done.size() < lacking.size() ? "all work but " + joined(done) : joined(lacking);
}

/// Collects reasons; the verdict is the worst of them.
class Checker {
 public:
  explicit Checker(Device device) { check_.device = device; }

  void add(DeviceCheck::Verdict verdict, std::string reason) {
    check_.verdict = std::max(check_.verdict, verdict);
    check_.reasons.push_back(std::move(reason));
  }

  void dtypes(ComputeBackend& backend, std::span<const TensorNeed> tensors) {
    std::vector<DType> seen;
    std::map<std::string, std::string> lacking;  // names of dtypes, by what they lack
    for (const TensorNeed& tensor : tensors) {
      if (std::ranges::find(seen, tensor.dtype) != seen.end()) continue;
      seen.push_back(tensor.dtype);
      if (std::string defect = backend.defect(tensor.dtype); !defect.empty())
        add(DeviceCheck::Verdict::cannot, std::move(defect));
      std::string work = lacking_work(backend, tensor.dtype);
      if (work.empty()) continue;
      std::string& names = lacking[std::move(work)];
      names += (names.empty() ? "" : ", ") + std::string(to_string(tensor.dtype));
    }
    for (const auto& [work, names] : lacking) {
      if (strict_mode()) {
        add(DeviceCheck::Verdict::cannot,
            fmt::format("{} in {}: {} has no such kernels, and strict mode refuses to compute on the cpu",
                        work, names, check_.device));
      } else {
        add(DeviceCheck::Verdict::falls_back,
            fmt::format("{} in {} runs on the cpu, with copies", work, names));
      }
    }
  }

  void memory(ComputeBackend& backend, std::span<const TensorNeed> tensors, std::uint64_t further_bytes) {
    const DeviceMemorySize size = backend.memory_size();
    std::uint64_t bytes = 0;
    for (const TensorNeed& tensor : tensors) {
      bytes += tensor.bytes;
      if (size.largest_buffer != 0 && tensor.bytes > size.largest_buffer) {
        add(DeviceCheck::Verdict::cannot,
            fmt::format("`{}` takes {}, and a buffer of {} at most {}", tensor.name,
                        format_bytes(tensor.bytes), check_.device, format_bytes(size.largest_buffer)));
      }
    }
    const std::uint64_t limit = backend.allocator().limit();
    const std::uint64_t all = std::min(limit, size.all != 0 ? size.all : MemoryAllocator::no_limit);
    const std::uint64_t held = backend.allocator().statistics().live_bytes;
    if (bytes + further_bytes <= all - std::min(all, held)) return;
    add(DeviceCheck::Verdict::cannot,
        fmt::format("its tensors take {}{}; {} has {}{}, of which {} are in use", format_bytes(bytes),
                    further_bytes != 0 ? fmt::format(" and {} of gradients", format_bytes(further_bytes))
                                       : std::string(),
                    check_.device, format_bytes(all), limit < size.all ? " (its memory limit)" : "",
                    format_bytes(held)));
  }

  DeviceCheck result() && { return std::move(check_); }

 private:
  DeviceCheck check_;
};

}  // namespace

std::string DeviceCheck::to_string() const {
  constexpr std::string_view words[] = {"runs it", "runs it in part", "cannot"};
  std::string text = fmt::format("{} {}", device, words[static_cast<std::size_t>(verdict)]);
  for (std::size_t k = 0; k < reasons.size(); ++k) text += (k == 0 ? ": " : "; ") + reasons[k];
  return text;
}

DeviceCheck can_run(DType dtype, Device device) {
  const TensorNeed none{"", dtype, 0};
  return can_run({&none, 1}, device);
}

DeviceCheck can_run(std::span<const TensorNeed> tensors, Device device, std::uint64_t further_bytes) {
  Checker checker(device);
  if (std::string absence = absence_of(device); !absence.empty()) {
    checker.add(DeviceCheck::Verdict::cannot, std::move(absence));
    return std::move(checker).result();
  }
  ComputeBackend& backend = backend_for(device);
  checker.memory(backend, tensors, further_bytes);
  checker.dtypes(backend, tensors);
  return std::move(checker).result();
}

std::vector<std::pair<std::string, std::string>> computed_dtypes(const ComputeBackend& backend) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (int number = 0; number < dtype_count; ++number) {
    const auto dtype = static_cast<DType>(number);
    const std::string lacking = lacking_work(backend, dtype);
    std::string kinds = lacking.empty() ? "all kinds of work" : lacking + " falls back to the cpu";
    const auto same = std::ranges::find(pairs, kinds, &std::pair<std::string, std::string>::second);
    if (same != pairs.end()) {
      same->first += ", " + std::string(to_string(dtype));
    } else {
      pairs.emplace_back(to_string(dtype), std::move(kinds));
    }
  }
  return pairs;
}

}  // namespace rustorch
