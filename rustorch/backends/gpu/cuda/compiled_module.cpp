#include "rustorch/backends/gpu/cuda/compiled_module.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <exception>
#include <utility>

#include "rustorch/error/error.h"

namespace rustorch::gpu::cuda {
namespace {

template <class Number>
Number number_at(std::span<const std::byte> bytes, std::size_t offset) {
  Number number{};
  std::memcpy(&number, bytes.data() + offset, sizeof(number));
  return number;
}

/// Whether bytes are an ELF file of 64 bits, as every cubin is, whose tables are all there. The driver is
/// told no size: it would read past the end of a file that was cut off, and take other bytes for PTX text.
bool is_whole_elf(std::span<const std::byte> bytes) {
  constexpr std::size_t header_bytes = 64;
  constexpr std::array magic{std::byte{0x7f}, std::byte{'E'}, std::byte{'L'}, std::byte{'F'}, std::byte{2}};
  if (bytes.size() < header_bytes || std::memcmp(bytes.data(), magic.data(), magic.size()) != 0) return false;
  const auto holds_table = [&](std::size_t offset_at, std::size_t entry_bytes_at, std::size_t count_at) {
    const auto offset = number_at<std::uint64_t>(bytes, offset_at);
    const std::size_t table_bytes = std::size_t{number_at<std::uint16_t>(bytes, entry_bytes_at)} *
                                    number_at<std::uint16_t>(bytes, count_at);
    return offset <= bytes.size() && table_bytes <= bytes.size() - offset;
  };
  return holds_table(32, 54, 56) && holds_table(40, 58, 60);  // segments, sections
}

/// Whether the driver says that a binary is not for it, rather than that something is wrong.
bool is_refusal(Result result) {
  return result == Result::invalid_value || result == Result::invalid_image ||
         result == Result::no_binary_for_gpu || result == Result::invalid_ptx ||
         result == Result::unsupported_ptx_version || result == Result::invalid_source;
}

}  // namespace

CudaModule::CudaModule(const DriverApi& api, ContextHandle context, ModuleHandle module,
                       std::vector<std::byte> cubin)
    : api_(api), context_(context), module_(module), cubin_(std::move(cubin)) {}

CudaModule::~CudaModule() {
  try {
    const CurrentContext current(api_, context_);
    api_.cuModuleUnload(module_);
  } catch (const std::exception&) {
    // A forked child, or the driver has shut down before us: the module is not ours any more.
  }
}

CudaKernel::CudaKernel(const DriverApi& api, const CudaModule& module, std::string name)
    : name_(std::move(name)) {
  const Result result = api.cuModuleGetFunction(&function_, module.handle(), name_.c_str());
  if (result == Result::not_found) fail(ErrorCode::internal, "the compiled source has no kernel `{}`", name_);
  check(api, result, "cuModuleGetFunction");
  if (api.cuFuncGetParamInfo == nullptr) return;
  std::size_t offset = 0, bytes = 0;
  while (api.cuFuncGetParamInfo(function_, parameter_bytes_.size(), &offset, &bytes) == Result::success)
    parameter_bytes_.push_back(bytes);
}

void CudaKernel::require_arguments(std::span<const KernelArgument> arguments) const {
  if (parameter_bytes_.empty()) return;
  RUSTORCH_CHECK(arguments.size() == parameter_bytes_.size(), internal,
                 "kernel `{}` has {} parameters, not {}", name_, parameter_bytes_.size(), arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::size_t bytes = arguments[i].bytes != nullptr ? arguments[i].size : sizeof(BufferHandle);
    RUSTORCH_CHECK(bytes == parameter_bytes_[i], internal,
                   "parameter {} of kernel `{}` has {} bytes, its argument {}", i, name_, parameter_bytes_[i],
                   bytes);
  }
}

std::unique_ptr<CudaModule> load_module(const DriverApi& api, ContextHandle context,
                                        std::vector<std::byte> cubin) {
  if (!is_whole_elf(cubin)) return nullptr;
  ModuleHandle module = nullptr;
  const Result result = api.cuModuleLoadData(&module, cubin.data());
  if (is_refusal(result)) return nullptr;
  check(api, result, "cuModuleLoadData");
  return std::make_unique<CudaModule>(api, context, module, std::move(cubin));
}

}  // namespace rustorch::gpu::cuda
