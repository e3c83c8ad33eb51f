#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "rustorch/backends/gpu/elementwise_source.h"
#include "rustorch/backends/gpu/loop_text.h"
#include "rustorch/backends/gpu/program_text.h"
#include "rustorch/backends/gpu/source_lines.h"

namespace rustorch::gpu {

/// Writes kernels of programs that have the same operands, gone through in the same form. They share the
/// parameter struct, whose members stand in the order of `elementwise_parameters` and of RunTable's bytes.
class ElementwiseText : SourceLines {
 public:
  explicit ElementwiseText(const ElementwiseForm& form);

  /// Appends the kernel of a program whose operands and scalars are those of the form's.
  void add_kernel(std::string_view name, const Program& program);

  std::string finish() { return std::move(text_); }

 private:
  void declare_parameters();
  void declare_loops();
  void declare_packs();
  void declare_buffers();

  /// "const f32": what the buffer of an operand of a single run holds, or that buffer of every run.
  std::string element_of(std::size_t buffer) const;
  /// Where the element `index` of an operand is in its buffer.
  std::string place(std::size_t operand, std::string_view index) const;
  std::string load(std::size_t k, std::string_view at) const;
  void store(std::size_t k, std::string_view at, const ProgramText& body);

  void each_of_thread(const std::function<void()>& body);
  void open_loop();
  void open_loop_over_runs();
  void point_at_run(std::size_t buffer);
  void one_by_one();
  void several_at_once();
  void packed();
  void packed_rows();
  void find_operands();
  /// Where an operand's first element of a thread is.
  using PlaceOf = std::function<std::string(std::size_t)>;
  void declare_packed_elements();
  void read_packs(const PlaceOf& at);
  void compute_packs();
  void write_packs(const PlaceOf& at);

  std::size_t inputs() const { return program_->input_dtypes().size(); }
  std::size_t operands() const { return inputs() + program_->outputs().size(); }
  std::size_t buffer_of(std::size_t operand) const {
    return form_.runs.most == 0 ? operand : form_.runs.buffer[operand];
  }
  std::size_t buffers() const { return form_.runs.most == 0 ? operands() : form_.runs.buffers; }
  LoopText loops() const { return {"", form_.rank, operands()}; }

  const ElementwiseForm& form_;
  const Program* program_;
};

}  // namespace rustorch::gpu
