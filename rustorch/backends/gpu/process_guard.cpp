#include "rustorch/backends/gpu/process_guard.h"

#include <unistd.h>

#include "rustorch/error/error.h"

namespace rustorch::gpu {

ProcessGuard::ProcessGuard(std::string_view api) noexcept : api_(api), process_(getpid()) {}

bool ProcessGuard::is_same() const noexcept { return getpid() == process_; }

void ProcessGuard::require_same() const {
  if (is_same()) return;
  fail_with_suggestion(ErrorCode::unsupported,
                       "fork before the first use of the device, or start a new program instead",
                       "{} was opened before fork(): its devices cannot be used in the child process", api_);
}

}  // namespace rustorch::gpu
