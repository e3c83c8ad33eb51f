#include "rustorch/backends/gpu/cuda/cublaslt_api.h"

#include <cstdlib>
#include <vector>

#include "rustorch/backends/gpu/shared_library.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu::cuda {
namespace {

struct LoadedLibrary {
  CublasLtApi api{};
  std::string absence;
};

/// The library of this name, or why it does not do. `newest_major` is the driver's version of CUDA, 0 if
/// there is no driver.
LoadedLibrary open_library(const std::string& name, std::size_t newest_major) {
  LoadedLibrary loaded;
  CublasLtApi& api = loaded.api;
  SharedLibrary library(name);
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
  loaded.absence = library.failure();
  if (!loaded.absence.empty()) return loaded;
  const std::size_t cuda = api.cublasLtGetCudartVersion();
  if (newest_major != 0 && cuda / 1000 > newest_major) {
    loaded.absence = fmt::format("{} is of CUDA {}.{}, which the driver, of CUDA {}, is too old for", name,
                                 cuda / 1000, cuda % 1000 / 10, newest_major);
  }
  return loaded;
}

LoadedLibrary find_library() {
  std::string unused;
  const DriverApi* driver = driver_api(unused);
  const auto newest_major = driver != nullptr ? static_cast<std::size_t>(driver->version / 1000) : 0;
  std::vector<std::string> names{"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"};
  for (const char* variable : {"CUDA_PATH", "CUDA_HOME"}) {
    if (const char* folder = std::getenv(variable); folder != nullptr && *folder != '\0')
      names.push_back(std::string(folder) + "/lib64/libcublasLt.so");
  }
  LoadedLibrary none;
  for (const std::string& name : names) {
    LoadedLibrary loaded = open_library(name, newest_major);
    if (loaded.absence.empty()) return loaded;
    none.absence += (none.absence.empty() ? "" : "; ") + loaded.absence;
  }
  return none;
}

}  // namespace

const CublasLtApi* cublaslt_api(std::string& absence) {
  static const LoadedLibrary loaded = find_library();
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
