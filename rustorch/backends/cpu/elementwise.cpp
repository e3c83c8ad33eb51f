#include "rustorch/backends/cpu/elementwise.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/loop_nest.h"
#include "rustorch/compute/simd/kernels.h"
#include "rustorch/core/inline_list.h"
#include "rustorch/memory/buffer.h"

namespace rustorch {
namespace cpu {

namespace {
constexpr std::int64_t greatest_op_cost = 8;
}

std::int64_t op_cost(Op op) noexcept {
  // The families stand together in the op table: from exp to digamma none is cheap, and most activations are
  // not.
  if (op >= Op::exp && op <= Op::digamma) return greatest_op_cost;
  if (op >= Op::leaky_relu && op <= Op::mish_backward) return 4;
  return op == Op::pow || op == Op::fmod || op == Op::remainder || op == Op::floor_divide ? greatest_op_cost
                                                                                          : 1;
}

namespace {

/// How an operand of a loop over all of the output's memory is read. A row is read again for each row.
enum class Flat : std::uint8_t { no, contiguous, scalar, row };

// These loops leave early, which also keeps the compiler from vectorizing them: most tensors have few dims.

/// Whether a dense output and an operand lie alike.
Flat classify_flat(const Layout& operand, const Layout& output) noexcept {
  if (&operand == &output) return Flat::contiguous;
  const std::size_t rank = output.rank();
  const std::int64_t* const sizes = output.shape.data();
  const std::int64_t* const steps = operand.strides.data();
  const std::int64_t* const out_steps = output.strides.data();
  std::size_t dim = 0;
  while (dim < rank && (steps[dim] == out_steps[dim] || sizes[dim] == 1)) ++dim;
  if (dim == rank) return Flat::contiguous;
  for (dim = 0; dim < rank; ++dim) {
    if (steps[dim] != 0 && sizes[dim] != 1) return Flat::no;
  }
  return Flat::scalar;
}

/// The elements of an operand that a contiguous output reads from its start to its end, over and over: a row
/// that is added to every row. 0 if it is read in another way.
std::int64_t row_length(const Layout& operand, const Layout& output) noexcept {
  std::size_t dim = output.rank();
  std::int64_t length = 1;
  for (; dim > 0; --dim) {
    const std::int64_t size = output.shape[dim - 1];
    if (size != 1 && operand.strides[dim - 1] != length) break;
    length *= size;
  }
  for (; dim > 0; --dim) {
    if (operand.strides[dim - 1] != 0 && output.shape[dim - 1] != 1) return 0;
  }
  return length;
}

/// Whether the elements of an output, which never overlap, fill one range of memory.
bool fills_a_range(const Layout& layout, std::int64_t count) noexcept {
  if (layout.is_contiguous()) return true;
  const std::int64_t* const sizes = layout.shape.data();
  const std::int64_t* const steps = layout.strides.data();
  std::int64_t last = 0;
  for (std::size_t dim = 0; dim < layout.rank(); ++dim) last += (sizes[dim] - 1) * steps[dim];
  return last + 1 == count;
}

/// The operands of a program that is a single op, all in its compute type and flat. Scalars have `step` 0.
struct FlatOp {
  struct Source {
    const std::byte* data = nullptr;
    std::size_t step = 0;  // bytes from one element to the next
    const Scalar* scalar = nullptr;
  };
  simd::ElementwiseKernel kernel = nullptr;
  std::array<Source, 3> sources;
  std::size_t arity = 0;
  std::byte* out = nullptr;
  std::size_t item_bytes = 0;
  DType compute = DType::float32;
};

void write_scalar(const Scalar& scalar, DType compute, std::byte* out) {
  visit_dtype(compute, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T value = scalar.to<T>();
    std::memcpy(out, &value, sizeof(T));
  });
}

/// Operands that are one value fill a buffer, and the kernel goes over the rest in pieces of its size.
[[gnu::noinline]] void run_with_scalars(const FlatOp& op, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t piece = 1024;
  alignas(64) std::byte filled[3][piece * 16];
  std::array<const std::byte*, 3> data{};
  const std::size_t count = static_cast<std::size_t>(std::min(piece, end - begin));
  for (std::size_t i = 0; i < op.sources.size(); ++i) {
    const FlatOp::Source& source = op.sources[i];
    data[i] = source.data;
    if (source.step != 0) continue;
    alignas(16) std::byte value[16];
    if (source.scalar != nullptr) write_scalar(*source.scalar, op.compute, value);
    simd::fill(source.scalar != nullptr ? value : source.data, op.item_bytes, filled[i], count);
    data[i] = filled[i];
  }
  for (std::int64_t i = begin; i < end; i += piece) {
    const auto at = static_cast<std::size_t>(i);
    op.kernel(data[0] + at * op.sources[0].step, data[1] + at * op.sources[1].step,
              data[2] + at * op.sources[2].step, op.out + at * op.item_bytes,
              static_cast<std::size_t>(std::min(piece, end - i)));
  }
}

/// Operands of which some are rows of `length` elements, the others contiguous.
void run_with_rows(const FlatOp& op, std::span<const Flat> kinds, std::int64_t length, std::int64_t count,
                   std::int64_t cost) {
  const auto run = [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      const std::size_t skip = static_cast<std::size_t>(row * length) * op.item_bytes;
      std::array<const std::byte*, 3> data{};
      for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = op.sources[i].data + (kinds[i] == Flat::row ? 0 : skip);
      op.kernel(data[0], data[1], data[2], op.out + skip, static_cast<std::size_t>(length));
    }
  };
  parallel_for(0, count / length, std::max<std::int64_t>(1, elementwise_grain / (cost * length)), run);
}

/// One op over operands that lie as its result does. Those beyond its arity are not read.
[[gnu::always_inline]] inline void run_contiguous(Op op, simd::ElementwiseKernel kernel,
                                                  const std::array<const std::byte*, 3>& operands,
                                                  std::byte* out, std::size_t item_bytes,
                                                  std::int64_t count) {
  if (count <= elementwise_grain / greatest_op_cost) {  // for one thread, whatever the op
    return kernel(operands[0], operands[1], operands[2], out, static_cast<std::size_t>(count));
  }
  parallel_for(0, count, elementwise_grain / op_cost(op), [&](std::int64_t begin, std::int64_t end) {
    const std::size_t skip = static_cast<std::size_t>(begin) * item_bytes;
    kernel(operands[0] + skip, operands[1] + skip, operands[2] + skip, out + skip,
           static_cast<std::size_t>(end - begin));
  });
}

/// The way of most calls: one op of tensors that share one layout, which callers show by one address.
bool run_plain_op(const Program& program, std::span<const View> inputs, std::span<const View> outputs,
                  std::int64_t count) {
  const View& out = outputs[0];
  for (const View& input : inputs) {
    if (input.layout != out.layout) return false;
  }
  const Program::Instruction* const op = program.single_op();
  if (op == nullptr || op->op == Op::copy || !fills_a_range(*out.layout, count)) return false;
  const simd::ElementwiseKernel kernel = simd::elementwise_kernel(op->op, op->dtype);
  if (kernel == nullptr) return false;
  const std::size_t item = item_size(op->dtype);
  const std::size_t offset = static_cast<std::size_t>(out.layout->offset) * item;
  const auto first = [offset](const View& view) { return static_cast<std::byte*>(view.data) + offset; };
  const auto operand = [&](std::size_t i) { return first(inputs[op->operands[i]]); };
  run_contiguous(op->op, kernel, {operand(0), operand(1), operand(2)}, first(out), item, count);
  return true;
}

/// A program that writes one number everywhere.
bool run_fill(const Program& program, const View& out, std::int64_t count) {
  const Program::Instruction& number = program.instructions()[0];
  if (program.instructions().size() != 1 || number.kind != Program::Kind::scalar ||
      !fills_a_range(*out.layout, count)) {
    return false;
  }
  alignas(16) std::byte value[16];
  alignas(16) std::byte stored[16];
  write_scalar(program.scalars()[0], number.dtype, value);
  const bool converted = number.dtype != out.dtype;
  if (converted) simd::conversion_kernel(number.dtype, out.dtype)(value, stored, 1);
  const std::size_t item = item_size(out.dtype);
  parallel_for(0, count, elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
    simd::fill(converted ? stored : value, item, first_byte(out) + static_cast<std::size_t>(begin) * item,
               static_cast<std::size_t>(end - begin));
  });
  return true;
}

/// One op, operands as they lie in memory. It costs a few tens of nanoseconds.
bool run_flat_op(const Program& program, std::span<const View> inputs, std::span<const View> outputs,
                 std::int64_t count) {
  const auto instructions = program.instructions();
  if (outputs.size() != 1 || instructions.empty()) return false;
  const Program::Instruction& last = instructions.back();
  const View& out = outputs[0];
  if (last.kind != Program::Kind::apply || program.outputs()[0].value != instructions.size() - 1 ||
      out.dtype != last.dtype || !fills_a_range(*out.layout, count)) {
    return false;
  }
  FlatOp op;
  op.compute = last.dtype;
  op.item_bytes = item_size(last.dtype);
  op.arity = op_info(last.op).arity;
  bool scalars = false;
  std::array<Flat, 3> kinds{Flat::contiguous, Flat::contiguous, Flat::contiguous};
  std::int64_t row = 0;
  for (std::size_t i = 0; i < op.arity; ++i) {
    const Program::Instruction& operand = instructions[last.operands[i]];
    FlatOp::Source& source = op.sources[i];
    if (operand.kind == Program::Kind::scalar) {
      source.scalar = &program.scalars()[operand.slot];
      scalars = true;
    } else if (operand.kind == Program::Kind::input && inputs[operand.slot].dtype == last.dtype) {
      const View& input = inputs[operand.slot];
      kinds[i] = classify_flat(*input.layout, *out.layout);
      if (kinds[i] == Flat::no) {
        const std::int64_t length = out.layout->is_contiguous() ? row_length(*input.layout, *out.layout) : 0;
        // Short rows are better laid in a tile, where one call of the kernel takes many.
        if (length == 0 || (length < 64 && count > 1024) || (row != 0 && row != length)) return false;
        kinds[i] = Flat::row;
        row = length;
      }
      source.data = first_byte(input);
      source.step = kinds[i] == Flat::scalar ? 0 : op.item_bytes;
      scalars = scalars || kinds[i] == Flat::scalar;
    } else {
      return false;
    }
  }
  if (row != 0 && scalars) return false;
  for (std::size_t i = op.arity; i < op.sources.size(); ++i) op.sources[i] = op.sources[0];  // not read
  op.kernel = simd::elementwise_kernel(last.op, last.dtype);
  if (op.kernel == nullptr) return false;
  op.out = first_byte(out);
  if (row != 0) {
    run_with_rows(op, kinds, row, count, op_cost(last.op));
  } else if (scalars) {
    const auto run = [&](std::int64_t begin, std::int64_t end) { run_with_scalars(op, begin, end); };
    parallel_for(0, count, elementwise_grain / op_cost(last.op), run);
  } else {
    run_contiguous(last.op, op.kernel, {op.sources[0].data, op.sources[1].data, op.sources[2].data}, op.out,
                   op.item_bytes, count);
  }
  return true;
}

/// The one input that a program hands on unchanged (but for the dtype it is stored in), or nullptr.
const View* copied_input(const Program& program, std::span<const View> inputs,
                         std::span<const View> outputs) {
  if (outputs.size() != 1) return nullptr;
  const auto instructions = program.instructions();
  const Program::Instruction* made = &instructions[program.outputs()[0].value];
  if (made->kind == Program::Kind::apply && made->op != Op::copy) return nullptr;
  while (made->kind == Program::Kind::apply && made->op == Op::copy) made = &instructions[made->operands[0]];
  if (made->kind != Program::Kind::input) return nullptr;
  const View& input = inputs[made->slot];
  return made->dtype == compute_dtype(input.dtype) ? &input : nullptr;  // else it loses something on the way
}

/// Operands that lie across the output, turned round.
class TurnedInputs {
 public:
  TurnedInputs(std::span<const View> inputs, const Layout& output) {
    for (const View& input : inputs) {
      View& view = views_.emplace_back(input);
      if (!lies_across(input, output)) continue;
      const std::size_t bytes = static_cast<std::size_t>(output.element_count()) * item_size(input.dtype);
      const Buffer& buffer = buffers_.emplace_back(cpu_allocator(), bytes);
      const View turned{buffer.data(), &layouts_.emplace_back(Layout::dense_like(output.shape, output)),
                        input.dtype};
      if (run_copy(input, turned)) view = turned;
    }
  }
  std::span<const View> views() const noexcept { return {views_.data(), views_.size()}; }

 private:
  InlineList<View, Program::max_inputs> views_;
  InlineList<Buffer, Program::max_inputs> buffers_;
  InlineList<Layout, Program::max_inputs> layouts_;
};

}  // namespace
}  // namespace cpu

void CpuBackend::elementwise(const Program& program, std::span<const View> inputs,
                             std::span<const View> outputs) {
  if (outputs.empty()) return;
  const std::int64_t count = outputs[0].layout->element_count();
  if (count == 0) return;
  if (inputs.empty() ? outputs.size() == 1 && cpu::run_fill(program, outputs[0], count)
                     : cpu::run_plain_op(program, inputs, outputs, count)) {
    return;
  }
  const View* copied = cpu::copied_input(program, inputs, outputs);
  if (copied != nullptr && cpu::run_copy(*copied, outputs[0])) return;
  if (cpu::run_flat_op(program, inputs, outputs, count)) return;
  const Layout& layout = *outputs[0].layout;
  if (std::any_of(inputs.begin(), inputs.end(),
                  [&](const View& view) { return cpu::lies_across(view, layout); })) {
    const cpu::TurnedInputs turned(inputs, layout);
    return cpu::run_tiles(program, turned.views(), outputs);
  }
  cpu::run_tiles(program, inputs, outputs);
}

}  // namespace rustorch
