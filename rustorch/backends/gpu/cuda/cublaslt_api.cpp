#include "rustorch/backends/gpu/cuda/cublaslt_api.h"

#include <utility>

#include "rustorch/backends/gpu/cuda/loaded_library.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu::cuda {
namespace {

void look_up(SharedLibrary& library, CublasLtApi& api) {
  library.find(api.cublasLtGetStatusName, {"cublasLtGetStatusName"});
  library.find(api.cublasLtGetVersion, {"cublasLtGetVersion"});
  library.find(api.cublasLtGetCudartVersion, {"cublasLtGetCudartVersion"});
  library.find(api.cublasLtCreate, {"cublasLtCreate"});
  library.find(api.cublasLtMatmulDescCreate, {"cublasLtMatmulDescCreate"});
  library.find(api.cublasLtMatmulDescDestroy, {"cublasLtMatmulDescDestroy"});
  library.find(api.cublasLtMatmulDescSetAttribute, {"cublasLtMatmulDescSetAttribute"});
  library.find(api.cublasLtMatrixLayoutCreate, {"cublasLtMatrixLayoutCreate"});
  library.find(api.cublasLtMatrixLayoutDestroy, {"cublasLtMatrixLayoutDestroy"});
  library.find(api.cublasLtMatrixLayoutSetAttribute, {"cublasLtMatrixLayoutSetAttribute"});
  library.find(api.cublasLtMatmulPreferenceCreate, {"cublasLtMatmulPreferenceCreate"});
  library.find(api.cublasLtMatmulPreferenceDestroy, {"cublasLtMatmulPreferenceDestroy"});
  library.find(api.cublasLtMatmulPreferenceSetAttribute, {"cublasLtMatmulPreferenceSetAttribute"});
  library.find(api.cublasLtMatmulAlgoGetHeuristic, {"cublasLtMatmulAlgoGetHeuristic"});
  library.find(api.cublasLtMatmul, {"cublasLtMatmul"});
}

LoadedLibrary<CublasLtApi> find_library() {
  std::vector<std::string> names{"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"};
  for (std::string& path : in_folders_of({"CUDA_PATH", "CUDA_HOME"}, "/lib64/libcublasLt.so"))
    names.push_back(std::move(path));
  return open_first<CublasLtApi>(names, look_up, [](const CublasLtApi& api, std::string& /*absence*/) {
    return static_cast<int>(api.cublasLtGetCudartVersion());
  });
}

}  // namespace

const CublasLtApi* cublaslt_api(std::string& absence) {
  static const LoadedLibrary<CublasLtApi> loaded = find_library();
  if (loaded.absence.empty()) return &loaded.api;
  absence = loaded.absence;
  return nullptr;
}

void fail_call(const CublasLtApi& api, BlasStatus status, const char* call) {
  const char* name = api.cublasLtGetStatusName(status);
  fail(status == BlasStatus::alloc_failed ? ErrorCode::out_of_memory : ErrorCode::internal,
       "{}: {} (cublasStatus_t {})", call, name != nullptr ? name : "unknown", static_cast<int>(status));
}

}  // namespace rustorch::gpu::cuda
