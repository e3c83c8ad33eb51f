#include "rustorch/backends/gpu/cuda/nvrtc_api.h"

#include <array>
#include <string_view>

#include "rustorch/backends/gpu/compile_log.h"
#include "rustorch/backends/gpu/cuda/loaded_library.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu::cuda {
namespace {

void look_up(SharedLibrary& library, NvrtcApi& api) {
  library.find(api.nvrtcGetErrorString, {"nvrtcGetErrorString"});
  library.find(api.nvrtcVersion, {"nvrtcVersion"});
  library.find(api.nvrtcCreateProgram, {"nvrtcCreateProgram"});
  library.find(api.nvrtcDestroyProgram, {"nvrtcDestroyProgram"});
  library.find(api.nvrtcCompileProgram, {"nvrtcCompileProgram"});
  library.find(api.nvrtcGetProgramLogSize, {"nvrtcGetProgramLogSize"});
  library.find(api.nvrtcGetProgramLog, {"nvrtcGetProgramLog"});
  library.find(api.nvrtcGetCUBINSize, {"nvrtcGetCUBINSize"});
  library.find(api.nvrtcGetCUBIN, {"nvrtcGetCUBIN"});
}

LoadedLibrary<NvrtcApi> find_compiler() {
  const auto version = [](NvrtcApi& api, std::string& absence) {
    const CompilerResult result = api.nvrtcVersion(&api.major, &api.minor);
    if (result != CompilerResult::success)
      absence = fmt::format("nvrtcVersion: {}", api.nvrtcGetErrorString(result));
    return 1000 * api.major + 10 * api.minor;
  };
  return open_first<NvrtcApi>({"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"}, look_up, version);
}

/// One source in the compiler's hands.
class Program {
 public:
  Program(const NvrtcApi& api, const std::string& source) : api_(api) {
    check(api_.nvrtcCreateProgram(&program_, source.c_str(), "kernels.cu", 0, nullptr, nullptr),
          "nvrtcCreateProgram");
  }
  ~Program() { api_.nvrtcDestroyProgram(&program_); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  CompilerResult compile(const char* architecture) {
    std::vector<const char*> options(compiler_options.begin(), compiler_options.end());
    options.push_back(architecture);
    options.push_back("--disable-warnings");  // of functions that a source does not use: they bury the errors
    return api_.nvrtcCompileProgram(program_, static_cast<int>(options.size()), options.data());
  }

  std::string log() const {
    std::size_t bytes = 0;  // with a zero at the end
    check(api_.nvrtcGetProgramLogSize(program_, &bytes), "nvrtcGetProgramLogSize");
    std::string log(bytes, '\0');
    if (bytes != 0) check(api_.nvrtcGetProgramLog(program_, log.data()), "nvrtcGetProgramLog");
    log.resize(std::string_view(log.c_str()).size());
    return log;
  }

  std::vector<std::byte> cubin() const {
    std::size_t bytes = 0;
    check(api_.nvrtcGetCUBINSize(program_, &bytes), "nvrtcGetCUBINSize");
    std::vector<std::byte> cubin(bytes);
    check(api_.nvrtcGetCUBIN(program_, reinterpret_cast<char*>(cubin.data())), "nvrtcGetCUBIN");
    return cubin;
  }

 private:
  void check(CompilerResult result, const char* call) const {
    if (result == CompilerResult::success) return;
    fail(result == CompilerResult::out_of_memory ? ErrorCode::out_of_memory : ErrorCode::internal, "{}: {}",
         call, api_.nvrtcGetErrorString(result));
  }

  const NvrtcApi& api_;
  ProgramHandle program_ = nullptr;
};

}  // namespace

const NvrtcApi* nvrtc_api(std::string& absence) {
  static const LoadedLibrary<NvrtcApi> loaded = find_compiler();
  if (loaded.absence.empty()) return &loaded.api;
  absence = loaded.absence;
  return nullptr;
}

std::vector<std::byte> compile_to_cubin(const std::string& source, int major, int minor) {
  std::string absence;
  const NvrtcApi* api = nvrtc_api(absence);
  RUSTORCH_CHECK(api != nullptr, unsupported, "no compiler for CUDA: {}", absence);
  Program program(*api, source);
  const CompilerResult result =
      program.compile(fmt::format("--gpu-architecture=sm_{}{}", major, minor).c_str());
  if (result == CompilerResult::success) return program.cubin();
  fail(result == CompilerResult::out_of_memory ? ErrorCode::out_of_memory : ErrorCode::unsupported,
       "NVRTC {}.{} does not compile kernels for compute capability {}.{}: {}\n{}", api->major, api->minor,
       major, minor, api->nvrtcGetErrorString(result), annotate_log(source, program.log()));
}

}  // namespace rustorch::gpu::cuda
