// Buffers, and the running of what was encoded.
#include "metal_objects.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>

namespace metal_double {
namespace {

constexpr std::size_t page_bytes = 4096, canary_bytes = 64, alignment = 16;
/// Pages behind a buffer that fault: an index that is far off lands there, too.
constexpr std::size_t guard_bytes = std::size_t{16} << 20;
constexpr char canary = static_cast<char>(0xA5);

std::size_t rounded_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Buffer::Buffer(std::size_t its_bytes, std::uint64_t its_options)
    : Object(class_named("MTLBuffer")), bytes(its_bytes), options(its_options) {
  mapping_bytes = rounded_up(bytes + alignment + canary_bytes, page_bytes) + guard_bytes;
  void* memory = ::mmap(nullptr, mapping_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mapping = static_cast<char*>(memory);
  ::mprotect(end_of_pages(), guard_bytes, PROT_NONE);
  // As near to the guard as alignment allows; what lies between is a canary.
  contents = end_of_pages() - rounded_up(bytes, alignment);
  std::memset(contents, 0xFF, bytes);  // not 0, which would hide reads of what was never written
  write_canaries();
}

void Buffer::finish() { ::munmap(mapping, mapping_bytes); }

char* Buffer::end_of_pages() const { return mapping + mapping_bytes - guard_bytes; }

void Buffer::write_canaries() {
  std::memset(contents - canary_bytes, canary, canary_bytes);
  std::memset(contents + bytes, canary, static_cast<std::size_t>(end_of_pages() - (contents + bytes)));
}

std::string Buffer::check_canaries() {
  const auto is_whole = [](const char* first, const char* last) {
    return std::all_of(first, last, [](char value) { return value == canary; });
  };
  std::string where;
  if (!is_whole(contents - canary_bytes, contents)) where = "before its start";
  if (!is_whole(contents + bytes, end_of_pages())) where = "past its end";
  if (!where.empty()) write_canaries();
  return where;
}

std::string Command::run() {
  if (!pipeline) {
    std::memcpy(to->contents + to_offset, from->contents + from_offset, bytes);
    return {};
  }
  std::array<Binding, most_buffers> bindings{};
  for (std::size_t index = 0; index < most_buffers; ++index) {
    Bound& entry = bound[index];
    if (entry.buffer) {
      bindings[index] = {entry.buffer->contents + entry.offset, entry.buffer->bytes - entry.offset};
    } else if (!entry.bytes.empty()) {
      bindings[index] = {entry.bytes.data(), entry.bytes.size()};
    }
  }
  const KernelCode& kernel = pipeline->kernel();
  std::string mistake = run_kernel(kernel, bindings, groups, threads);
  for (std::size_t index = 0; index < most_buffers; ++index) {
    if (!bound[index].buffer) continue;
    const std::string where = bound[index].buffer->check_canaries();
    if (where.empty() || !mistake.empty()) continue;
    mistake = "kernel '" + kernel.name + "' wrote to buffer " + std::to_string(index) + " " + where;
  }
  return mistake;
}

void CommandQueue::finish() {
  if (!committed.empty())
    report("command queue deallocated with committed command buffers nobody waited for");
  committed.clear();
}

void CommandBuffer::finish() {
  commands.clear();
  error = {};
  queue = {};
}

void CommandBuffer::execute() {
  status = Status::scheduled;
  start_seconds = seconds_now();
  for (Command& command : commands) {
    const std::string mistake = command.run();
    if (mistake.empty()) continue;
    report(mistake);
    constexpr long page_fault = 3;  // MTLCommandBufferErrorPageFault
    error = Reference<ErrorObject>::adopt(new ErrorObject(mistake, page_fault));
    break;
  }
  commands.clear();
  end_seconds = seconds_now();
  status = error ? Status::failed : Status::completed;
}

void Encoder::finish() {
  if (!ended) {
    report("encoder deallocated without endEncoding");
    command_buffer->open_encoder = nullptr;
  }
  state = {};
  command_buffer = {};
}

}  // namespace metal_double
