#include "rustorch/backends/cpu/onednn_execution.h"

#include <omp.h>

#include <tuple>

#include "rustorch/backends/cpu/onednn.h"
#include "rustorch/device/cpu_info.h"
#include "rustorch/error/error.h"

namespace rustorch::cpu::onednn {
namespace {

/// Holds oneDNN to the instruction set that our own kernels run with. Only when the user asked for less than
/// the processor has, because the setting is the whole process's.
void cap_instruction_set() {
  const CpuIsa selected = selected_cpu_isa();
  if (cpu_info().supported_isas.empty() || selected == cpu_info().supported_isas.back()) return;
  switch (selected) {
    case CpuIsa::scalar:
    case CpuIsa::sse4:
      dnnl::set_max_cpu_isa(dnnl::cpu_isa::sse41);
      break;
    case CpuIsa::avx2:
      dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
      break;
    case CpuIsa::avx512:
    case CpuIsa::neon:
      break;
  }
}

}  // namespace

ThreadCount::ThreadCount(int threads) : before_(omp_get_max_threads()) {
  changed_ = before_ != threads;
  if (changed_) omp_set_num_threads(threads);
}

ThreadCount::~ThreadCount() {
  if (changed_) omp_set_num_threads(before_);
}

const dnnl::engine& engine() {
  static const dnnl::engine& instance = *[] {
    cap_instruction_set();
    return new dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return instance;
}

void check(dnnl_status_t status, const char* what) {
  if (status == dnnl_out_of_memory) fail(ErrorCode::out_of_memory, "{}: oneDNN ran out of memory", what);
  if (status != dnnl_success)
    fail(ErrorCode::internal, "{}: oneDNN failed with status {}", what, static_cast<int>(status));
}

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

void Execution::add(int argument, const Descriptor& descriptor) {
  memories_.push_back({descriptor, engine(), DNNL_MEMORY_NONE});  // the address is set before each execution
  arguments_.push_back({argument, memories_.back().get()});
}

void Execution::run(std::span<void* const> addresses, const char* what) {
  for (std::size_t i = 0; i < memories_.size(); ++i) memories_[i].set_data_handle(addresses[i]);
  check(dnnl_primitive_execute(primitive_.get(), stream_.get(), static_cast<int>(arguments_.size()),
                               arguments_.data()),
        what);
}

bool acceptable(std::string_view implementation) {
  const auto names = [&](const char* part) { return implementation.find(part) != std::string_view::npos; };
  if (names("ref")) return false;
  if (!names("gemm")) return true;  // products that call themselves brg are other code, which keeps the stack
  const dnnl_version_t* version = dnnl_version();
  return std::tuple(version->major, version->minor, version->patch) >= std::tuple(3, 11, 2);
}

const char* version() noexcept {
  static const std::string text = [] {
    const dnnl_version_t* v = dnnl_version();
    return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
  }();
  return text.c_str();
}

}  // namespace rustorch::cpu::onednn
