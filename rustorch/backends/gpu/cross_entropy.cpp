#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/gpu/parameter_types.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// As kernels/cross_entropy.h declares it.
template <class Real, class Index>
struct Parameters {
  std::int64_t logits_offset, logits_row, logits_column;
  std::int64_t d_logits_offset, d_logits_row, d_logits_column;
  std::int64_t targets_offset, targets_stride;
  std::int64_t losses_offset, losses_stride;
  std::int64_t lse_offset, lse_stride;
  std::int64_t weight_offset, weight_stride;
  std::int64_t ignore_index;
  Real smoothing;
  Index rows, classes;
  std::int32_t op;
};

/// What both directions go through.
struct Operands {
  View logits, d_logits, targets, losses, log_sum_exp;
  std::optional<View> weight;
  std::int64_t ignore_index;
  double smoothing;

  std::int64_t rows() const { return logits.layout->shape[0]; }
  std::int64_t classes() const { return logits.layout->shape[1]; }
  DType compute() const {
    RUSTORCH_CHECK(is_floating_point(logits.dtype), dtype_mismatch, "op cross_entropy does not take {}",
                   logits.dtype);
    return compute_dtype(logits.dtype);
  }
  RowTeams teams() const {
    const Layout& layout = *logits.layout;
    const bool adjacent = layout.strides[1] <= layout.strides[0] || layout.shape[0] == 1;
    return row_teams(rows(), classes(), adjacent, rows());
  }
  bool columns_are_adjacent() const {
    const auto adjacent = [](const View& view) {
      return view.data == nullptr || view.layout->strides[1] == 1;
    };
    return adjacent(logits) && adjacent(d_logits);
  }
  bool wide_index() const { return needs_wide_index(std::max(rows(), classes())); }

  KernelSource source() const {
    KernelSource source("cross_entropy.h", compute());
    source.storage("X", logits.dtype)
        .storage("LOSS", losses.dtype)
        .storage("LSE", log_sum_exp.data != nullptr ? log_sum_exp.dtype : losses.dtype)
        .storage("W", weight ? weight->dtype : logits.dtype)
        .define("WEIGHTED", weight ? 1 : 0)
        .define("SMOOTHING", smoothing != 0 ? 1 : 0)
        .define("ADJACENT", columns_are_adjacent() ? 1 : 0)
        .row_teams(teams())
        .wide_index(wide_index());
    return source;
  }

  template <class Real, class Index>
  Parameters<Real, Index> parameters(std::int32_t op) const {
    Parameters<Real, Index> parameters{};
    const auto rows_of = [](const View& view, std::int64_t& offset, std::int64_t& row, std::int64_t& column) {
      if (view.data == nullptr) return;
      offset = view.layout->offset, row = view.layout->strides[0], column = view.layout->strides[1];
    };
    const auto elements_of = [](const View& view, std::int64_t& offset, std::int64_t& stride) {
      if (view.data == nullptr) return;
      offset = view.layout->offset, stride = view.layout->strides[0];
    };
    rows_of(logits, parameters.logits_offset, parameters.logits_row, parameters.logits_column);
    rows_of(d_logits, parameters.d_logits_offset, parameters.d_logits_row, parameters.d_logits_column);
    elements_of(targets, parameters.targets_offset, parameters.targets_stride);
    elements_of(losses, parameters.losses_offset, parameters.losses_stride);
    elements_of(log_sum_exp, parameters.lse_offset, parameters.lse_stride);
    if (weight) elements_of(*weight, parameters.weight_offset, parameters.weight_stride);
    parameters.ignore_index = ignore_index;
    parameters.smoothing = static_cast<Real>(smoothing);
    parameters.rows = static_cast<Index>(rows());
    parameters.classes = static_cast<Index>(classes());
    parameters.op = op;
    return parameters;
  }
};

}  // namespace

void GpuBackend::cross_entropy_forward(const CrossEntropyForward& work) {
  const Operands operands{work.logits,      {},          work.targets,      work.losses,
                          work.log_sum_exp, work.weight, work.ignore_index, work.label_smoothing};
  if (operands.rows() == 0) return;
  KernelSource source = operands.source();
  source.define("FORWARD", 1).define("WITH_LSE", work.log_sum_exp.data != nullptr ? 1 : 0);
  const IndexChecks::Site check = index_checks_.begin("cross_entropy", IndexChecks::Checked::target);
  void* const untouched = work.losses.data;
  with_parameter_types(operands.compute(), operands.wide_index(), [&]<class Real, class Index>(Real, Index) {
    launch(source, "forward", operands.teams().launch(operands.rows()),
           {work.logits.data != nullptr ? work.logits.data : untouched, work.targets.data,
            work.weight ? work.weight->data : untouched, work.losses.data,
            work.log_sum_exp.data != nullptr ? work.log_sum_exp.data : untouched, check.buffer},
           operands.parameters<Real, Index>(check.op));
  });
}

void GpuBackend::cross_entropy_backward(const CrossEntropyBackward& work) {
  const Operands operands{work.logits,      work.d_logits, work.targets,      work.d_losses,
                          work.log_sum_exp, work.weight,   work.ignore_index, work.label_smoothing};
  if (operands.rows() == 0 || operands.classes() == 0) return;
  KernelSource source = operands.source();
  source.storage("DX", work.d_logits.dtype)
      .define("FORWARD", 0)
      .define("HELD",
              held_elements(operands.classes(), operands.teams(), 1, operands.compute(), executor_->facts()));
  const IndexChecks::Site check = index_checks_.begin("cross_entropy", IndexChecks::Checked::target);
  with_parameter_types(operands.compute(), operands.wide_index(), [&]<class Real, class Index>(Real, Index) {
    launch(source, "backward", operands.teams().launch(operands.rows()),
           {work.logits.data, work.targets.data, work.weight ? work.weight->data : work.d_logits.data,
            work.d_losses.data, work.log_sum_exp.data, check.buffer, work.d_logits.data},
           operands.parameters<Real, Index>(check.op));
  });
}

}  // namespace rustorch::gpu
