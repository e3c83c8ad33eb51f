#include "rustorch/backends/gpu/gpu_backend.h"

#include <algorithm>

#include "rustorch/backends/gpu/convolution_library.h"
#include "rustorch/backends/gpu/matrix_library.h"
#include "rustorch/backends/gpu/product_probe.h"
#include "rustorch/backends/launch_profile.h"
#include "rustorch/core/log.h"
#include "rustorch/error/error.h"
#include "rustorch/memory/format_bytes.h"

namespace rustorch::gpu {

GpuBackend::GpuBackend(Device device, std::unique_ptr<KernelExecutor> executor)
    : device_(device),
      executor_(std::move(executor)),
      allocator_(*executor_, device.to_string()),
      kernels_(*executor_),
      index_checks_(*executor_, allocator_),
      probes_(*executor_, [this] { return try_products(*this); }) {}

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

std::vector<std::pair<std::string, std::string>> GpuBackend::measured_capabilities() {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t k = 0; k < probe_count; ++k) {
    const auto probe = static_cast<Probe>(k);
    // Elsewhere products are the compiler's usual work, or a library's, which need not be opened for this.
    if (probe == Probe::products && !executor_->facts().products_need_probe) continue;
    std::string name(to_string(probe));
    std::ranges::replace(name, '_', ' ');
    pairs.emplace_back(std::move(name), probes_.result(probe).to_string());
  }
  return pairs;
}

std::string GpuBackend::defect(DType dtype) {
  const auto defect_by = [&](Probe probe) {
    const ProbeResult& result = probes_.result(probe);
    return result.works() ? std::string()
                          : fmt::format("{} on {}: {}", to_string(probe), device_, result.to_string());
  };
  switch (dtype) {
    case DType::float16:
      return defect_by(Probe::float16_storage);
    case DType::bfloat16:
      return defect_by(Probe::bfloat16_storage);
    case DType::float64:
    case DType::complex128:
      // Where the device has none the work falls back, which `supports` says.
      return executor_->facts().has_float64 ? defect_by(Probe::float64) : std::string();
    case DType::int64:
      return defect_by(Probe::int64);
    default:
      return {};
  }
}

DeviceMemorySize GpuBackend::memory_size() const noexcept {
  return {executor_->facts().memory_bytes, executor_->facts().largest_buffer_bytes};
}

bool GpuBackend::supports(Kind kind, DType dtype) const noexcept {
  if (kind == Kind::gather) return true;              // elements are only moved
  if (kind == Kind::sort) return !is_complex(dtype);  // by their bits
  if (real_dtype(dtype) == DType::float64 && !executor_->facts().has_float64) return false;
  switch (kind) {
    case Kind::elementwise:
    case Kind::reduce:
    case Kind::scan:
    case Kind::generate:
    case Kind::scatter:
    case Kind::nonzero:
      return true;
    case Kind::arg_reduce:
      return !is_complex(dtype);
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
  const ProbeResult& products = probes_.result(Probe::products);
  if (products.works()) return true;
  std::call_once(products_warned_, [&] {
    log_warning(
        fmt::format("{}: matrix products run on the cpu; on the device: {}", device_, products.to_string()));
  });
  return false;
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

void GpuBackend::observe_launches(std::shared_ptr<LaunchObserver> observer) {
  const std::lock_guard lock(observer_mutex_);
  observer_ = std::move(observer);
  is_observed_ = observer_ != nullptr;
}

void GpuBackend::stop_observing(const LaunchObserver* observer) noexcept {
  const std::lock_guard lock(observer_mutex_);
  if (observer_.get() != observer) return;
  observer_.reset();
  is_observed_ = false;
}

void GpuBackend::tell_observer(std::string_view family, std::string_view kernel,
                               const std::function<void()>& queue) {
  std::shared_ptr<LaunchObserver> observer;
  {
    const std::lock_guard lock(observer_mutex_);
    observer = observer_;
  }
  if (observer == nullptr) return queue();
  std::unique_ptr<DeviceEvent> begin = executor_->record();
  queue();
  std::unique_ptr<DeviceEvent> end = executor_->record();
  if (family == kernel || kernel.empty()) return observer->launched(family, std::move(begin), std::move(end));
  observer->launched(fmt::format("{}.{}", family, kernel), std::move(begin), std::move(end));
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
  run_kernel(kernels_.get(source.key(), kernel, [&] { return source.text(); }), source.family(), kernel,
             shape, std::span(arguments).first(buffers.size() + 1));
}

}  // namespace rustorch::gpu
