#include "rustorch/backends/gpu/dense_operand.h"
#include "rustorch/backends/gpu/vector_operands.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// STAGE of kernels/layer_norm.h.
enum class Stage : std::uint8_t { forward, backward, shares, join_shares };

/// As kernels/layer_norm.h declares it.
template <class Real, class Index>
struct Parameters {
  std::int64_t x_offset, dy_offset, out_offset;
  Place mean, inverse_std, weight, bias;
  Real epsilon;
  Index rows, n, inner, chunk, chunks;
};

/// The rows that teams go through, and how: element r of row i is at i + r * inner, or at i * n + r.
struct Walk {
  std::int64_t rows, n, inner, chunk, chunks;
  RowTeams teams;

  LaunchShape launch() const { return teams.launch(rows * chunks); }
};

/// [rows, columns], a team for each row.
Walk by_rows(std::int64_t rows, std::int64_t columns) {
  return {rows, columns, 1, columns, 1, row_teams(rows, columns, true)};
}

/// The same, a team for each column; columns are cut into chunks.
Walk by_columns(std::int64_t rows, std::int64_t columns) {
  const RowTeams teams = row_teams(1, rows, false, columns);
  const std::int64_t chunk =
      summed_chunk(rows, teams, (columns + teams.rows_of_group() - 1) / teams.rows_of_group());
  return {columns, rows, columns, chunk, (rows + chunk - 1) / chunk, teams};
}

DType computed_in(const View& input) {
  RUSTORCH_CHECK(is_floating_point(input.dtype), dtype_mismatch, "op layer_norm does not take {}",
                 input.dtype);
  return compute_dtype(input.dtype);
}

/// What a stage's launch takes besides its buffers.
class Launcher {
 public:
  Launcher(GpuBackend& backend, Stage stage, DType compute, const Walk& walk, const View& some)
      : backend_(backend),
        compute_(compute),
        walk_(walk),
        source_("layer_norm.h", compute),
        vectors_(source_, some) {
    wide_ = needs_wide_index(walk.rows * std::max(walk.n, walk.chunks));
    constexpr int held = 2;  // x and its gradient; forward, x and what its three passes need
    const bool holds = stage == Stage::forward || stage == Stage::backward;
    source_.define("STAGE", static_cast<std::int64_t>(stage))
        .define("HELD",
                holds ? held_elements(walk.n, walk.teams, held, compute, backend.executor().facts()) : 0)
        .define("ADJACENT", walk.inner == 1 ? 1 : 0)
        .row_teams(walk.teams)
        .wide_index(wide_);
  }
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  /// `fill(parameters)` sets what is not in the walk.
  template <class Fill>
  void operator()(const char* kernel, std::initializer_list<BufferHandle> buffers, const Fill& fill) {
    with_parameter_types(compute_, wide_, [&]<class Real, class Index>(Real, Index) {
      Parameters<Real, Index> parameters{};
      parameters.rows = static_cast<Index>(walk_.rows), parameters.n = static_cast<Index>(walk_.n);
      parameters.inner = static_cast<Index>(walk_.inner);
      parameters.chunk = static_cast<Index>(walk_.chunk),
      parameters.chunks = static_cast<Index>(walk_.chunks);
      fill(parameters);
      backend_.launch(source_, kernel, walk_.launch(), buffers, parameters);
    });
  }
  KernelSource& source() noexcept { return source_; }
  VectorOperands& vectors() noexcept { return vectors_; }

 private:
  GpuBackend& backend_;
  DType compute_;
  Walk walk_;
  KernelSource source_;
  VectorOperands vectors_;
  bool wide_;
};

}  // namespace

void GpuBackend::layer_norm_forward(const LayerNormForward& work) {
  const DType compute = computed_in(work.input);
  const std::int64_t rows = work.input.layout->shape[0], columns = work.input.layout->shape[1];
  if (rows == 0) return;
  const DenseInput x(*this, work.input);
  DenseOutput out(*this, work.output);
  const View weight = view_or_none(work.weight), bias = view_or_none(work.bias);
  const View& some = columns > 0 ? work.output : work.mean;
  if (some.data == nullptr) return;  // nothing is wanted of no columns
  Launcher launch_stage(*this, Stage::forward, compute, by_rows(rows, columns), some);
  launch_stage.source().storage("X", work.input.dtype).storage("OUT", work.output.dtype);
  VectorOperands& vectors = launch_stage.vectors();
  const Place weight_place = vectors.add("WEIGHT", weight), bias_place = vectors.add("BIAS", bias);
  const Place mean = vectors.add("MEAN", work.mean),
              inverse_std = vectors.add("INVERSE_STD", work.inverse_std);
  launch_stage(
      "forward",
      {columns > 0 ? x.buffer() : some.data, vectors.buffer(weight), vectors.buffer(bias),
       columns > 0 ? out.buffer() : some.data, vectors.buffer(work.mean), vectors.buffer(work.inverse_std)},
      [&]<class Real, class Index>(Parameters<Real, Index>& parameters) {
        parameters.x_offset = x.offset(), parameters.out_offset = out.offset();
        parameters.weight = weight_place, parameters.bias = bias_place;
        parameters.mean = mean, parameters.inverse_std = inverse_std;
        parameters.epsilon = static_cast<Real>(work.epsilon);
      });
  out.finish();
}

void GpuBackend::layer_norm_backward(const LayerNormBackward& work) {
  const DType compute = computed_in(work.input);
  const std::int64_t rows = work.input.layout->shape[0], columns = work.input.layout->shape[1];
  if (columns == 0) return;
  const DenseInput x(*this, work.input), d_output(*this, work.d_output);
  if (work.d_input.data != nullptr && rows > 0) {
    DenseOutput d_input(*this, work.d_input);
    const View weight = view_or_none(work.weight);
    Launcher launch_stage(*this, Stage::backward, compute, by_rows(rows, columns), work.d_input);
    launch_stage.source()
        .storage("X", work.input.dtype)
        .storage("DY", work.d_output.dtype)
        .storage("OUT", work.d_input.dtype);
    VectorOperands& vectors = launch_stage.vectors();
    const Place weight_place = vectors.add("WEIGHT", weight);
    const Place mean = vectors.add("MEAN", work.mean),
                inverse_std = vectors.add("INVERSE_STD", work.inverse_std);
    launch_stage("backward",
                 {x.buffer(), d_output.buffer(), vectors.buffer(weight), work.mean.data,
                  work.inverse_std.data, d_input.buffer()},
                 [&](auto& parameters) {
                   parameters.x_offset = x.offset(), parameters.dy_offset = d_output.offset();
                   parameters.out_offset = d_input.offset(), parameters.weight = weight_place;
                   parameters.mean = mean, parameters.inverse_std = inverse_std;
                 });
    d_input.finish();
  }
  if (work.d_weight.data == nullptr && work.d_bias.data == nullptr) return;
  const View& some = work.d_weight.data != nullptr ? work.d_weight : work.d_bias;
  const Walk walk = by_columns(rows, columns);
  Buffer states;
  if (walk.chunks > 0) {
    states = Buffer(allocator_, static_cast<std::size_t>(2 * columns * walk.chunks) * item_size(compute));
    Launcher launch_stage(*this, Stage::shares, compute, walk, some);
    launch_stage.source()
        .storage("X", work.input.dtype)
        .storage("DY", work.d_output.dtype)
        .define("HAS_D_WEIGHT", work.d_weight.data != nullptr ? 1 : 0);
    VectorOperands& vectors = launch_stage.vectors();
    const Place mean = vectors.add("MEAN", work.mean),
                inverse_std = vectors.add("INVERSE_STD", work.inverse_std);
    launch_stage("shares",
                 {x.buffer(), d_output.buffer(), work.mean.data, work.inverse_std.data, states.data()},
                 [&](auto& parameters) {
                   parameters.x_offset = x.offset(), parameters.dy_offset = d_output.offset();
                   parameters.mean = mean, parameters.inverse_std = inverse_std;
                 });
  }
  // Share `chunk` of a column lies at chunk * columns + column.
  Launcher launch_stage(*this, Stage::join_shares, compute,
                        {columns, walk.chunks, columns, walk.chunks, 1, joining_teams(walk.chunks)}, some);
  VectorOperands& vectors = launch_stage.vectors();
  const Place weight_place = vectors.add("D_WEIGHT", work.d_weight),
              bias_place = vectors.add("D_BIAS", work.d_bias);
  launch_stage("join_shares",
               {walk.chunks > 0 ? states.data() : some.data, vectors.buffer(work.d_weight),
                vectors.buffer(work.d_bias)},
               [&](auto& parameters) { parameters.weight = weight_place, parameters.bias = bias_place; });
}

}  // namespace rustorch::gpu
