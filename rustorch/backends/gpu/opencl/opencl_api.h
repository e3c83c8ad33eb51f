#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace rustorch::gpu::opencl {

// The part of OpenCL 1.2's C interface that we use, from its specification (Khronos, "The OpenCL
// Specification", version 1.2), so that no header of OpenCL is needed to build: the loader is opened at run
// time.

struct PlatformTag;
struct DeviceTag;
struct ContextTag;
struct QueueTag;
struct MemoryTag;
struct ProgramTag;
struct KernelTag;
struct EventTag;
using Platform = PlatformTag*;
using DeviceId = DeviceTag*;
using Context = ContextTag*;
using Queue = QueueTag*;
using Memory = MemoryTag*;
using Program = ProgramTag*;
using KernelId = KernelTag*;
using Event = EventTag*;

using Status = std::int32_t;
using Bits = std::uint64_t;
using Name = std::uint32_t;

inline constexpr Status success = 0, device_not_found = -1, memory_object_failure = -4, out_of_resources = -5,
                        out_of_host_memory = -6, build_program_failure = -11, no_platform = -1001;
inline constexpr Bits all_devices = 0xFFFFFFFF, profiling_enabled = 2, read_write = 1;
inline constexpr Name platform_name = 0x0902, platform_version = 0x0901;
inline constexpr Name device_type = 0x1000, device_max_compute_units = 0x1002,
                      device_max_work_group_size = 0x1004, device_max_memory_allocation = 0x1010,
                      device_max_parameter_size = 0x1017, device_fp_config = 0x101B,
                      device_global_memory = 0x101F, device_local_memory = 0x1023, device_available = 0x1027,
                      device_compiler_available = 0x1028, device_name = 0x102B, device_vendor = 0x102C,
                      driver_version = 0x102D, device_version = 0x102F, device_extensions = 0x1030,
                      device_double_config = 0x1032, device_unified_memory = 0x1035;
/// Of device_fp_config: divisions and square roots can be rounded correctly.
inline constexpr Bits correctly_rounded_divide = 1u << 7;
inline constexpr Name program_binary_sizes = 0x1165, program_binaries = 0x1166, program_kernel_count = 0x1167,
                      program_build_log = 0x1183;
inline constexpr Name event_status = 0x11D3, event_ended = 0x1283;
/// A status of an event: done. Larger ones are still to come, negative ones errors.
inline constexpr Status event_complete = 0;

using Notify = void (*)(const char*, const void*, std::size_t, void*);
using BuildNotify = void (*)(Program, void*);

/// The entry points, by OpenCL's names.
struct OpenClApi {
  Status (*clGetPlatformIDs)(std::uint32_t, Platform*, std::uint32_t*);
  Status (*clGetPlatformInfo)(Platform, Name, std::size_t, void*, std::size_t*);
  Status (*clGetDeviceIDs)(Platform, Bits, std::uint32_t, DeviceId*, std::uint32_t*);
  Status (*clGetDeviceInfo)(DeviceId, Name, std::size_t, void*, std::size_t*);
  Context (*clCreateContext)(const std::intptr_t*, std::uint32_t, const DeviceId*, Notify, void*, Status*);
  Status (*clReleaseContext)(Context);
  Queue (*clCreateCommandQueue)(Context, DeviceId, Bits, Status*);
  Status (*clReleaseCommandQueue)(Queue);
  Memory (*clCreateBuffer)(Context, Bits, std::size_t, void*, Status*);
  Status (*clReleaseMemObject)(Memory);
  Program (*clCreateProgramWithSource)(Context, std::uint32_t, const char**, const std::size_t*, Status*);
  Program (*clCreateProgramWithBinary)(Context, std::uint32_t, const DeviceId*, const std::size_t*,
                                       const unsigned char**, Status*, Status*);
  Status (*clBuildProgram)(Program, std::uint32_t, const DeviceId*, const char*, BuildNotify, void*);
  Status (*clGetProgramInfo)(Program, Name, std::size_t, void*, std::size_t*);
  Status (*clGetProgramBuildInfo)(Program, DeviceId, Name, std::size_t, void*, std::size_t*);
  Status (*clReleaseProgram)(Program);
  KernelId (*clCreateKernel)(Program, const char*, Status*);
  Status (*clReleaseKernel)(KernelId);
  Status (*clSetKernelArg)(KernelId, std::uint32_t, std::size_t, const void*);
  Status (*clEnqueueNDRangeKernel)(Queue, KernelId, std::uint32_t, const std::size_t*, const std::size_t*,
                                   const std::size_t*, std::uint32_t, const Event*, Event*);
  Status (*clEnqueueReadBuffer)(Queue, Memory, std::uint32_t, std::size_t, std::size_t, void*, std::uint32_t,
                                const Event*, Event*);
  Status (*clEnqueueWriteBuffer)(Queue, Memory, std::uint32_t, std::size_t, std::size_t, const void*,
                                 std::uint32_t, const Event*, Event*);
  Status (*clEnqueueCopyBuffer)(Queue, Memory, Memory, std::size_t, std::size_t, std::size_t, std::uint32_t,
                                const Event*, Event*);
  Status (*clEnqueueMarkerWithWaitList)(Queue, std::uint32_t, const Event*, Event*);
  Status (*clGetEventProfilingInfo)(Event, Name, std::size_t, void*, std::size_t*);
  Status (*clGetEventInfo)(Event, Name, std::size_t, void*, std::size_t*);
  Status (*clWaitForEvents)(std::uint32_t, const Event*);
  Status (*clReleaseEvent)(Event);
  Status (*clFlush)(Queue);
  Status (*clFinish)(Queue);
};

/// The loader's entry points, opened once for the process; nullptr, and why, where there is no loader.
const OpenClApi* opencl_api(std::string& absence);

/// "CL_OUT_OF_RESOURCES", or the number.
std::string status_name(Status status);

/// Throws an Error that names the call, unless `status` is success.
void check(Status status, const char* call);

}  // namespace rustorch::gpu::opencl
