#include "rustorch/backends/gpu/gpu_backend.h"

#include "rustorch/backends/gpu/convolution_library.h"
#include "rustorch/backends/gpu/matrix_library.h"
#include "rustorch/backends/gpu/product_probe.h"
#include "rustorch/core/log.h"
#include "rustorch/error/error.h"
#include "rustorch/memory/format_bytes.h"

namespace rustorch::gpu {

GpuBackend::GpuBackend(Device device, std::unique_ptr<KernelExecutor> executor)
    : device_(device),
      executor_(std::move(executor)),
      allocator_(*executor_, device.to_string()),
      kernels_(*executor_),
      index_checks_(*executor_, allocator_) {}

std::vector<std::pair<std::string, std::string>> GpuBackend::capabilities() const {
  const DeviceFacts& facts = executor_->facts();
  std::vector<std::pair<std::string, std::string>> pairs = {{"name", facts.name}};
  if (!facts.vendor.empty()) pairs.emplace_back("vendor", facts.vendor);
  pairs.emplace_back("driver", facts.driver);
  pairs.emplace_back("memory", format_bytes(facts.memory_bytes));
  pairs.emplace_back("largest buffer", format_bytes(facts.largest_buffer_bytes));
  pairs.emplace_back("local memory", format_bytes(facts.local_memory_bytes));
  if (facts.compute_units != 0) pairs.emplace_back("compute units", std::to_string(facts.compute_units));
  pairs.emplace_back("threads in a group", std::to_string(facts.most_group_threads));
  pairs.emplace_back("float64", facts.has_float64 ? "yes" : "no");
  pairs.emplace_back("memory shared with the host", facts.unified_memory ? "yes" : "no");
  if (MatrixLibrary* library = executor_->matrix_library(); library != nullptr)
    pairs.emplace_back("matrix products", library->description());
  if (ConvolutionLibrary* library = executor_->convolution_library(); library != nullptr)
    pairs.emplace_back("convolutions", library->description());
  return pairs;
}

bool GpuBackend::supports(Kind kind, DType dtype) const noexcept {
  if (kind == Kind::gather) return true;              // elements are only moved
  if (kind == Kind::sort) return !is_complex(dtype);  // by their bits
  if (is_complex(dtype) || (dtype == DType::float64 && !executor_->facts().has_float64)) return false;
  switch (kind) {
    case Kind::elementwise:
    case Kind::reduce:
    case Kind::arg_reduce:
    case Kind::scan:
    case Kind::generate:
    case Kind::scatter:
    case Kind::nonzero:
      return true;
    case Kind::matmul:
      return dtype != DType::bool_ && has_products();
    case Kind::convolution:
      return is_floating_point(dtype) && has_products();
    case Kind::pooling:
      return is_floating_point(dtype) || is_integral(dtype);  // integers: max only
    case Kind::batch_norm:
    case Kind::layer_norm:
    case Kind::softmax:
    case Kind::cross_entropy:
      return is_floating_point(dtype);
    case Kind::gather:
    case Kind::sort:
      break;
  }
  return true;
}

bool GpuBackend::has_products() const noexcept {
  if (!executor_->facts().products_need_probe) return true;
  std::call_once(products_tried_, [this] {
    has_products_ = multiplies_rightly(const_cast<GpuBackend&>(*this));
    if (!has_products_)
      log_warning(device_.to_string() + ": its compiler gets matrix products wrong; they run on the cpu");
  });
  return has_products_;
}

bool GpuBackend::prefers_channels_last(DType dtype) const noexcept {
  // Tensor cores want the channels innermost: libraries copy other activations to that order and back. Our
  // kernels are as fast in both.
  const bool has_tensor_cores =
      is_reduced_precision(dtype) ||
      (dtype == DType::float32 && float32_convolution_precision() == Float32Precision::high);
  return has_tensor_cores && executor_->convolution_library() != nullptr;
}

void GpuBackend::copy_from_host(void* destination, std::size_t offset, const void* source,
                                std::size_t bytes) {
  if (bytes != 0) executor_->write(destination, offset, source, bytes);
}

void GpuBackend::copy_to_host(void* destination, const void* source, std::size_t offset, std::size_t bytes) {
  if (bytes != 0) executor_->read(const_cast<void*>(source), offset, destination, bytes);
  index_checks_.report();
}

void GpuBackend::synchronize() {
  executor_->synchronize();
  index_checks_.report();
}

void GpuBackend::launch_bytes(const KernelSource& source, const char* kernel, const LaunchShape& shape,
                              std::span<const BufferHandle> buffers, const void* parameters,
                              std::size_t size) {
  constexpr std::size_t most_buffers = 30;  // Metal's limit is 31 with the struct
  std::array<KernelArgument, most_buffers + 1> arguments;
  RUSTORCH_CHECK(buffers.size() <= most_buffers, internal, "kernel {} takes {} buffers", kernel,
                 buffers.size());
  for (std::size_t k = 0; k < buffers.size(); ++k) arguments[k].buffer = buffers[k];
  arguments[buffers.size()] = {nullptr, parameters, size};
  executor_->launch(kernels_.get(source.key(), kernel, [&] { return source.text(); }), shape,
                    std::span(arguments).first(buffers.size() + 1));
}

}  // namespace rustorch::gpu
