#include "rustorch/backends/gpu/cuda/cudnn_api.h"

#include <array>
#include <string_view>

#include "rustorch/backends/gpu/cuda/loaded_library.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu::cuda {
namespace {

void look_up(SharedLibrary& library, CudnnApi& api) {
  library.find(api.cudnnGetVersion, {"cudnnGetVersion"});
  library.find(api.cudnnGetCudartVersion, {"cudnnGetCudartVersion"});
  library.find(api.cudnnGetErrorString, {"cudnnGetErrorString"});
  library.find(api.cudnnGetLastErrorString, {"cudnnGetLastErrorString"});
  library.find(api.cudnnCreate, {"cudnnCreate"});
  library.find(api.cudnnSetStream, {"cudnnSetStream"});
  library.find(api.cudnnBackendCreateDescriptor, {"cudnnBackendCreateDescriptor"});
  library.find(api.cudnnBackendDestroyDescriptor, {"cudnnBackendDestroyDescriptor"});
  library.find(api.cudnnBackendSetAttribute, {"cudnnBackendSetAttribute"});
  library.find(api.cudnnBackendGetAttribute, {"cudnnBackendGetAttribute"});
  library.find(api.cudnnBackendFinalize, {"cudnnBackendFinalize"});
  library.find(api.cudnnBackendExecute, {"cudnnBackendExecute"});
}

LoadedLibrary<CudnnApi> find_library() {
  std::vector<std::string> names{"libcudnn.so.9"};
  for (const char* folder : {"/lib", "/lib64"}) {
    for (std::string& path :
         in_folders_of({"CUDNN_PATH", "CUDA_PATH", "CUDA_HOME"}, std::string(folder) + "/libcudnn.so.9"))
      names.push_back(std::move(path));
  }
  return open_first<CudnnApi>(names, look_up, [](const CudnnApi& api, std::string& /*absence*/) {
    return static_cast<int>(api.cudnnGetCudartVersion());
  });
}

}  // namespace

const CudnnApi* cudnn_api(std::string& absence) {
  static const LoadedLibrary<CudnnApi> loaded = find_library();
  if (loaded.absence.empty()) return &loaded.api;
  absence = loaded.absence;
  return nullptr;
}

std::string describe(const CudnnApi& api, DnnStatus status) {
  std::array<char, 512> reason{};
  api.cudnnGetLastErrorString(reason.data(), reason.size());
  const std::string_view lines(reason.data()),
      first = lines.substr(0, lines.find('\n'));  // the others are older
  const char* name = api.cudnnGetErrorString(status);
  return fmt::format("{} (cudnnStatus_t {}){}{}", name != nullptr ? name : "unknown",
                     static_cast<int>(status), first.empty() ? "" : ": ", first);
}

void check(const CudnnApi& api, DnnStatus status, const char* call) {
  if (status == DnnStatus::success) [[likely]]
    return;
  const bool memory =
      status == DnnStatus::host_allocation_failed || status == DnnStatus::device_allocation_failed;
  fail(memory ? ErrorCode::out_of_memory : ErrorCode::internal, "{}: {}", call, describe(api, status));
}

}  // namespace rustorch::gpu::cuda
