#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "rustorch/backends/cpu/elementwise.h"
#include "rustorch/backends/cpu/parallel.h"
#include "rustorch/backends/loop_nest.h"
#include "rustorch/compute/simd/kernels.h"
#include "rustorch/core/inline_list.h"

namespace rustorch::cpu {
namespace {

constexpr std::size_t max_item_bytes = 16;
constexpr std::size_t arena_bytes = 64 * 1024;  // all buffers of a thread; on its stack
constexpr std::size_t cache_bytes =
    24 * 1024;  // what the buffers should stay within: most of a first-level cache
constexpr std::int64_t longest_tile = 1024;
constexpr std::int64_t shortest_tile = 32;
static_assert((Program::max_instructions + 1) * shortest_tile * max_item_bytes <= arena_bytes);

/// The output's dims in the order of its memory, outermost first. Tiles are pieces of that order.
Shape memory_order(const Layout& layout) {
  Shape order;
  order.resize(layout.rank());
  std::size_t count = 0;
  for (std::size_t dim = 0; dim < layout.rank(); ++dim) {
    if (layout.shape[dim] == 1) continue;
    std::size_t at = count++;
    for (; at > 0; --at) {
      if (layout.strides[static_cast<std::size_t>(order[at - 1])] >= layout.strides[dim]) break;
      order[at] = order[at - 1];
    }
    order[at] = static_cast<std::int64_t>(dim);
  }
  order.resize(count);
  return order;
}

/// A tensor operand: where its elements lie when they are counted in the output's order.
struct Operand {
  Operand(const View& view, const Shape& order)
      : data(first_byte(view)), dtype(view.dtype), bytes(item_size(view.dtype)) {
    for (const std::int64_t d : order) {
      const auto dim = static_cast<std::size_t>(d);
      loops.append(view.layout->shape[dim], {view.layout->strides[dim]});
    }
    loops.coalesce();
  }

  bool contiguous() const noexcept {
    return loops.rank() == 0 || (loops.rank() == 1 && loops.inner_stride(0) == 1);
  }
  /// After how many elements the operand repeats itself: 1 for a scalar; the element count if it does not.
  std::int64_t period() const noexcept {
    const bool repeats = loops.rank() > 0 && loops.stride(0, 0) == 0;
    return repeats ? loops.count() / loops.size(0) : loops.count();
  }

  std::byte* data = nullptr;
  DType dtype = DType::float32;
  std::size_t bytes = 0;
  LoopNest<1> loops;
};

/// Brings elements [begin, begin + count) of an operand into a buffer; `convert` is null where the buffer
/// takes the operand's dtype, `scratch` holds as many elements.
void load(const Operand& operand, simd::ConversionKernel convert, std::int64_t begin, std::int64_t count,
          std::byte* buffer, std::size_t buffer_bytes, std::byte* scratch) {
  const std::int64_t step = operand.loops.inner_stride(0);
  const bool adjacent = step == 1 || operand.loops.rank() == 0;
  std::byte* raw = convert == nullptr ? buffer : scratch;
  std::size_t done = 0;
  operand.loops.for_each_run(begin, begin + count, [&](const auto& offsets, std::int64_t length) {
    const std::byte* from = operand.data + offsets[0] * static_cast<std::int64_t>(operand.bytes);
    const auto n = static_cast<std::size_t>(length);
    if (adjacent && convert != nullptr) {
      convert(from, buffer + done * buffer_bytes, n);
    } else if (adjacent) {
      std::memcpy(buffer + done * buffer_bytes, from, n * operand.bytes);
    } else if (step == 0) {
      simd::fill(from, operand.bytes, raw + done * operand.bytes, n);
    } else {
      simd::gather_strided(from, step, operand.bytes, raw + done * operand.bytes, n);
    }
    done += n;
  });
  if (!adjacent && convert != nullptr) convert(scratch, buffer, static_cast<std::size_t>(count));
}

/// The way back, into an operand that nothing else overlaps.
void store(const Operand& operand, simd::ConversionKernel convert, std::int64_t begin, std::int64_t count,
           const std::byte* buffer, std::size_t buffer_bytes, std::byte* scratch) {
  const std::int64_t step = operand.loops.inner_stride(0);
  const bool adjacent = step == 1 || operand.loops.rank() == 0;
  if (!adjacent && convert != nullptr) {
    convert(buffer, scratch, static_cast<std::size_t>(count));
    buffer = scratch;
  }
  std::size_t done = 0;
  operand.loops.for_each_run(begin, begin + count, [&](const auto& offsets, std::int64_t length) {
    std::byte* to = operand.data + offsets[0] * static_cast<std::int64_t>(operand.bytes);
    const auto n = static_cast<std::size_t>(length);
    if (adjacent && convert != nullptr) {
      convert(buffer + done * buffer_bytes, to, n);
    } else if (adjacent) {
      std::memcpy(to, buffer + done * operand.bytes, n * operand.bytes);
    } else {
      simd::scatter_strided(buffer + done * operand.bytes, to, step, operand.bytes, n);
    }
    done += n;
  });
}

/// A program made ready for a set of operands: which buffer or memory each register lives in.
class TileProgram {
 public:
  TileProgram(const Program& program, std::span<const View> inputs, std::span<const View> outputs);
  void run() const;

 private:
  using Kind = Program::Kind;

  /// Where the tile of a register is.
  enum class Home : std::uint8_t {
    none,    ///< nobody asks for it
    buffer,  ///< a buffer, made anew for each tile
    fixed,   ///< a buffer that every tile finds as it is: scalars and operands that repeat
    memory,  ///< the operand's own memory
    result,  ///< the memory of an output, written directly
  };
  static constexpr std::uint8_t never = 255;   // last use of a register that nothing reads
  static constexpr std::uint8_t at_end = 254;  // … that is stored when the tile is done
  struct Register {
    Home home = Home::none;
    std::uint8_t last_use = never;
    std::uint8_t place = 0;  // buffer, fixed: its number; result: which output
    simd::ElementwiseKernel apply = nullptr;
    simd::ConversionKernel convert = nullptr;  // of casts, and of inputs where dtypes differ
  };

  void find_last_uses();
  void find_direct_results();
  std::int64_t common_period() const;
  void place_registers(std::int64_t period);
  bool choose_tile(std::int64_t period);
  void free_operands_after(std::size_t index);
  void prepare_fixed(std::byte* arena, std::span<const std::byte*> values) const;
  void run_range(std::int64_t first_tile, std::int64_t last_tile) const;

  std::span<const Program::Register> operands_of(std::size_t index) const noexcept {
    const Program::Instruction& instruction = instructions_[index];
    const std::size_t count = instruction.kind == Kind::apply  ? op_info(instruction.op).arity
                              : instruction.kind == Kind::cast ? std::size_t{1}
                                                               : std::size_t{0};
    return {instruction.operands, count};
  }
  bool is_written(const Operand& operand) const noexcept {
    return std::any_of(outputs_.begin(), outputs_.end(),
                       [&](const Operand& output) { return output.data == operand.data; });
  }
  std::byte* buffer(std::byte* arena, const Register& r) const noexcept {
    return arena + (r.place + (r.home == Home::fixed ? buffers_ : 0u)) * buffer_bytes_;
  }

  std::span<const Program::Instruction> instructions_;
  std::span<const Program::Output> results_;
  std::span<const Scalar> scalars_;
  InlineList<Operand, Program::max_inputs> inputs_;
  InlineList<Operand, Program::max_outputs> outputs_;
  std::array<simd::ConversionKernel, Program::max_outputs> store_conversions_{};
  InlineList<Register, Program::max_instructions> registers_;
  std::int64_t count_ = 0;
  std::int64_t tile_ = 0;
  std::int64_t cost_ = 1;         // of one element, in cheap ops
  std::size_t widest_ = 1;        // bytes of the largest element
  std::size_t buffer_bytes_ = 0;  // from one buffer to the next
  std::uint64_t free_buffers_ = 0;
  std::uint8_t buffers_ = 0;  // in the arena: these, the fixed ones, and one to gather and convert in
  std::uint8_t fixed_buffers_ = 0;
};

TileProgram::TileProgram(const Program& program, std::span<const View> inputs, std::span<const View> outputs)
    : instructions_(program.instructions()),
      results_(program.outputs()),
      scalars_(program.scalars()),
      count_(outputs[0].layout->element_count()) {
  const Shape order = memory_order(*outputs[0].layout);
  for (const View& input : inputs) inputs_.emplace_back(input, order);
  for (const View& output : outputs) outputs_.emplace_back(output, order);
  for (std::size_t i = 0; i < instructions_.size(); ++i) registers_.emplace_back();
  find_last_uses();
  find_direct_results();
  const std::int64_t period = common_period();
  place_registers(period);
  if (!choose_tile(period)) {
    place_registers(1);
    choose_tile(1);
  }
}

void TileProgram::find_last_uses() {
  for (const Program::Output& result : results_) registers_[result.value].last_use = at_end;
  for (std::size_t i = instructions_.size(); i-- > 0;) {
    if (registers_[i].last_use == never) continue;
    for (const Program::Register operand : operands_of(i)) {
      Register& r = registers_[operand];
      if (r.last_use == never) r.last_use = static_cast<std::uint8_t>(i);
    }
  }
}

/// Results go straight to memory where an output takes them as they are; but not over an input that is still
/// read.
void TileProgram::find_direct_results() {
  for (std::size_t k = 0; k < results_.size(); ++k) {
    const std::size_t value = results_[k].value;
    const Program::Instruction& made = instructions_[value];
    if (made.dtype != results_[k].dtype) {
      store_conversions_[k] = simd::conversion_kernel(made.dtype, results_[k].dtype);
      continue;
    }
    Register& r = registers_[value];
    if (made.kind == Kind::input || made.kind == Kind::scalar || r.home == Home::result) continue;
    if (!outputs_[k].contiguous()) continue;
    bool overwrites = false;
    for (std::size_t i = 0; i < instructions_.size(); ++i) {
      if (instructions_[i].kind != Kind::input || registers_[i].last_use == never) continue;
      const bool same = inputs_[instructions_[i].slot].data == outputs_[k].data;
      overwrites = overwrites || (same && registers_[i].last_use > value);
    }
    if (overwrites) continue;
    r.home = Home::result;
    r.place = static_cast<std::uint8_t>(k);
  }
}

/// The period of an operand that repeats itself (a row that is added to every row), so that tiles can be a
/// multiple of it; 1 if there is none.
std::int64_t TileProgram::common_period() const {
  for (std::size_t i = 0; i < instructions_.size(); ++i) {
    if (instructions_[i].kind != Kind::input || registers_[i].last_use == never) continue;
    const std::int64_t period = inputs_[instructions_[i].slot].period();
    if (period > 1 && period < count_ && period <= longest_tile) return period;
  }
  return 1;
}

void TileProgram::free_operands_after(std::size_t index) {
  for (const Program::Register operand : operands_of(index)) {
    const Register& r = registers_[operand];
    if (r.home == Home::buffer && r.last_use == index) free_buffers_ |= std::uint64_t{1} << r.place;
  }
}

void TileProgram::place_registers(std::int64_t period) {
  buffers_ = fixed_buffers_ = 0;
  free_buffers_ = 0;
  widest_ = 1;
  cost_ = static_cast<std::int64_t>(results_.size());
  for (const Program::Output& result : results_) widest_ = std::max(widest_, item_size(result.dtype));
  for (std::size_t i = 0; i < instructions_.size(); ++i) {
    const Program::Instruction& instruction = instructions_[i];
    Register& r = registers_[i];
    if (r.last_use == never) continue;
    widest_ = std::max(widest_, item_size(instruction.dtype));
    if (r.home != Home::result) r.home = Home::buffer;
    switch (instruction.kind) {
      case Kind::scalar:
        r.home = Home::fixed;
        break;
      case Kind::input: {
        const Operand& operand = inputs_[instruction.slot];
        widest_ = std::max(widest_, operand.bytes);
        const bool converted = operand.dtype != instruction.dtype;
        r.convert = converted ? simd::conversion_kernel(operand.dtype, instruction.dtype) : nullptr;
        // An operand that is also a result must be out of the way of results written over it.
        const bool in_danger = r.last_use == at_end && is_written(operand);
        if (operand.contiguous() && !converted && !in_danger) {
          r.home = Home::memory;
        } else if (operand.period() < count_ && period % operand.period() == 0) {
          r.home = Home::fixed;
        } else {
          cost_ += operand.contiguous() ? 1 : 2;
        }
        break;
      }
      case Kind::cast:
        r.convert = simd::conversion_kernel(instructions_[instruction.operands[0]].dtype, instruction.dtype);
        cost_ += 1;
        break;
      case Kind::apply:
        r.apply = simd::elementwise_kernel(instruction.op, instruction.dtype);
        cost_ += op_cost(instruction.op);
        free_operands_after(i);  // first, because a kernel may write over its operand
        break;
    }
    if (r.home == Home::fixed) r.place = fixed_buffers_++;
    if (r.home == Home::buffer) {
      if (free_buffers_ == 0) free_buffers_ = std::uint64_t{1} << buffers_++;
      r.place = static_cast<std::uint8_t>(std::countr_zero(free_buffers_));
      free_buffers_ &= free_buffers_ - 1;
    }
    if (instruction.kind == Kind::cast) free_operands_after(i);
  }
}

/// The longest tile, a multiple of `period`, whose buffers stay in the cache. False if there is none.
bool TileProgram::choose_tile(std::int64_t period) {
  const std::size_t buffers = std::size_t{buffers_} + fixed_buffers_ + 1;
  const auto wanted = static_cast<std::int64_t>(cache_bytes / (buffers * widest_));
  const auto most = static_cast<std::int64_t>(arena_bytes / buffers / 64 * 64 / widest_);
  const std::int64_t unit = period == 1 ? shortest_tile : period;  // whole registers, where that is free
  tile_ = std::clamp(wanted, shortest_tile, longest_tile) / unit * unit;
  if (tile_ == 0) tile_ = period;
  if (tile_ > most) return false;
  buffer_bytes_ = (static_cast<std::size_t>(tile_) * widest_ + 63) / 64 * 64;
  return true;
}

void TileProgram::prepare_fixed(std::byte* arena, std::span<const std::byte*> values) const {
  const std::int64_t n = std::min(tile_, count_);
  std::byte* scratch = arena + (std::size_t{buffers_} + fixed_buffers_) * buffer_bytes_;
  for (std::size_t i = 0; i < instructions_.size(); ++i) {
    const Register& r = registers_[i];
    if (r.home != Home::fixed) continue;
    const Program::Instruction& instruction = instructions_[i];
    const std::size_t bytes = item_size(instruction.dtype);
    std::byte* values_here = buffer(arena, r);
    values[i] = values_here;
    if (instruction.kind == Kind::input) {
      load(inputs_[instruction.slot], r.convert, 0, n, values_here, bytes, scratch);
      continue;
    }
    visit_dtype(instruction.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T value = scalars_[instruction.slot].template to<T>();
      simd::fill(&value, sizeof(T), values_here, static_cast<std::size_t>(n));
    });
  }
}

void TileProgram::run_range(std::int64_t first_tile, std::int64_t last_tile) const {
  alignas(64) std::byte arena[arena_bytes];
  std::array<const std::byte*, Program::max_instructions> values;
  std::fill_n(values.begin(), instructions_.size(), nullptr);
  prepare_fixed(arena, values);
  std::byte* scratch = arena + (std::size_t{buffers_} + fixed_buffers_) * buffer_bytes_;
  for (std::int64_t tile = first_tile; tile < last_tile; ++tile) {
    const std::int64_t begin = tile * tile_;
    const std::int64_t length = std::min(tile_, count_ - begin);
    const auto n = static_cast<std::size_t>(length);
    const auto in_memory = [&](const Operand& operand) {
      return operand.data + static_cast<std::size_t>(begin) * operand.bytes;
    };
    for (std::size_t i = 0; i < instructions_.size(); ++i) {
      const Program::Instruction& instruction = instructions_[i];
      const Register& r = registers_[i];
      if (r.home == Home::none || r.home == Home::fixed) continue;
      if (r.home == Home::memory) {
        values[i] = in_memory(inputs_[instruction.slot]);
        continue;
      }
      std::byte* out = r.home == Home::result ? in_memory(outputs_[r.place]) : buffer(arena, r);
      values[i] = out;
      const auto& operands = instruction.operands;
      if (instruction.kind == Kind::input) {
        load(inputs_[instruction.slot], r.convert, begin, length, out, item_size(instruction.dtype), scratch);
      } else if (instruction.kind == Kind::cast) {
        r.convert(values[operands[0]], out, n);
      } else {
        r.apply(values[operands[0]], values[operands[1]], values[operands[2]], out, n);
      }
    }
    for (std::size_t k = 0; k < results_.size(); ++k) {
      const std::size_t value = results_[k].value;
      const Register& r = registers_[value];
      if (r.home == Home::result && r.place == k) continue;
      store(outputs_[k], store_conversions_[k], begin, length, values[value],
            item_size(instructions_[value].dtype), scratch);
    }
  }
}

void TileProgram::run() const {
  const std::int64_t tiles = (count_ + tile_ - 1) / tile_;
  const std::int64_t grain = std::max<std::int64_t>(1, elementwise_grain / (cost_ * tile_));
  parallel_for(0, tiles, grain, [this](std::int64_t first, std::int64_t last) { run_range(first, last); });
}

}  // namespace

void run_tiles(const Program& program, std::span<const View> inputs, std::span<const View> outputs) {
  TileProgram(program, inputs, outputs).run();
}

}  // namespace rustorch::cpu
