#include "rustorch/backends/gpu/run_table.h"

#include <algorithm>
#include <limits>

#include "rustorch/backends/gpu/program_text.h"

namespace rustorch::gpu {
namespace {

constexpr std::int64_t most_elements = std::numeric_limits<std::int32_t>::max() / 4;

/// Whether two operands of one shape have their elements at the same distances.
bool lie_alike(const Layout& a, const Layout& b) noexcept {
  for (std::size_t dim = 0; dim < a.rank(); ++dim) {
    if (a.strides[dim] != b.strides[dim] && a.shape[dim] != 1) return false;
  }
  return true;
}

/// Whether two operands are the same elements, as callers show it: by one layout, or equal ones.
bool is_same(const View& a, const View& b) noexcept {
  return a.data == b.data && a.dtype == b.dtype && a.layout->offset == b.layout->offset &&
         (a.layout == b.layout || lie_alike(*a.layout, *b.layout));
}

bool is_one_element(const Layout& layout) noexcept {
  for (std::size_t dim = 0; dim < layout.rank(); ++dim) {
    if (layout.strides[dim] != 0 && layout.shape[dim] != 1) return false;
  }
  return true;
}

}  // namespace

RunShape RunShape::of(std::span<const View> operands, std::size_t inputs) {
  RunShape run;
  const Layout& out = *operands[inputs].layout;
  run.operands_ = operands.size();
  run.count_ = out.element_count();
  if (run.count_ == 0 || run.count_ > most_elements || !out.is_dense()) return run;
  for (std::size_t k = 0; k < inputs; ++k) {
    const Layout& layout = *operands[k].layout;
    const bool alike = &layout == &out || lie_alike(layout, out);
    if (!alike && !is_one_element(layout)) return run;
    run.unit_[k] = alike ? 1 : 0;
    run.buffer_[k] = run.buffers_++;  // inputs do not share: kernels would differ by what callers pass twice
  }
  for (std::size_t k = inputs; k < operands.size(); ++k) {
    const View& view = operands[k];
    std::size_t i = 0;
    while (i < inputs && !is_same(operands[i], view)) ++i;
    if (i == inputs && !lie_alike(*view.layout, out)) return run;
    if (i < inputs && run.unit_[i] == 0) return run;
    run.unit_[k] = 1;
    run.buffer_[k] = i < inputs ? run.buffer_[i] : run.buffers_++;
  }
  run.fits_ = true;
  return run;
}

bool RunShape::is_like(const RunShape& other) const noexcept {
  if (!fits_ || !other.fits_ || buffers_ != other.buffers_) return false;
  for (std::size_t k = 0; k < operands_; ++k) {
    if (buffer_[k] != other.buffer_[k] || (unit_[k] != other.unit_[k] && count_ != 1)) return false;
  }
  return true;
}

void RunShape::describe(ElementwiseForm& form) const noexcept {
  form.rank = 1;
  form.unit = unit_;
  form.runs.buffers = buffers_;
  form.runs.buffer = buffer_;
}

std::size_t RunTable::most_runs(const ElementwiseForm& form, const DeviceFacts& facts) noexcept {
  constexpr std::size_t most_buffers = 30;  // Metal's limit is 31 with the struct
  const bool is_wide =
      std::ranges::any_of(form.program->instructions(), [](const Program::Instruction& each) {
        return each.kind == Program::Kind::scalar && is_complex(each.dtype);
      });
  const std::size_t others = (is_wide ? 16 : 8) * Program::max_scalars + 4 * sizeof(std::int32_t);  // at most
  const std::size_t buffers = form.runs.buffers;
  std::size_t bytes_of_run = buffers * sizeof(std::int64_t) + 2 * sizeof(std::int32_t);
  if (!form.runs.by_address) bytes_of_run += buffers * sizeof(BufferHandle);
  const std::size_t most = (std::max(facts.most_argument_bytes, others) - others) / bytes_of_run;
  return form.runs.by_address ? most : std::min(most, most_buffers / buffers);
}

void RunTable::begin(const ElementwiseForm& form, std::int64_t elements, const DeviceFacts& facts) {
  form_ = form;
  // Chunks for all units, several each, and no more: to find a chunk's run is work.
  const std::int64_t step = std::int64_t{group_threads} * form.elements_of_thread;
  const std::int64_t wanted = facts.compute_units == 0 ? most_groups : 16 * std::int64_t{facts.compute_units};
  const std::int64_t groups = std::min(wanted, most_groups);
  chunk_elements_ = std::clamp<std::int64_t>(elements / (step * groups), 1, 4096) * step;
  chunks_ = 0;
  places_.clear();
  counts_.clear();
  first_chunks_.clear();
  arguments_.clear();
  parameters_.clear();
}

bool RunTable::has_room_for(std::int64_t count) const noexcept {
  // Steps of all groups go beyond the chunks.
  constexpr std::int64_t most_chunks = std::numeric_limits<std::int32_t>::max() - most_groups;
  return counts_.size() < form_.runs.most && chunks_ + count / chunk_elements_ < most_chunks;
}

void RunTable::add(std::span<const View> operands, std::int64_t count) {
  std::size_t buffers = 0;
  for (std::size_t k = 0; k < operands.size(); ++k) {
    if (form_.runs.buffer[k] != buffers) continue;  // it shares an earlier operand's
    ++buffers;
    const View& view = operands[k];
    if (form_.runs.by_address) {
      const std::int64_t bytes = view.layout->offset * static_cast<std::int64_t>(item_size(view.dtype));
      places_.push_back(static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(view.data)) + bytes);
    } else {
      places_.push_back(view.layout->offset);
      arguments_.push_back({.buffer = view.data});
    }
  }
  counts_.push_back(static_cast<std::int32_t>(count));
  first_chunks_.push_back(static_cast<std::int32_t>(chunks_));
  chunks_ += (count + chunk_elements_ - 1) / chunk_elements_;
}

std::span<const KernelArgument> RunTable::arguments() {
  const std::size_t runs = counts_.size(), most = form_.runs.most, buffers = form_.runs.buffers;
  // A kernel's parameters are as many as ever: the rest of the runs have no chunks, and any buffers.
  places_.resize(most * buffers);
  counts_.resize(most);
  first_chunks_.resize(most);
  while (!form_.runs.by_address && arguments_.size() < most * buffers)
    arguments_.push_back(arguments_[arguments_.size() - buffers]);
  parameters_.clear();
  parameters_.add_all<std::int64_t>(places_);
  const ProgramText scalars(*form_.program, "");
  scalars.add_scalars(parameters_, true);
  scalars.add_scalars(parameters_, false);
  parameters_.add(static_cast<std::int32_t>(runs));
  parameters_.add(static_cast<std::int32_t>(chunks_));
  parameters_.add(static_cast<std::int32_t>(chunk_elements_));
  parameters_.add_all<std::int32_t>(counts_);
  parameters_.add_all<std::int32_t>(first_chunks_);
  parameters_.finish();
  arguments_.push_back({nullptr, parameters_.data(), parameters_.size()});
  return arguments_;
}

}  // namespace rustorch::gpu
