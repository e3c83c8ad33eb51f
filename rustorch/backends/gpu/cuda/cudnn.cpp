#include "rustorch/backends/gpu/cuda/cudnn.h"

#include <algorithm>
#include <limits>

#include "rustorch/backends/gpu/cuda/cudnn_graph.h"
#include "rustorch/core/log.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu::cuda {
namespace {

/// Programs have fewer forms; those that do not start anew now and then.
constexpr std::size_t most_plans = 1024;
/// What part of the device's memory a workspace may take at most.
constexpr std::uint64_t workspace_part = 32;

/// Whether the library makes a form sooner than our kernels, and by so much that a training makes up for the
/// 0.2 s of opening it. Measured on an H200 (docs/tested-hardware.md).
bool is_worth_it(const ConvolutionForm& form) {
  if (form.dtype == DType::float64) return false;
  const bool is_forward = form.direction == ConvolutionDirection::forward;
  const bool is_reduced = is_reduced_precision(form.dtype);
  const bool is_depthwise = form.weight[1] == 1 && form.input[1] > 1;
  const double work = form.multiply_adds();
  // Engines of these that add a bias take longer than others and a kernel that adds it.
  if (form.has_bias && (is_depthwise || (is_reduced && !form.channels_last))) return false;
  // Its sums of these are off by some spacings of the narrow type, as if parts were rounded to it.
  if (is_depthwise && is_reduced && form.channels_last &&
      form.direction == ConvolutionDirection::backward_weight)
    return false;
  if (is_depthwise || is_reduced) return work >= 0x1p25;
  if (form.rounds_to_tf32) {
    const bool is_grouped = form.input[1] > form.weight[1];
    if (is_grouped && !is_forward && !form.channels_last) return false;
    return work >= 0x1p25;
  }
  // Without tensor cores it gains a fifth, where it has channels to sum over. Its gradients mostly take
  // longer; those of weights that do not are made by transformed products, which are less exact than ours.
  constexpr std::int64_t least_channels = 16;
  return is_forward && !form.channels_last && form.weight[1] >= least_channels && work >= 0x1p31;
}

/// Whether engines take a tensor: they count elements in 32 bits, and its address is aligned.
bool is_tensor(const View& view) {
  return view.layout->element_count() <= std::numeric_limits<std::int32_t>::max() &&
         address_of(view) % graph_alignment == 0;
}

}  // namespace

Cudnn::Cudnn(const DriverApi& driver, ContextHandle context, StreamHandle stream, std::uint64_t memory_bytes)
    : driver_(driver),
      context_(context),
      stream_(stream),
      most_workspace_(static_cast<std::size_t>(memory_bytes / workspace_part)),
      plans_(std::make_unique<Plans>()) {}

Cudnn::~Cudnn() {
  // At the program's end the library's own objects may be gone before us: what is left of ours is not given
  // back to it.
  if (handle_ != nullptr) static_cast<void>(plans_.release());
}

bool Cudnn::open() {
  if (handle_ != nullptr) return true;
  if (!absence_.empty()) return false;
  const CudnnApi* api = cudnn_api(absence_);
  if (api == nullptr) return false;
  DnnHandle handle = nullptr;
  DnnStatus status = api->cudnnCreate(&handle);
  if (status == DnnStatus::success) status = api->cudnnSetStream(handle, stream_);
  if (status != DnnStatus::success) {
    absence_ = "cudnnCreate: " + describe(*api, status);
    log_warning("cuDNN is not used: " + absence_);
    return false;
  }
  api_ = api;
  handle_ = handle;
  return true;
}

std::string Cudnn::description() {
  if (!driver_.process.is_same()) return "cuDNN absent: CUDA is the parent process's";
  const std::lock_guard lock(mutex_);
  std::string absence = absence_;
  const CudnnApi* api = cudnn_api(absence);
  if (!absence.empty()) return "cuDNN absent: " + absence;
  const std::size_t version = api->cudnnGetVersion();
  return fmt::format("cuDNN {}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

std::shared_ptr<const ConvolutionPlan> Cudnn::kept_plan(const ConvolutionForm& form) {
  if (const auto known = plans_->find(form); known != plans_->end()) return known->second;
  if (plans_->size() >= most_plans) plans_->clear();
  std::shared_ptr<const ConvolutionPlan>& plan = (*plans_)[form];
  try {
    std::optional<ConvolutionPlan> made = ConvolutionPlan::make(*api_, handle_, form, most_workspace_);
    if (made) plan = std::make_shared<const ConvolutionPlan>(std::move(*made));
  } catch (const Error& error) {
    log_warning(std::string("cuDNN does not take a convolution: ") + error.what());
  }
  return plan;
}

std::shared_ptr<const LibraryConvolutionPlan> Cudnn::plan_for(const LibraryConvolution& work) {
  if (!is_floating_point(work.input.dtype) || !is_tensor(work.input) || !is_tensor(work.weight) ||
      !is_tensor(work.output) || (work.bias && !is_tensor(*work.bias))) {
    return nullptr;
  }
  const ConvolutionForm form(work);
  if (!is_worth_it(form)) return nullptr;
  const CurrentContext current(driver_, context_);
  const std::lock_guard lock(mutex_);
  return open() ? kept_plan(form) : nullptr;
}

void Cudnn::run(const LibraryConvolutionPlan& plan, const LibraryConvolution& work, BufferHandle workspace) {
  const CurrentContext current(driver_, context_);
  const std::lock_guard lock(mutex_);
  static_cast<const ConvolutionPlan&>(plan).run(*api_, handle_, work, workspace);
}

}  // namespace rustorch::gpu::cuda
