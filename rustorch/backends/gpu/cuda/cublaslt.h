#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>

#include "rustorch/backends/gpu/cuda/cublaslt_api.h"
#include "rustorch/backends/gpu/cuda/device_memory.h"
#include "rustorch/backends/gpu/matrix_library.h"

namespace rustorch::gpu::cuda {

/// Products of one device through cuBLASLt, in the order of a stream. The library is opened by the first
/// product that it is asked about. Made and destroyed while the context is current.
class CublasLt final : public MatrixLibrary {
 public:
  CublasLt(const DriverApi& driver, ContextHandle context, StreamHandle stream, DeviceMemory& memory);
  ~CublasLt() override;
  CublasLt(const CublasLt&) = delete;
  CublasLt& operator=(const CublasLt&) = delete;

  std::string description() override;
  bool takes(const LibraryProduct& product) override;
  void multiply(const LibraryProduct& product) override;

 private:
  /// All that the library's choice depends on.
  using Key = std::array<std::int64_t, 20>;
  struct Plan;
  using Plans = std::map<Key, std::unique_ptr<Plan>>;

  static Key key_of(const LibraryProduct& product);
  /// These are called while the mutex is held and the context is current.
  bool open();
  Plan& plan_for(const LibraryProduct& product);
  std::unique_ptr<Plan> make_plan(const LibraryProduct& product) const;

  const DriverApi& driver_;
  ContextHandle context_;
  StreamHandle stream_;
  DeviceMemory& memory_;
  std::mutex mutex_;
  const CublasLtApi* api_ = nullptr;
  BlasHandle handle_ = nullptr;
  std::string absence_;  ///< empty: not opened yet, or open
  DevicePointer workspace_ = 0;
  std::unique_ptr<Plans> plans_;
};

}  // namespace rustorch::gpu::cuda
