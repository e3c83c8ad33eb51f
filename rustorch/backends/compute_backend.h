#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rustorch/backends/device_event.h"
#include "rustorch/compute/program.h"
#include "rustorch/core/layout.h"
#include "rustorch/core/scalar.h"
#include "rustorch/device/device.h"
#include "rustorch/memory/memory_allocator.h"

namespace rustorch {

class LaunchObserver;  // launch_profile.h

/// What a backend sees of a tensor: the start of its buffer (an address on the CPU, a handle elsewhere), how
/// the elements lie in it (offset and strides in elements), and their dtype. The layout must outlive the
/// call.
struct View {
  void* data = nullptr;
  const Layout* layout = nullptr;
  DType dtype = DType::float32;
};

/// The kinds of work, one per virtual below: what `supports` is asked about.
enum class Kind : std::uint8_t {
  elementwise,
  reduce,
  arg_reduce,
  scan,
  matmul,
  convolution,
  pooling,
  gather,
  scatter,
  nonzero,
  sort,
  generate,
  batch_norm,
  layer_norm,
  softmax,
  cross_entropy,
};

/// "matmul", "cross_entropy": as the enum has it.
std::string_view to_string(Kind kind) noexcept;
inline constexpr std::size_t kind_count = 16;

/// A device's memory in bytes; 0: not known.
struct DeviceMemorySize {
  std::uint64_t all = 0;
  std::uint64_t largest_buffer = 0;
};

enum class ReduceOp : std::uint8_t { sum, prod, max, min, all, any, variance };

/// out = epilogue(reduce over the reduced dims of prologue(inputs)).
/// All inputs have the same shape (broadcast by strides). `out` has the same rank; its dims are 1 where
/// reduced. The prologue has one output, in the type that is reduced; without one the only input is reduced
/// itself. The epilogue is a program with one input (the reduced value) and one output. NaN wins in max and
/// min. Sums of float16 and bfloat16 accumulate in float32, of integers and bool in int64 (wrapping); sums
/// are blocked, so the error does not grow with the count, and equal for every number of threads. Empty
/// reductions give the op's identity (0, 1, -inf/lowest, inf/highest, true, false; variance NaN).
struct Reduction {
  ReduceOp op = ReduceOp::sum;
  std::span<const View> inputs;
  View out;
  const Program* prologue = nullptr;
  const Program* epilogue = nullptr;
  double correction = 1.0;  ///< variance: divides by max(0, n - correction)
};

enum class ArgReduceOp : std::uint8_t { max, min };

/// Values and int64 indices of the extreme along one dim (dim size 1 in the outputs, which may have null data
/// where the caller does not want them). The first of equal values wins; the first NaN wins over all.
struct ArgReduction {
  ArgReduceOp op = ArgReduceOp::max;
  View input;
  std::size_t dim = 0;
  View values;   ///< data nullptr: not wanted
  View indices;  ///< int64; data nullptr: not wanted
};

enum class ScanOp : std::uint8_t { sum, prod, max, min, log_sum_exp };

/// Inclusive scan along one dim; `indices` (int64, only max and min) says where the running extreme was seen
/// last.
struct Scan {
  ScanOp op = ScanOp::sum;
  View input;
  std::size_t dim = 0;
  View out;
  View indices;  ///< data nullptr: not wanted
};

/// out[b…, m, n] = Σ_k a[b…, m, k] · b[b…, k, n] (+ bias, broadcast to out by strides). All three have the
/// same rank ≥ 2, batch dims equal (broadcast by stride 0), one dtype. Any strides.
///
/// `activation`, of real floating-point dtypes only, is an op of one operand (relu, gelu, gelu_tanh, …) that
/// is applied to the sums with their bias, in the compute type. Sums of narrow types may be rounded before
/// it, as if it was an op of its own. NaN goes through as through the op.
struct Matmul {
  View a, b, out;
  std::optional<View> bias;
  std::optional<Op> activation = std::nullopt;
};

/// Parameters of an N-d convolution (PyTorch's cross-correlation), N = 1 to 3.
struct ConvolutionParameters {
  std::size_t spatial_rank = 2;
  std::array<std::int64_t, 3> stride{1, 1, 1};
  std::array<std::int64_t, 3> padding{0, 0, 0};
  std::array<std::int64_t, 3> dilation{1, 1, 1};
  std::int64_t groups = 1;
};

/// input [N, C, spatial…], weight [O, C/groups, kernel…], bias [O], output [N, O, spatial…].
struct ConvolutionForward {
  ConvolutionParameters parameters;
  View input, weight;
  std::optional<View> bias;
  View output;
};
/// d_input from d_output and weight: also the forward of a transposed convolution.
struct ConvolutionBackwardInput {
  ConvolutionParameters parameters;
  View d_output, weight, d_input;
};
struct ConvolutionBackwardWeight {
  ConvolutionParameters parameters;
  View input, d_output, d_weight;
  std::optional<View> d_bias;
};

enum class PoolingKind : std::uint8_t { max, average };

/// Parameters of N-d pooling. `adaptive`: window i covers floor(i·in/out) … ceil((i+1)·in/out), the rest is
/// ignored.
struct PoolingParameters {
  PoolingKind kind = PoolingKind::max;
  std::size_t spatial_rank = 2;
  std::array<std::int64_t, 3> kernel{1, 1, 1};
  std::array<std::int64_t, 3> stride{1, 1, 1};
  std::array<std::int64_t, 3> padding{0, 0, 0};
  std::array<std::int64_t, 3> dilation{1, 1, 1};
  bool count_include_pad = true;
  std::optional<std::int64_t> divisor;  ///< average: divide by this instead of the window's count
  bool adaptive = false;
};

/// `positions` (max only) says which cell of the window won: its row-major index in the window, uint8 where
/// a window has at most 256 cells and int32 otherwise. data nullptr: not wanted. NaN wins.
struct PoolingForward {
  PoolingParameters parameters;
  View input, output, positions;
};
struct PoolingBackward {
  PoolingParameters parameters;
  View d_output, positions, d_input;  ///< d_input is written whole; positions as forward left them
};

/// One index operand: int64 (or int32, uint8) indices over the shape of the result. Element `i` of it moves
/// the address by wrap(i) · stride; negative indices count from `size`; out of range is an Error that names
/// `op`.
struct IndexOperand {
  View index;
  std::int64_t size = 0;
  std::int64_t stride = 0;
};

/// out[p] = base[p + Σ indices]: `base` has the result's shape, with stride 0 in the dims that the index
/// operands move along. One form for gather, take, index_select, embedding and advanced indexing.
struct Gather {
  const char* op = "gather";
  View base;
  std::span<const IndexOperand> indices;
  View out;
};

enum class ScatterMode : std::uint8_t { write, add, multiply, max, min };

/// base[p + Σ indices] = mode(itself, source[p]): scatter, scatter_add, index_put, index_add, and the
/// gradients of the gathers. Equal addresses: `write` keeps the last in row-major order, the others take
/// elements in row-major order. GPUs may take runs of elements that meet at one address together first, in
/// the compute type (float32 for float16 and bfloat16), and then round once: a fixed order, which follows
/// from shapes and indices alone; or add in any order, where that is allowed (deterministic.h). Only sums and
/// products of floating-point numbers show it.
struct Scatter {
  const char* op = "scatter";
  ScatterMode mode = ScatterMode::write;
  View base;
  std::span<const IndexOperand> indices;
  View source;
};

/// Sorts along one dim, or takes the first `count` of the sorted order (topk). NaN counts as largest.
struct Sort {
  View input;
  std::size_t dim = 0;
  bool descending = false;
  bool stable = false;
  View values;   ///< dim size = count; data nullptr: not wanted
  View indices;  ///< int64, as values
};

enum class GenerateKind : std::uint8_t {
  sequence,   ///< start + i · step (a = start, b = step), i the row-major index
  uniform,    ///< [a, b)
  normal,     ///< mean a, standard deviation b
  integers,   ///< [a, b) as integers (int64 bounds in ia, ib)
  bernoulli,  ///< 1 with probability a
};

/// Fills `out` with a sequence or with random numbers from Philox4x32-10: element i (row-major) depends only
/// on seed, offset and i, on every backend and for every thread count.
struct Generate {
  GenerateKind kind = GenerateKind::uniform;
  View out;
  double a = 0, b = 1;
  std::int64_t ia = 0, ib = 0;
  std::uint64_t seed = 0;
  std::uint64_t offset = 0;  ///< in blocks of 4 random words
};

/// Batch norm over [N, C, …]: statistics and coefficients per channel, in float32 (float64 for float64). The
/// rest is elementwise, so that it joins chains: the result is input · scale + shift, and the input's
/// gradient d_output · by_output_gradient + input · by_input + shift.
struct BatchNormForward {
  View input;
  std::optional<View> weight, bias;                    ///< [C]
  std::optional<View> running_mean, running_variance;  ///< [C]; updated in training, used otherwise
  bool training = false;
  double momentum = 0.1, epsilon = 1e-5;
  View scale, shift;                   ///< [C], written
  View saved_mean, saved_inverse_std;  ///< [C], written in training; data nullptr otherwise
};
struct BatchNormBackward {
  View input, d_output;
  std::optional<View> weight;
  View mean, inverse_std;  ///< [C]: the saved ones, or those made from the running statistics
  bool training = true;    ///< whether mean and variance depend on the input
  /// [C], written; the latter two in training only: outside of it the input has no part in its gradient.
  View by_output_gradient, by_input, shift;
  View d_weight, d_bias;  ///< [C]; data nullptr: not wanted
};

/// Layer norm of rows [rows, columns] (contiguous views made by the caller).
struct LayerNormForward {
  View input;
  std::optional<View> weight, bias;  ///< [columns]
  double epsilon = 1e-5;
  View output, mean, inverse_std;  ///< the latter two [rows]
};
struct LayerNormBackward {
  View input, d_output, mean, inverse_std;
  std::optional<View> weight;
  View d_input, d_weight, d_bias;  ///< data nullptr: not wanted
};

struct SoftmaxForward {
  View input;
  std::size_t dim = 0;
  bool logarithm = false;
  View output;
};
struct SoftmaxBackward {
  View output, d_output;  ///< output: what forward wrote
  std::size_t dim = 0;
  bool logarithm = false;
  View d_input;
};

/// losses[i] = -log softmax(logits[i])[targets[i]] (times the class's weight), 0 where target is
/// ignore_index; logits [N, C], targets int64 [N]. A target out of range is an Error.
struct CrossEntropyForward {
  View logits, targets;
  std::optional<View> weight;  ///< [C]
  std::int64_t ignore_index = -100;
  double label_smoothing = 0;
  View losses, log_sum_exp;  ///< [N]
};
struct CrossEntropyBackward {
  View logits, targets, log_sum_exp;
  std::optional<View> weight;
  std::int64_t ignore_index = -100;
  double label_smoothing = 0;
  View d_losses;  ///< [N], stride may be 0
  View d_logits;
};

/// The one boundary between tensor operations and devices: a virtual per kind of work. Arguments are views
/// with shapes already decided and results already allocated by the caller; the caller has checked shapes and
/// dtypes. A backend never sees a Tensor. Results may not overlap inputs, except that an elementwise output
/// may be exactly one of its inputs. Members are called from any thread.
class ComputeBackend {
 public:
  virtual ~ComputeBackend() = default;

  virtual std::string_view name() const noexcept = 0;
  virtual Device device() const noexcept = 0;
  /// Name, cores or units, memory, instruction sets …: pairs for `rustorch devices`. Runs nothing.
  virtual std::vector<std::pair<std::string, std::string>> capabilities() const = 0;
  /// What small kernels found out on the device, more pairs: the first call runs them where no earlier
  /// process has (gpu/device_probes.h).
  virtual std::vector<std::pair<std::string, std::string>> measured_capabilities() { return {}; }
  /// What such a kernel found to be wrong with a dtype on the device; empty if nothing.
  virtual std::string defect(DType /*dtype*/) { return {}; }
  virtual DeviceMemorySize memory_size() const noexcept { return {}; }
  /// Whether this kind of work is done for a dtype (elementwise: for every op whose domain has it).
  virtual bool supports(Kind kind, DType dtype) const noexcept = 0;
  /// Whether activations of convolution networks should lie channels-last.
  virtual bool prefers_channels_last(DType dtype) const noexcept = 0;

  virtual MemoryAllocator& allocator() = 0;
  virtual void copy_from_host(void* destination, std::size_t offset, const void* source,
                              std::size_t bytes) = 0;
  virtual void copy_to_host(void* destination, const void* source, std::size_t offset, std::size_t bytes) = 0;
  virtual void synchronize() = 0;
  /// Marks the work that is queued so far.
  virtual std::unique_ptr<DeviceEvent> record_event() { return event_of_host_clock(); }
  /// Has every launch told to `observer`, in place of a former one, until `stop_observing` says its name.
  virtual void observe_launches(std::shared_ptr<LaunchObserver> /*observer*/) {}
  virtual void stop_observing(const LaunchObserver* /*observer*/) noexcept {}

  /// Inputs and outputs in the program's order; every input's shape equals the outputs' (broadcast by stride
  /// 0).
  virtual void elementwise(const Program& program, std::span<const View> inputs,
                           std::span<const View> outputs) = 0;
  /// `elementwise` for many lists of operands, in any order or all at once: `views` holds the inputs and
  /// outputs of the first run, then those of the second … (each run has shapes of its own). No run writes
  /// what another reads or writes.
  virtual void elementwise_many(const Program& program, std::span<const View> views) {
    const std::size_t inputs = program.input_dtypes().size(), outputs = program.outputs().size();
    for (; !views.empty(); views = views.subspan(inputs + outputs))
      elementwise(program, views.first(inputs), views.subspan(inputs, outputs));
  }
  virtual void reduce(const Reduction& work) = 0;
  virtual void arg_reduce(const ArgReduction& work) = 0;
  virtual void scan(const Scan& work) = 0;
  virtual void matmul(const Matmul& work) = 0;
  virtual void convolution_forward(const ConvolutionForward& work) = 0;
  virtual void convolution_backward_input(const ConvolutionBackwardInput& work) = 0;
  virtual void convolution_backward_weight(const ConvolutionBackwardWeight& work) = 0;
  virtual void pooling_forward(const PoolingForward& work) = 0;
  virtual void pooling_backward(const PoolingBackward& work) = 0;
  virtual void gather(const Gather& work) = 0;
  virtual void scatter(const Scatter& work) = 0;
  /// Row-major positions of the nonzero elements: out is int64 [count, rank], count known to the caller.
  virtual void nonzero(const View& input, const View& out) = 0;
  virtual void sort(const Sort& work) = 0;
  virtual void generate(const Generate& work) = 0;
  virtual void batch_norm_forward(const BatchNormForward& work) = 0;
  virtual void batch_norm_backward(const BatchNormBackward& work) = 0;
  virtual void layer_norm_forward(const LayerNormForward& work) = 0;
  virtual void layer_norm_backward(const LayerNormBackward& work) = 0;
  virtual void softmax_forward(const SoftmaxForward& work) = 0;
  virtual void softmax_backward(const SoftmaxBackward& work) = 0;
  virtual void cross_entropy_forward(const CrossEntropyForward& work) = 0;
  virtual void cross_entropy_backward(const CrossEntropyBackward& work) = 0;
};

}  // namespace rustorch
