#include "rustorch/backends/gpu/cuda/cudnn_plan.h"

#include <algorithm>

#include "rustorch/backends/gpu/cuda/cudnn_graph.h"
#include "rustorch/backends/gpu/cuda/device_address.h"

namespace rustorch::gpu::cuda {
namespace {

/// Whether an engine with these notes keeps the form's precision and gives the same bits each time.
bool is_allowed(const ConvolutionForm& form, const std::vector<DnnNote>& notes) {
  return std::ranges::all_of(notes, [&](DnnNote note) {
    switch (note) {
      case DnnNote::nondeterministic:
      case DnnNote::reduced_precision_reduction:
      case DnnNote::fft:
      case DnnNote::winograd:  // sums of differences: as fft, they lose digits where numbers cancel
      case DnnNote::winograd_4x4:
      case DnnNote::winograd_6x6:
      case DnnNote::winograd_13x13:
        return false;
      case DnnNote::tensor_core:
        return form.dtype != DType::float32 || form.rounds_to_tf32;
      case DnnNote::down_convert_inputs:
        return form.dtype == DType::float32 && form.rounds_to_tf32;
    }
    return true;
  });
}

}  // namespace

DevicePointer address_of(const View& view) { return address(view.data, view.layout->offset, view.dtype); }

std::optional<ConvolutionPlan> ConvolutionPlan::make(const CudnnApi& api, DnnHandle handle,
                                                     const ConvolutionForm& form,
                                                     std::size_t most_workspace) {
  const ConvolutionGraph graph(api, handle, form);
  for (const DnnHeuristics mode : {DnnHeuristics::a, DnnHeuristics::fallback}) {
    for (DnnObject& config : graph.engine_configs(mode)) {
      const std::vector<DnnObject> engines =
          config.get_objects(DnnAttribute::config_engine, DnnObjectKind::engine);
      constexpr std::size_t most_notes = 32;
      if (engines.empty() ||
          !is_allowed(form, engines.front().get<DnnNote>(DnnAttribute::engine_notes, most_notes)))
        continue;
      DnnObject plan(api, DnnObjectKind::execution_plan);
      plan.set(DnnAttribute::plan_handle, handle);
      plan.set(DnnAttribute::plan_engine_config, config);
      if (!plan.try_finalize()) continue;
      const auto workspace = plan.get<std::int64_t>(DnnAttribute::plan_workspace_size, 1);
      const std::size_t bytes = workspace.empty() ? 0 : static_cast<std::size_t>(workspace.front());
      if (bytes <= most_workspace) return ConvolutionPlan(std::move(config), std::move(plan), bytes);
    }
  }
  return std::nullopt;
}

void ConvolutionPlan::run(const CudnnApi& api, DnnHandle handle, const LibraryConvolution& work,
                          void* workspace) const {
  constexpr std::array ids{id_of(DnnTensor::input), id_of(DnnTensor::weight), id_of(DnnTensor::output),
                           id_of(DnnTensor::bias)};
  const auto pointer = [](const View& view) { return reinterpret_cast<void*>(address_of(view)); };
  const std::array<void*, 4> pointers{pointer(work.input), pointer(work.weight), pointer(work.output),
                                      work.bias ? pointer(*work.bias) : nullptr};
  const std::size_t count = work.bias ? 4 : 3;
  DnnObject pack(api, DnnObjectKind::variant_pack);
  pack.set(DnnAttribute::pack_ids, std::span<const std::int64_t>(ids).first(count));
  pack.set(DnnAttribute::pack_pointers, std::span<void* const>(pointers).first(count));
  pack.set(DnnAttribute::pack_workspace, workspace);
  pack.finalize();
  check(api, api.cudnnBackendExecute(handle, plan_.handle(), pack.handle()), "cudnnBackendExecute");
}

}  // namespace rustorch::gpu::cuda
