#include <algorithm>
#include <functional>
#include <string>

#include "rustorch/cli/bench_measure.h"
#include "rustorch/tensor/lazy.h"
#include "rustorch/tensor/operations/convolution.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/loss.h"
#include "rustorch/tensor/operations/normalization.h"
#include "rustorch/tensor/operations/pooling.h"
#include "rustorch/tensor/operations/random.h"

namespace rustorch::cli {
namespace {

/// A layer of `input` by itself, and with the gradients of its input and its parameters for a given gradient
/// of its output. What counts as moved is the input and the output, and for gradients those and their
/// gradients.
void measure_layer(Measure& measure, const std::string& of, Tensor input,
                   const std::function<Tensor(const Tensor&)>& layer) {
  const std::string name = "layer " + of, with_gradients = name + " and gradients";
  if (!measure.wants(with_gradients)) return;
  const Tensor d_output = ones_like(layer(input));
  const double bytes =
      static_cast<double>(input.numel() + d_output.numel()) * static_cast<double>(item_size(input.dtype()));
  {
    const NoGrad no_gradients;
    measure(name, bytes, 0, [&] { materialize(layer(input)); });
  }
  input.requires_grad_();
  measure(with_gradients, 2 * bytes, 0, [&] {
    input.set_grad({});
    layer(input).backward(d_output);
  });
}

}  // namespace

void measure_layers(Measure& measure, std::int64_t elements) {
  const Shape shape = image_activations(elements);
  const std::int64_t channels = shape[1], columns = 1024;
  const Tensor images = randn(shape);
  measure_layer(measure, "max_pool2d 2", images, [](const Tensor& x) { return max_pool2d(x, 2); });
  measure_layer(measure, "max_pool2d 3, stride 2", images,
                [](const Tensor& x) { return max_pool2d(x, 3, 2, 1); });
  measure_layer(measure, "avg_pool2d 2", images, [](const Tensor& x) { return avg_pool2d(x, 2); });
  const Tensor mean = zeros({channels}), variance = ones({channels});
  const Tensor scale = ones({channels}).requires_grad_(), shift = zeros({channels}).requires_grad_();
  for (const bool training : {true, false})
    measure_layer(measure, training ? "batch_norm" : "batch_norm, evaluation", images,
                  [&](const Tensor& x) { return batch_norm(x, mean, variance, scale, shift, training); });
  const Tensor depthwise = randn({channels, 1, 3, 3}).requires_grad_();
  measure_layer(measure, "depthwise conv", images,
                [&](const Tensor& x) { return conv2d(x, depthwise, {}, 1, 1, 1, channels); });
  const std::int64_t rows = std::max<std::int64_t>(1, images.numel() / columns);
  const Tensor tokens = randn({rows, columns});
  const Tensor gain = ones({columns}).requires_grad_(), offset = zeros({columns}).requires_grad_();
  measure_layer(measure, "layer_norm", tokens,
                [&](const Tensor& x) { return layer_norm(x, {columns}, gain, offset); });
  measure_layer(measure, "softmax", tokens, [](const Tensor& x) { return softmax(x, 1); });
  const Tensor targets = randint(0, columns, {rows});
  measure_layer(measure, "cross_entropy", tokens, [&](const Tensor& x) { return cross_entropy(x, targets); });
}

}  // namespace rustorch::cli
