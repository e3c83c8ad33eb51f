#pragma once

#include "rustorch/nn/activation.h"
#include "rustorch/tensor/operations/convolution.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/indexing.h"
#include "rustorch/tensor/operations/linear_algebra.h"
#include "rustorch/tensor/operations/loss.h"
#include "rustorch/tensor/operations/normalization.h"
#include "rustorch/tensor/operations/pooling.h"
#include "rustorch/tensor/operations/random.h"
#include "rustorch/tensor/operations/shape.h"

/// torch.nn.functional: the library's own functions under PyTorch's second name for them.
namespace rustorch::nn::functional {

using rustorch::conv1d;
using rustorch::conv2d;
using rustorch::conv3d;
using rustorch::conv_transpose1d;
using rustorch::conv_transpose2d;
using rustorch::conv_transpose3d;
using rustorch::linear;
using rustorch::linear_gelu;
using rustorch::linear_relu;

using rustorch::adaptive_avg_pool1d;
using rustorch::adaptive_avg_pool2d;
using rustorch::adaptive_avg_pool3d;
using rustorch::adaptive_max_pool1d;
using rustorch::adaptive_max_pool2d;
using rustorch::adaptive_max_pool3d;
using rustorch::avg_pool1d;
using rustorch::avg_pool2d;
using rustorch::avg_pool3d;
using rustorch::max_pool1d;
using rustorch::max_pool1d_with_indices;
using rustorch::max_pool2d;
using rustorch::max_pool2d_with_indices;
using rustorch::max_pool3d;
using rustorch::max_pool3d_with_indices;

using rustorch::celu;
using rustorch::elu;
using rustorch::gelu;
using rustorch::glu;
using rustorch::hardshrink;
using rustorch::hardsigmoid;
using rustorch::hardswish;
using rustorch::hardtanh;
using rustorch::leaky_relu;
using rustorch::log_softmax;
using rustorch::mish;
using rustorch::prelu;
using rustorch::relu;
using rustorch::relu6;
using rustorch::selu;
using rustorch::sigmoid;
using rustorch::silu;
using rustorch::softmax;
using rustorch::softplus;
using rustorch::softshrink;
using rustorch::softsign;
using rustorch::tanh;
using rustorch::tanhshrink;
using rustorch::threshold;
inline Tensor logsigmoid(const Tensor& x) { return rustorch::log_sigmoid(x); }

using rustorch::batch_norm;
using rustorch::dropout;
using rustorch::embedding;
using rustorch::group_norm;
using rustorch::layer_norm;
using rustorch::one_hot;
using rustorch::pad;

using rustorch::binary_cross_entropy;
using rustorch::binary_cross_entropy_with_logits;
using rustorch::cross_entropy;
using rustorch::huber_loss;
using rustorch::kl_div;
using rustorch::l1_loss;
using rustorch::mse_loss;
using rustorch::nll_loss;
using rustorch::smooth_l1_loss;

}  // namespace rustorch::nn::functional
