#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "rustorch/backends/gpu/shared_library.h"

namespace rustorch::gpu::cuda {

/// The functions of one of NVIDIA's libraries, or why there are none.
template <class Api>
struct LoadedLibrary {
  Api api{};
  std::string absence;  ///< empty: the functions are there
};

/// "" if the driver, where there is one, is new enough for a library of this version of CUDA, which is 1000 *
/// major + 10 * minor; else why it is not. (An older driver does not run what a newer CUDA's libraries have.)
std::string too_old_driver(const std::string& library, int cuda_version);

/// Paths in the folders that these environment variables name, of those that are set: "$CUDA_PATH" + `file`.
std::vector<std::string> in_folders_of(std::initializer_list<const char*> variables, const std::string& file);

/// Opens the first of these libraries that works. `look_up(library, api)` looks the functions up;
/// `cuda_version(api, absence)` is the library's version of CUDA, or says in `absence` why it does not work.
template <class Api, class LookUp, class CudaVersion>
LoadedLibrary<Api> open_first(const std::vector<std::string>& names, const LookUp& look_up,
                              const CudaVersion& cuda_version) {
  LoadedLibrary<Api> none;
  for (const std::string& name : names) {
    LoadedLibrary<Api> loaded;
    SharedLibrary library(name);
    look_up(library, loaded.api);
    loaded.absence = library.failure();
    if (loaded.absence.empty()) {
      const int version = cuda_version(loaded.api, loaded.absence);
      loaded.absence = loaded.absence.empty() ? too_old_driver(name, version) : name + ": " + loaded.absence;
    }
    if (loaded.absence.empty()) return loaded;
    none.absence += (none.absence.empty() ? "" : "; ") + loaded.absence;
  }
  return none;
}

}  // namespace rustorch::gpu::cuda
