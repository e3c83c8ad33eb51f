#include "rustorch/backends/gpu/cuda/loaded_library.h"

#include <fmt/format.h>

#include <cstdlib>

#include "rustorch/backends/gpu/cuda/driver_api.h"

namespace rustorch::gpu::cuda {

std::string too_old_driver(const std::string& library, int cuda_version) {
  std::string unused;
  const DriverApi* driver = driver_api(unused);
  if (driver == nullptr || cuda_version / 1000 <= driver->version / 1000) return {};
  return fmt::format("{} is of CUDA {}.{}, which the driver, of CUDA {}, is too old for", library,
                     cuda_version / 1000, cuda_version % 1000 / 10, driver->version / 1000);
}

std::vector<std::string> in_folders_of(std::initializer_list<const char*> variables,
                                       const std::string& file) {
  std::vector<std::string> paths;
  for (const char* variable : variables) {
    if (const char* folder = std::getenv(variable); folder != nullptr && *folder != '\0')
      paths.push_back(std::string(folder) + file);
  }
  return paths;
}

}  // namespace rustorch::gpu::cuda
