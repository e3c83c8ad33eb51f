#pragma once

#include <array>
#include <compare>
#include <optional>

#include "rustorch/backends/gpu/convolution_library.h"
#include "rustorch/backends/gpu/cuda/cudnn_object.h"

namespace rustorch::gpu::cuda {

/// A convolution without its addresses: all that cuDNN's choice of an engine depends on. One spatial dim is
/// two here, of which the first has one element.
struct ConvolutionForm {
  using Sizes = std::array<std::int64_t, 5>;

  explicit ConvolutionForm(const LibraryConvolution& work);
  auto operator<=>(const ConvolutionForm&) const = default;

  /// How many products are added up.
  double multiply_adds() const;

  ConvolutionDirection direction;
  DType dtype;
  bool rounds_to_tf32;
  bool channels_last;
  bool has_bias;
  std::size_t rank;  ///< 4 or 5, of the tensors
  Sizes input{}, weight{}, output{};
  std::array<std::int64_t, 3> stride{}, padding{}, dilation{};  ///< of rank - 2 dims
  std::array<std::int64_t, 4> alignment{};                      ///< bytes: input, weight, output, bias
};

/// Where the elements of a view begin.
void* address_of(const View& view);

/// How cuDNN makes convolutions of one form.
class ConvolutionPlan {
 public:
  /// The fastest engine, as cuDNN expects, of those that keep the precision and give the same bits each time
  /// and whose workspace has at most so many bytes; nothing if there is none. Other failures are Errors.
  static std::optional<ConvolutionPlan> make(const CudnnApi& api, DnnHandle handle,
                                             const ConvolutionForm& form, std::size_t most_workspace);

  std::size_t workspace_bytes() const noexcept { return workspace_bytes_; }
  /// Queues work of the form, in the handle's stream.
  void run(const CudnnApi& api, DnnHandle handle, const LibraryConvolution& work, void* workspace) const;

 private:
  ConvolutionPlan(DnnObject engine_config, DnnObject plan, std::size_t workspace_bytes)
      : engine_config_(std::move(engine_config)), plan_(std::move(plan)), workspace_bytes_(workspace_bytes) {}

  DnnObject engine_config_, plan_;
  std::size_t workspace_bytes_;
};

}  // namespace rustorch::gpu::cuda
