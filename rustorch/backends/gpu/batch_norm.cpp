#include "rustorch/backends/gpu/dense_operand.h"
#include "rustorch/backends/gpu/vector_operands.h"
#include "rustorch/backends/loop_nest.h"
#include "rustorch/error/error.h"

namespace rustorch::gpu {
namespace {

/// STAGE of kernels/batch_norm.h.
enum Stage : std::uint8_t { moments, forward, sums, backward };

// As kernels/batch_norm.h declares them.

template <class Index>
struct ChunkParameters {
  std::int64_t input_offset, gradient_offset;
  Place mean;
  Index channels, rows, pixels, chunk, chunks, blocks, image_step, pixel_step;
  Index input_channel, input_image, input_pixel;
  Index gradient_channel, gradient_image, gradient_pixel;
};
template <class Real, class Index>
struct ForwardParameters {
  std::int64_t rows;
  Place weight, bias, running_mean, running_variance, scale, shift, saved_mean, saved_inverse_std;
  Real momentum, epsilon;
  Index channels, chunks;
};
template <class Index>
struct BackwardParameters {
  std::int64_t rows;
  Place weight, mean, inverse_std, by_output_gradient, by_input, shift, d_weight, d_bias;
  Index channels, chunks;
};

DType computed_in(const View& input) {
  RUSTORCH_CHECK(is_floating_point(input.dtype), dtype_mismatch, "op batch_norm does not take {}",
                 input.dtype);
  return compute_dtype(input.dtype);
}

/// The channels' elements of the input, and of the output's gradient if there is one: two loops (images and
/// pixels) where they lie, or of copies where they cannot be gone through by two.
class Channels {
 public:
  Channels(GpuBackend& backend, const View& input, const View* gradient)
      : channels_(input.layout->shape[1]),
        operands_{operand(input), operand(gradient == nullptr ? input : *gradient)} {
    rows_ = channels_ == 0 ? 0 : input.layout->element_count() / channels_;
    if (rows_ == 0) return;
    make_loops();
    if (loops_.rank() > 2) {
      for (Operand& one : operands_) {
        one.dense.emplace(backend, one.view);
        one.layout = Layout::contiguous(one.layout.shape);
        one.layout.offset = one.dense->offset();
        one.view.data = one.dense->buffer();
      }
      make_loops();
    }
    const bool pixels_adjacent = channels_ == 1 || loops_.inner_stride(0) < operands_[0].layout.strides[1];
    teams_ = row_teams(1, rows_, pixels_adjacent, channels_);
    blocks_ = (channels_ + teams_.rows_of_group() - 1) / teams_.rows_of_group();
    chunk_ = summed_chunk(rows_, teams_, blocks_);
    chunks_ = (rows_ + chunk_ - 1) / chunk_;
  }

  std::int64_t count() const noexcept { return channels_; }
  std::int64_t rows() const noexcept { return rows_; }
  std::int64_t chunks() const noexcept { return chunks_; }
  bool wide_index() const noexcept {
    return needs_wide_index(
        std::max({operands_[0].layout.end(), operands_[1].layout.end(), blocks_ * chunks_, rows_ + chunk_}));
  }
  BufferHandle input() const noexcept { return operands_[0].view.data; }
  BufferHandle gradient() const noexcept { return operands_[1].view.data; }
  LaunchShape launch() const { return launch_for(blocks_ * chunks_, 1); }
  const RowTeams& teams() const noexcept { return teams_; }

  template <class Index>
  ChunkParameters<Index> parameters() const {
    const auto as_index = [](std::int64_t value) { return static_cast<Index>(value); };
    const std::int64_t pixels = loops_.inner_size();
    const auto image_stride = [&](std::size_t k) {
      return as_index(loops_.rank() == 2 ? loops_.stride(k, 0) : 0);
    };
    ChunkParameters<Index> parameters{};
    parameters.input_offset = operands_[0].layout.offset;
    parameters.gradient_offset = operands_[1].layout.offset;
    parameters.channels = as_index(channels_), parameters.rows = as_index(rows_);
    parameters.pixels = as_index(pixels);
    parameters.chunk = as_index(chunk_), parameters.chunks = as_index(chunks_);
    parameters.blocks = as_index(blocks_);
    parameters.image_step = as_index(teams_.threads / pixels);
    parameters.pixel_step = as_index(teams_.threads % pixels);
    parameters.input_channel = as_index(operands_[0].layout.strides[1]);
    parameters.input_image = image_stride(0), parameters.input_pixel = as_index(loops_.inner_stride(0));
    parameters.gradient_channel = as_index(operands_[1].layout.strides[1]);
    parameters.gradient_image = image_stride(1), parameters.gradient_pixel = as_index(loops_.inner_stride(1));
    return parameters;
  }

 private:
  struct Operand {
    View view;
    Layout layout;
    std::optional<DenseInput> dense;
  };
  static Operand operand(const View& view) { return {view, *view.layout, std::nullopt}; }

  void make_loops() {
    View views[2] = {operands_[0].view, operands_[1].view};
    for (std::size_t k = 0; k < 2; ++k) views[k].layout = &operands_[k].layout;
    loops_ = dims_except<2>(1, {&views[0], &views[1]});
  }

  std::int64_t channels_, rows_ = 0;
  std::array<Operand, 2> operands_;
  LoopNest<2> loops_;
  RowTeams teams_;
  std::int64_t blocks_ = 0, chunk_ = 0, chunks_ = 0;
};

KernelSource chunk_source(Stage stage, const Channels& channels, const View& input) {
  KernelSource source("batch_norm.h", computed_in(input));
  source.define("STAGE", stage)
      .storage("X", input.dtype)
      .row_teams(channels.teams())
      .wide_index(channels.wide_index());
  return source;
}

KernelSource finish_source(Stage stage, DType compute, bool training, const RowTeams& teams, bool wide) {
  KernelSource source("batch_norm.h", compute);
  source.define("STAGE", stage).define("TRAINING", training ? 1 : 0).row_teams(teams).wide_index(wide);
  return source;
}

}  // namespace

void GpuBackend::batch_norm_forward(const BatchNormForward& work) {
  const DType compute = computed_in(work.input);
  const Channels channels(*this, work.input, nullptr);
  if (channels.count() == 0) return;
  const bool wide = channels.wide_index();
  const std::int64_t chunks = work.training ? channels.chunks() : 0;
  Buffer states;
  if (chunks > 0) {
    states = Buffer(allocator_, static_cast<std::size_t>(3 * chunks * channels.count()) * item_size(compute));
    with_parameter_types(compute, wide, [&](auto /*real*/, auto index) {
      launch(chunk_source(moments, channels, work.input), "moments", channels.launch(),
             {channels.input(), states.data()}, channels.parameters<decltype(index)>());
    });
  }
  const RowTeams teams = joining_teams(chunks);
  KernelSource source = finish_source(forward, compute, work.training, teams, wide);
  VectorOperands vectors(source, work.scale);
  const View weight = view_or_none(work.weight), bias = view_or_none(work.bias);
  const View running_mean = view_or_none(work.running_mean);
  const View running_variance = view_or_none(work.running_variance);
  RUSTORCH_CHECK(work.training || (running_mean.data != nullptr && running_variance.data != nullptr),
                 internal, "batch_norm: no running statistics outside of training");
  with_parameter_types(compute, wide, [&]<class Real, class Index>(Real, Index) {
    ForwardParameters<Real, Index> parameters{};
    parameters.rows = channels.rows();
    parameters.weight = vectors.add("WEIGHT", weight);
    parameters.bias = vectors.add("BIAS", bias);
    parameters.running_mean = vectors.add("RUNNING_MEAN", running_mean);
    parameters.running_variance = vectors.add("RUNNING_VARIANCE", running_variance);
    parameters.scale = vectors.add("SCALE", work.scale);
    parameters.shift = vectors.add("SHIFT", work.shift);
    parameters.saved_mean = vectors.add("SAVED_MEAN", work.saved_mean);
    parameters.saved_inverse_std = vectors.add("SAVED_STD", work.saved_inverse_std);
    parameters.momentum = static_cast<Real>(work.momentum);
    parameters.epsilon = static_cast<Real>(work.epsilon);
    parameters.channels = static_cast<Index>(channels.count());
    parameters.chunks = static_cast<Index>(chunks);
    launch(source, "forward", teams.launch(channels.count()),
           {states.data() != nullptr ? states.data() : work.scale.data, vectors.buffer(weight),
            vectors.buffer(bias), vectors.buffer(running_mean), vectors.buffer(running_variance),
            work.scale.data, work.shift.data, vectors.buffer(work.saved_mean),
            vectors.buffer(work.saved_inverse_std)},
           parameters);
  });
}

void GpuBackend::batch_norm_backward(const BatchNormBackward& work) {
  const DType compute = computed_in(work.input);
  const Channels channels(*this, work.input, &work.d_output);
  if (channels.count() == 0) return;
  const bool wide = channels.wide_index();
  const bool wants_sums = work.training || work.d_weight.data != nullptr || work.d_bias.data != nullptr;
  const std::int64_t chunks = wants_sums ? channels.chunks() : 0;
  Buffer states;
  if (chunks > 0) {
    states = Buffer(allocator_, static_cast<std::size_t>(2 * chunks * channels.count()) * item_size(compute));
    KernelSource source = chunk_source(sums, channels, work.input);
    source.storage("DY", work.d_output.dtype).storage("MEAN", work.mean.dtype);
    with_parameter_types(compute, wide, [&](auto /*real*/, auto index) {
      auto parameters = channels.parameters<decltype(index)>();
      parameters.mean = {work.mean.layout->offset, work.mean.layout->strides[0]};
      launch(source, "sums", channels.launch(),
             {channels.input(), channels.gradient(), work.mean.data, states.data()}, parameters);
    });
  }
  const RowTeams teams = joining_teams(chunks);
  KernelSource source = finish_source(backward, compute, work.training, teams, wide);
  VectorOperands vectors(source, work.by_output_gradient);
  const View weight = view_or_none(work.weight);
  with_parameter_types(compute, wide, [&](auto /*real*/, auto index) {
    using Index = decltype(index);
    BackwardParameters<Index> parameters{};
    parameters.rows = channels.rows();
    parameters.weight = vectors.add("WEIGHT", weight);
    parameters.mean = vectors.add("MEAN", work.mean);
    parameters.inverse_std = vectors.add("INVERSE_STD", work.inverse_std);
    parameters.by_output_gradient = vectors.add("BY_DY", work.by_output_gradient);
    parameters.by_input = vectors.add("BY_X", work.by_input);
    parameters.shift = vectors.add("SHIFT", work.shift);
    parameters.d_weight = vectors.add("D_WEIGHT", work.d_weight);
    parameters.d_bias = vectors.add("D_BIAS", work.d_bias);
    parameters.channels = static_cast<Index>(channels.count());
    parameters.chunks = static_cast<Index>(chunks);
    launch(
        source, "backward", teams.launch(channels.count()),
        {states.data() != nullptr ? states.data() : work.by_output_gradient.data, vectors.buffer(weight),
         work.mean.data, work.inverse_std.data, work.by_output_gradient.data, vectors.buffer(work.by_input),
         vectors.buffer(work.shift), vectors.buffer(work.d_weight), vectors.buffer(work.d_bias)},
        parameters);
  });
}

}  // namespace rustorch::gpu
