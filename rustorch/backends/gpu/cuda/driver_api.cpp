#include "rustorch/backends/gpu/cuda/driver_api.h"

#include "rustorch/backends/gpu/shared_library.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu::cuda {
namespace {

struct LoadedDriver {
  DriverApi api{};
  std::string absence;
};

/// Everything that the linker knows of the library: its functions, or what is missing.
std::string find_functions(DriverApi& api) {
  SharedLibrary library("libcuda.so.1");
  library.find(api.cuGetErrorName, {"cuGetErrorName"});
  library.find(api.cuGetErrorString, {"cuGetErrorString"});
  library.find(api.cuInit, {"cuInit"});
  library.find(api.cuDriverGetVersion, {"cuDriverGetVersion"});
  library.find(api.cuDeviceGetCount, {"cuDeviceGetCount"});
  library.find(api.cuDeviceGet, {"cuDeviceGet"});
  library.find(api.cuDeviceGetName, {"cuDeviceGetName"});
  library.find(api.cuDeviceTotalMem, {"cuDeviceTotalMem_v2"});
  library.find(api.cuDeviceGetAttribute, {"cuDeviceGetAttribute"});
  library.find(api.cuDevicePrimaryCtxRetain, {"cuDevicePrimaryCtxRetain"});
  library.find(api.cuDevicePrimaryCtxRelease, {"cuDevicePrimaryCtxRelease_v2"});
  library.find(api.cuCtxPushCurrent, {"cuCtxPushCurrent_v2"});
  library.find(api.cuCtxPopCurrent, {"cuCtxPopCurrent_v2"});
  library.find(api.cuStreamCreate, {"cuStreamCreate"});
  library.find(api.cuStreamDestroy, {"cuStreamDestroy_v2"});
  library.find(api.cuStreamSynchronize, {"cuStreamSynchronize"});
  library.find(api.cuEventCreate, {"cuEventCreate"});
  library.find(api.cuEventDestroy, {"cuEventDestroy_v2"});
  library.find(api.cuEventRecord, {"cuEventRecord"});
  library.find(api.cuEventQuery, {"cuEventQuery"});
  library.find(api.cuEventSynchronize, {"cuEventSynchronize"});
  // Drivers before CUDA 12.8 have the first version only.
  library.find(api.cuEventElapsedTime, {"cuEventElapsedTime_v2", "cuEventElapsedTime"});
  library.find(api.cuMemAlloc, {"cuMemAlloc_v2"});
  library.find(api.cuMemFree, {"cuMemFree_v2"});
  library.find(api.cuMemPoolCreate, {"cuMemPoolCreate"});
  library.find(api.cuMemPoolDestroy, {"cuMemPoolDestroy"});
  library.find(api.cuMemAllocFromPoolAsync, {"cuMemAllocFromPoolAsync"});
  library.find(api.cuMemFreeAsync, {"cuMemFreeAsync"});
  library.find(api.cuMemHostAlloc, {"cuMemHostAlloc"});
  library.find(api.cuMemFreeHost, {"cuMemFreeHost"});
  library.find(api.cuMemcpyHtoDAsync, {"cuMemcpyHtoDAsync_v2"});
  library.find(api.cuMemcpyDtoHAsync, {"cuMemcpyDtoHAsync_v2"});
  library.find(api.cuMemcpyDtoDAsync, {"cuMemcpyDtoDAsync_v2"});
  library.find(api.cuModuleLoadData, {"cuModuleLoadData"});
  library.find(api.cuModuleUnload, {"cuModuleUnload"});
  library.find(api.cuModuleGetFunction, {"cuModuleGetFunction"});
  library.find_optional(api.cuFuncGetParamInfo, {"cuFuncGetParamInfo"});
  library.find(api.cuLaunchKernel, {"cuLaunchKernel"});
  return library.failure();
}

LoadedDriver load_driver() {
  LoadedDriver loaded;
  DriverApi& api = loaded.api;
  loaded.absence = find_functions(api);
  if (!loaded.absence.empty()) return loaded;
  Result result = api.cuInit(0);
  const char* call = "cuInit";
  if (result == Result::success) {
    result = api.cuDriverGetVersion(&api.version);
    call = "cuDriverGetVersion";
  }
  if (result == Result::stub_library) {
    loaded.absence = "libcuda.so.1 is the toolkit's, which programs are linked with, and no driver";
  } else if (result != Result::success) {
    loaded.absence = fmt::format("{}: {}", call, describe(api, result));
  }
  return loaded;
}

}  // namespace

const DriverApi* driver_api(std::string& absence) {
  static const LoadedDriver loaded = load_driver();
  if (!loaded.absence.empty()) {
    absence = loaded.absence;
    return nullptr;
  }
  if (!loaded.api.process.is_same()) {
    absence = "CUDA was initialized before fork(): its devices cannot be used in the child process";
    return nullptr;
  }
  return &loaded.api;
}

std::string describe(const DriverApi& api, Result result) {
  const char* name = nullptr;
  const char* text = nullptr;
  if (api.cuGetErrorName(result, &name) != Result::success || name == nullptr)
    return fmt::format("CUresult {}", static_cast<int>(result));
  if (api.cuGetErrorString(result, &text) != Result::success || text == nullptr) return name;
  return fmt::format("{} ({})", name, text);
}

void fail_call(const DriverApi& api, Result result, std::string_view call) {
  fail(result == Result::out_of_memory ? ErrorCode::out_of_memory : ErrorCode::internal, "{}: {}", call,
       describe(api, result));
}

CurrentContext::CurrentContext(const DriverApi& api, ContextHandle context) : api_(api) {
  api_.process.require_same();
  check(api_, api_.cuCtxPushCurrent(context), "cuCtxPushCurrent");
}

CurrentContext::~CurrentContext() {
  ContextHandle popped = nullptr;
  api_.cuCtxPopCurrent(&popped);
}

Event::Event(const DriverApi& api, unsigned int flags) : api_(api) {
  check(api_, api_.cuEventCreate(&event_, flags), "cuEventCreate");
}

Event::~Event() { api_.cuEventDestroy(event_); }

void Event::record(StreamHandle stream) { check(api_, api_.cuEventRecord(event_, stream), "cuEventRecord"); }

bool Event::is_done() const {
  const Result result = api_.cuEventQuery(event_);
  if (result == Result::not_ready) return false;
  check(api_, result, "cuEventQuery");
  return true;
}

void Event::synchronize() const { check(api_, api_.cuEventSynchronize(event_), "cuEventSynchronize"); }

double Event::seconds_since(const Event& begin) const {
  float milliseconds = 0;
  check(api_, api_.cuEventElapsedTime(&milliseconds, begin.event_, event_), "cuEventElapsedTime");
  return static_cast<double>(milliseconds) * 1e-3;
}

}  // namespace rustorch::gpu::cuda
