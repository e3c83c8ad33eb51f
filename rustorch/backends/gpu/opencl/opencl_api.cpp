#include "rustorch/backends/gpu/opencl/opencl_api.h"

#include <dlfcn.h>

#include <array>
#include <utility>

#include "rustorch/error/error.h"

namespace rustorch::gpu::opencl {
namespace {

struct Loaded {
  OpenClApi api{};
  std::string absence;
};

template <class Function>
bool find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  return function != nullptr;
}

Loaded load() {
  Loaded loaded;
  constexpr std::array names = {"libOpenCL.so.1", "libOpenCL.so",
                                "/System/Library/Frameworks/OpenCL.framework/OpenCL"};
  void* library = nullptr;
  std::string first_reason;
  for (const char* name : names) {
    library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) break;
    const char* reason = dlerror();
    if (first_reason.empty() && reason != nullptr) first_reason = reason;
  }
  if (library == nullptr) {
    loaded.absence = "the OpenCL loader cannot be opened (" + first_reason + ")";
    return loaded;
  }
  const char* missing = nullptr;
  const auto take = [&](const char* name, auto& function) {
    if (!find(library, name, function) && missing == nullptr) missing = name;
  };
  OpenClApi& api = loaded.api;
  take("clGetPlatformIDs", api.clGetPlatformIDs);
  take("clGetPlatformInfo", api.clGetPlatformInfo);
  take("clGetDeviceIDs", api.clGetDeviceIDs);
  take("clGetDeviceInfo", api.clGetDeviceInfo);
  take("clCreateContext", api.clCreateContext);
  take("clReleaseContext", api.clReleaseContext);
  take("clCreateCommandQueue", api.clCreateCommandQueue);
  take("clReleaseCommandQueue", api.clReleaseCommandQueue);
  take("clCreateBuffer", api.clCreateBuffer);
  take("clReleaseMemObject", api.clReleaseMemObject);
  take("clCreateProgramWithSource", api.clCreateProgramWithSource);
  take("clCreateProgramWithBinary", api.clCreateProgramWithBinary);
  take("clBuildProgram", api.clBuildProgram);
  take("clGetProgramInfo", api.clGetProgramInfo);
  take("clGetProgramBuildInfo", api.clGetProgramBuildInfo);
  take("clReleaseProgram", api.clReleaseProgram);
  take("clCreateKernel", api.clCreateKernel);
  take("clReleaseKernel", api.clReleaseKernel);
  take("clSetKernelArg", api.clSetKernelArg);
  take("clEnqueueNDRangeKernel", api.clEnqueueNDRangeKernel);
  take("clEnqueueReadBuffer", api.clEnqueueReadBuffer);
  take("clEnqueueWriteBuffer", api.clEnqueueWriteBuffer);
  take("clEnqueueCopyBuffer", api.clEnqueueCopyBuffer);
  take("clEnqueueMarkerWithWaitList", api.clEnqueueMarkerWithWaitList);
  take("clGetEventProfilingInfo", api.clGetEventProfilingInfo);
  take("clReleaseEvent", api.clReleaseEvent);
  take("clFlush", api.clFlush);
  take("clFinish", api.clFinish);
  if (missing != nullptr) loaded.absence = std::string("the OpenCL loader has no ") + missing;
  return loaded;  // the library stays open for the process
}

}  // namespace

const OpenClApi* opencl_api(std::string& absence) {
  static const Loaded& loaded = *new Loaded(load());
  if (loaded.absence.empty()) return &loaded.api;
  absence = loaded.absence;
  return nullptr;
}

std::string status_name(Status status) {
  constexpr std::array<std::pair<Status, const char*>, 22> names = {{
      {-1, "CL_DEVICE_NOT_FOUND"},
      {-2, "CL_DEVICE_NOT_AVAILABLE"},
      {-3, "CL_COMPILER_NOT_AVAILABLE"},
      {-4, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
      {-5, "CL_OUT_OF_RESOURCES"},
      {-6, "CL_OUT_OF_HOST_MEMORY"},
      {-7, "CL_PROFILING_INFO_NOT_AVAILABLE"},
      {-11, "CL_BUILD_PROGRAM_FAILURE"},
      {-30, "CL_INVALID_VALUE"},
      {-36, "CL_INVALID_COMMAND_QUEUE"},
      {-38, "CL_INVALID_MEM_OBJECT"},
      {-42, "CL_INVALID_BINARY"},
      {-43, "CL_INVALID_BUILD_OPTIONS"},
      {-45, "CL_INVALID_PROGRAM_EXECUTABLE"},
      {-46, "CL_INVALID_KERNEL_NAME"},
      {-49, "CL_INVALID_ARG_INDEX"},
      {-50, "CL_INVALID_ARG_VALUE"},
      {-51, "CL_INVALID_ARG_SIZE"},
      {-52, "CL_INVALID_KERNEL_ARGS"},
      {-54, "CL_INVALID_WORK_GROUP_SIZE"},
      {-61, "CL_INVALID_BUFFER_SIZE"},
      {-1001, "CL_PLATFORM_NOT_FOUND_KHR"},
  }};
  for (const auto& [value, name] : names) {
    if (value == status) return name;
  }
  return fmt::format("status {}", status);
}

void check(Status status, const char* call) {
  if (status == success) return;
  const bool memory =
      status == memory_object_failure || status == out_of_resources || status == out_of_host_memory;
  fail(memory ? ErrorCode::out_of_memory : ErrorCode::internal, "{} failed: {}", call, status_name(status));
}

}  // namespace rustorch::gpu::opencl
