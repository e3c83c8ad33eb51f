#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace rustorch::gpu::cuda {

// The part of NVRTC, NVIDIA's run-time compiler, that we call, declared here so that the library builds where
// no CUDA is installed.

/// nvrtcResult: the values that we tell apart; others occur too.
enum class CompilerResult : int { success = 0, out_of_memory = 1, invalid_option = 5, compilation = 6 };

using ProgramHandle = struct ProgramObject*;  ///< nvrtcProgram

/// The compiler's functions, by the names of its documentation.
struct NvrtcApi {
  const char* (*nvrtcGetErrorString)(CompilerResult);
  CompilerResult (*nvrtcVersion)(int* major, int* minor);
  CompilerResult (*nvrtcCreateProgram)(ProgramHandle*, const char* source, const char* name, int header_count,
                                       const char* const* headers, const char* const* header_names);
  CompilerResult (*nvrtcDestroyProgram)(ProgramHandle*);
  CompilerResult (*nvrtcCompileProgram)(ProgramHandle, int option_count, const char* const* options);
  CompilerResult (*nvrtcGetProgramLogSize)(ProgramHandle, std::size_t* bytes);
  CompilerResult (*nvrtcGetProgramLog)(ProgramHandle, char* log);
  CompilerResult (*nvrtcGetCUBINSize)(ProgramHandle, std::size_t* bytes);
  CompilerResult (*nvrtcGetCUBIN)(ProgramHandle, char* cubin);

  int major, minor;  ///< of CUDA, as nvrtcVersion gives them
};

/// The compiler, opened by the first call: the first of libnvrtc.so.13, libnvrtc.so.12 and libnvrtc.so that
/// works and is no newer than the driver, where there is one (an older driver does not load what a newer
/// CUDA's compiler makes). nullptr if there is none; then `absence` says why.
const NvrtcApi* nvrtc_api(std::string& absence);

/// What decides the compiled code beside the source and the device.
inline constexpr std::array compiler_options{"--fmad=false", "--std=c++17", "-default-device"};

/// Compiles CUDA C++ for the GPUs of one compute capability, with the options that give the bits of the
/// other backends: multiplications and additions are not fused, divisions and roots are rounded correctly,
/// subnormal numbers are kept. Needs no GPU. Throws an Error (unsupported) with the compiler's log, beside
/// the lines that it complains of, if the source is not accepted or there is no compiler.
std::vector<std::byte> compile_to_cubin(const std::string& source, int major, int minor);

}  // namespace rustorch::gpu::cuda
