#include "rustorch/memory/allocators/system_allocator.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <system_error>

#include "rustorch/error/error.h"
#include "rustorch/memory/format_bytes.h"
#include "rustorch/memory/process_memory.h"

namespace rustorch {

namespace {

// Maps `bytes` (whole pages) at a multiple of `alignment`; nullptr if the system refuses.
void* map_aligned(std::size_t bytes, std::size_t alignment, std::size_t page_bytes) noexcept {
  // A mapping starts at some page: to find a stricter boundary inside, map more and give the rest back.
  const std::size_t slack = alignment > page_bytes ? alignment - page_bytes : 0;
  void* const mapped =
      ::mmap(nullptr, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  if (slack == 0) return mapped;
  auto* const first = static_cast<std::byte*>(mapped);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(mapped) & (alignment - 1);
  if (before > 0) ::munmap(first, before);
  if (slack > before) ::munmap(first + before + bytes, slack - before);
  return first + before;
}

[[noreturn]] void fail_to_pin(std::size_t bytes, int reason) {
  rlimit allowed{};
  ::getrlimit(RLIMIT_MEMLOCK, &allowed);
  fail_with_suggestion(ErrorCode::unsupported,
                       "raise the limit (ulimit -l, memlock in /etc/security/limits.conf), or ask for "
                       "memory that is not pinned",
                       "system memory: cannot pin {} ({} bytes): {}; this process may pin {} in all",
                       format_bytes(bytes), bytes, std::generic_category().message(reason),
                       allowed.rlim_cur == RLIM_INFINITY ? "any amount" : format_bytes(allowed.rlim_cur));
}

}  // namespace

SystemAllocator::SystemAllocator() : page_bytes_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) {}

void* SystemAllocator::allocate(std::size_t bytes, std::size_t alignment, MemoryHint hint) {
  check_allocation_request(bytes, alignment, "system");
  if (bytes == 0) return nullptr;
  const std::size_t block_bytes = round_up(bytes, page_bytes_);
  const bool huge = block_bytes >= huge_page_bytes || hint == MemoryHint::huge_pages;
  const std::size_t boundary = std::max(alignment, huge ? huge_page_bytes : page_bytes_);
  if (!reserve(bytes, block_bytes)) fail_out_of_memory(bytes, counter(), "system");
  void* const block = map_aligned(block_bytes, boundary, page_bytes_);
  if (block == nullptr) {
    give_up_reserved(bytes, block_bytes);
    fail_out_of_memory(bytes, counter(), "system");
  }
  if (hint == MemoryHint::pinned && ::mlock(block, block_bytes) != 0) {
    const int reason = errno;
    ::munmap(block, block_bytes);
    give_up_reserved(bytes, block_bytes);
    fail_to_pin(bytes, reason);
  }
#ifdef MADV_HUGEPAGE
  if (huge) ::madvise(block, block_bytes, MADV_HUGEPAGE);  // only advice: a refusal is no failure
#endif
  return block;
}

void SystemAllocator::deallocate(void* block, std::size_t bytes, std::size_t /*alignment*/) noexcept {
  if (block == nullptr) return;
  const std::size_t block_bytes = round_up(bytes, page_bytes_);
  ::munmap(block, block_bytes);
  const std::lock_guard guard(lock_);
  counter_.returned(block_bytes, bytes);
}

bool SystemAllocator::reserve(std::size_t bytes, std::size_t block_bytes) noexcept {
  const std::lock_guard guard(lock_);
  if (!counter_.fits(block_bytes)) return false;
  counter_.taken(block_bytes, bytes);
  counter_.asked_system();
  return true;
}

void SystemAllocator::give_up_reserved(std::size_t bytes, std::size_t block_bytes) noexcept {
  const std::lock_guard guard(lock_);
  counter_.returned(block_bytes, bytes);
}

AllocationCounter SystemAllocator::counter() const noexcept {
  const std::lock_guard guard(lock_);
  return counter_;
}

MemoryStatistics SystemAllocator::statistics() const {
  MemoryStatistics now = counter().statistics();
  now.page_faults = page_faults();
  return now;
}

void SystemAllocator::reset_peak() {
  const std::lock_guard guard(lock_);
  counter_.reset_peak();
}

std::size_t SystemAllocator::trim(std::size_t /*keep_bytes*/) { return 0; }  // nothing is kept

void SystemAllocator::set_limit(std::uint64_t bytes) {
  counter().check_limit(bytes, "system");
  const std::lock_guard guard(lock_);
  counter_.set_limit(bytes);
}

std::uint64_t SystemAllocator::limit() const noexcept { return counter().limit(); }

}  // namespace rustorch
