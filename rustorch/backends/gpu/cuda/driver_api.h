#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rustorch/backends/gpu/process_guard.h"

namespace rustorch::gpu::cuda {

// The part of NVIDIA's driver API that the executor calls, declared here so that the library builds where no
// CUDA is installed. Values and layouts are those of cuda.h, which promises not to change them.

/// CUresult: the values that we tell apart; others occur too.
enum class Result : int {
  success = 0,
  invalid_value = 1,
  out_of_memory = 2,
  stub_library = 34,  ///< of the library that CUDA's toolkit has for linking, where no driver is installed
  invalid_image = 200,
  no_binary_for_gpu = 209,
  invalid_ptx = 218,
  unsupported_ptx_version = 222,
  invalid_source = 300,
  not_found = 500,
  not_ready = 600,
};

/// CUdevice_attribute: what we ask a device.
enum class DeviceAttribute : int {
  max_threads_per_block = 1,
  max_shared_memory_per_block = 8,
  multiprocessor_count = 16,
  integrated = 18,
  compute_capability_major = 75,
  compute_capability_minor = 76,
  memory_pools_supported = 115,
};

using DeviceHandle = int;                           ///< CUdevice
using ContextHandle = struct ContextObject*;        ///< CUcontext
using StreamHandle = struct StreamObject*;          ///< CUstream
using EventHandle = struct EventObject*;            ///< CUevent
using ModuleHandle = struct ModuleObject*;          ///< CUmodule
using FunctionHandle = struct FunctionObject*;      ///< CUfunction
using MemoryPoolHandle = struct MemoryPoolObject*;  ///< CUmemoryPool
using DevicePointer = std::uintptr_t;               ///< CUdeviceptr

inline constexpr unsigned int stream_non_blocking = 1;   ///< CU_STREAM_NON_BLOCKING
inline constexpr unsigned int event_default = 0;         ///< CU_EVENT_DEFAULT
inline constexpr unsigned int event_disable_timing = 2;  ///< CU_EVENT_DISABLE_TIMING

/// CUmemPoolProps: a pool of a device's memory that other processes cannot reach.
struct MemoryPoolProperties {
  int allocation_type = 1;  ///< CU_MEM_ALLOCATION_TYPE_PINNED, the only one
  int handle_types = 0;     ///< CU_MEM_HANDLE_TYPE_NONE
  int location_type = 1;    ///< CU_MEM_LOCATION_TYPE_DEVICE
  int location_id = 0;      ///< the device's ordinal
  void* security_attributes = nullptr;
  std::size_t most_bytes = 0;  ///< 0: no limit of its own
  std::uint16_t usage = 0;
  unsigned char reserved[54] = {};
};
static_assert(sizeof(void*) != 8 || sizeof(MemoryPoolProperties) == 88);

/// The driver's functions, by the names of its documentation. Each is the version that cuda.h of CUDA 12 and
/// 13 maps that name to.
struct DriverApi {
  Result (*cuGetErrorName)(Result, const char** name);
  Result (*cuGetErrorString)(Result, const char** text);
  Result (*cuInit)(unsigned int flags);
  Result (*cuDriverGetVersion)(int* version);  ///< 1000 * major + 10 * minor, of CUDA

  Result (*cuDeviceGetCount)(int* count);
  Result (*cuDeviceGet)(DeviceHandle*, int ordinal);
  Result (*cuDeviceGetName)(char* name, int capacity, DeviceHandle);
  Result (*cuDeviceTotalMem)(std::size_t* bytes, DeviceHandle);
  Result (*cuDeviceGetAttribute)(int* value, DeviceAttribute, DeviceHandle);

  Result (*cuDevicePrimaryCtxRetain)(ContextHandle*, DeviceHandle);
  Result (*cuDevicePrimaryCtxRelease)(DeviceHandle);
  Result (*cuCtxPushCurrent)(ContextHandle);
  Result (*cuCtxPopCurrent)(ContextHandle*);

  Result (*cuStreamCreate)(StreamHandle*, unsigned int flags);
  Result (*cuStreamDestroy)(StreamHandle);
  Result (*cuStreamSynchronize)(StreamHandle);

  Result (*cuEventCreate)(EventHandle*, unsigned int flags);
  Result (*cuEventDestroy)(EventHandle);
  Result (*cuEventRecord)(EventHandle, StreamHandle);
  Result (*cuEventQuery)(EventHandle);
  Result (*cuEventSynchronize)(EventHandle);
  Result (*cuEventElapsedTime)(float* milliseconds, EventHandle begin, EventHandle end);

  Result (*cuMemAlloc)(DevicePointer*, std::size_t bytes);
  Result (*cuMemFree)(DevicePointer);
  Result (*cuMemPoolCreate)(MemoryPoolHandle*, const MemoryPoolProperties*);
  Result (*cuMemPoolDestroy)(MemoryPoolHandle);
  Result (*cuMemAllocFromPoolAsync)(DevicePointer*, std::size_t bytes, MemoryPoolHandle, StreamHandle);
  Result (*cuMemFreeAsync)(DevicePointer, StreamHandle);
  Result (*cuMemHostAlloc)(void**, std::size_t bytes, unsigned int flags);
  Result (*cuMemFreeHost)(void*);
  Result (*cuMemcpyHtoDAsync)(DevicePointer to, const void* from, std::size_t bytes, StreamHandle);
  Result (*cuMemcpyDtoHAsync)(void* to, DevicePointer from, std::size_t bytes, StreamHandle);
  Result (*cuMemcpyDtoDAsync)(DevicePointer to, DevicePointer from, std::size_t bytes, StreamHandle);

  Result (*cuModuleLoadData)(ModuleHandle*, const void* image);
  Result (*cuModuleUnload)(ModuleHandle);
  Result (*cuModuleGetFunction)(FunctionHandle*, ModuleHandle, const char* name);
  /// nullptr before CUDA 12.4.
  Result (*cuFuncGetParamInfo)(FunctionHandle, std::size_t index, std::size_t* offset, std::size_t* bytes);
  Result (*cuLaunchKernel)(FunctionHandle, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z,
                           unsigned int block_x, unsigned int block_y, unsigned int block_z,
                           unsigned int shared_bytes, StreamHandle, void** arguments, void** extra);

  int version;                   ///< of CUDA, as cuDriverGetVersion gives it
  ProcessGuard process{"CUDA"};  ///< the one that called cuInit
};

/// The driver, opened (libcuda.so.1) and initialized by the first call. nullptr if there is none, if it does
/// not work, or if the process was forked from one that had initialized it; then `absence` says why.
const DriverApi* driver_api(std::string& absence);

/// A result for people: "CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)".
std::string describe(const DriverApi& api, Result result);

/// Throws an Error that names the call and the result; out_of_memory for that result, else internal.
[[noreturn]] void fail_call(const DriverApi& api, Result result, std::string_view call);

/// Throws an Error that names the call (and what it was for) unless the result is success. Results also tell
/// of work that was queued before.
inline void check(const DriverApi& api, Result result, std::string_view call) {
  if (result != Result::success) [[unlikely]]
    fail_call(api, result, call);
}

/// Makes a context the calling thread's, and puts the one before back at the end of the scope.
class CurrentContext {
 public:
  /// Throws an Error (unsupported) in a forked child.
  CurrentContext(const DriverApi& api, ContextHandle context);
  ~CurrentContext();
  CurrentContext(const CurrentContext&) = delete;
  CurrentContext& operator=(const CurrentContext&) = delete;

 private:
  const DriverApi& api_;
};

/// An event of the current context.
class Event {
 public:
  /// `flags` as for cuEventCreate: event_default measures time.
  Event(const DriverApi& api, unsigned int flags);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Marks the work that is in the stream now.
  void record(StreamHandle stream);
  /// Whether the work that was marked is done; true if none was.
  bool is_done() const;
  /// Waits for the work that was marked; returns at once if none was.
  void synchronize() const;
  /// Seconds of the device's clock between two events that have happened.
  double seconds_since(const Event& begin) const;

 private:
  const DriverApi& api_;
  EventHandle event_ = nullptr;
};

}  // namespace rustorch::gpu::cuda
