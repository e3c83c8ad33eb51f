#include "rustorch/backends/gpu/opencl/opencl_api.h"

#include <array>
#include <utility>

#include "rustorch/backends/gpu/shared_library.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu::opencl {
namespace {

struct Loaded {
  OpenClApi api{};
  std::string absence;
};

Loaded load() {
  Loaded loaded;
  OpenClApi& api = loaded.api;
  std::string first_failure;
  for (const char* name :
       {"libOpenCL.so.1", "libOpenCL.so", "/System/Library/Frameworks/OpenCL.framework/OpenCL"}) {
    SharedLibrary library(name);  // stays open for the process
    library.find(api.clGetPlatformIDs, {"clGetPlatformIDs"});
    library.find(api.clGetPlatformInfo, {"clGetPlatformInfo"});
    library.find(api.clGetDeviceIDs, {"clGetDeviceIDs"});
    library.find(api.clGetDeviceInfo, {"clGetDeviceInfo"});
    library.find(api.clCreateContext, {"clCreateContext"});
    library.find(api.clReleaseContext, {"clReleaseContext"});
    library.find(api.clCreateCommandQueue, {"clCreateCommandQueue"});
    library.find(api.clReleaseCommandQueue, {"clReleaseCommandQueue"});
    library.find(api.clCreateBuffer, {"clCreateBuffer"});
    library.find(api.clReleaseMemObject, {"clReleaseMemObject"});
    library.find(api.clCreateProgramWithSource, {"clCreateProgramWithSource"});
    library.find(api.clCreateProgramWithBinary, {"clCreateProgramWithBinary"});
    library.find(api.clBuildProgram, {"clBuildProgram"});
    library.find(api.clGetProgramInfo, {"clGetProgramInfo"});
    library.find(api.clGetProgramBuildInfo, {"clGetProgramBuildInfo"});
    library.find(api.clReleaseProgram, {"clReleaseProgram"});
    library.find(api.clCreateKernel, {"clCreateKernel"});
    library.find(api.clReleaseKernel, {"clReleaseKernel"});
    library.find(api.clSetKernelArg, {"clSetKernelArg"});
    library.find(api.clEnqueueNDRangeKernel, {"clEnqueueNDRangeKernel"});
    library.find(api.clEnqueueReadBuffer, {"clEnqueueReadBuffer"});
    library.find(api.clEnqueueWriteBuffer, {"clEnqueueWriteBuffer"});
    library.find(api.clEnqueueCopyBuffer, {"clEnqueueCopyBuffer"});
    library.find(api.clEnqueueMarkerWithWaitList, {"clEnqueueMarkerWithWaitList"});
    library.find(api.clGetEventProfilingInfo, {"clGetEventProfilingInfo"});
    library.find(api.clGetEventInfo, {"clGetEventInfo"});
    library.find(api.clWaitForEvents, {"clWaitForEvents"});
    library.find(api.clReleaseEvent, {"clReleaseEvent"});
    library.find(api.clFlush, {"clFlush"});
    library.find(api.clFinish, {"clFinish"});
    if (library.failure().empty()) return loaded;
    if (first_failure.empty()) first_failure = library.failure();
  }
  loaded.absence = "the OpenCL loader does not work: " + first_failure;
  return loaded;
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
