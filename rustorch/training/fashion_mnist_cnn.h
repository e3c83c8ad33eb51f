#pragma once

#include "rustorch/nn/nn.h"

namespace rustorch::training {

/// The network of the main job: two convolutions with batch norm, ReLU and pooling, two linear layers with
/// dropout. Images [N, 1, 28, 28] to scores [N, 10]. Its names in state_dict() are conv1, bn1, conv2, bn2,
/// fc1, fc2.
struct FashionMnistCnn : nn::Module {
  nn::Conv2d conv1 = layer("conv1", nn::Conv2d(1, 32, {.kernel_size = 3, .padding = 1}));
  nn::BatchNorm2d bn1 = layer("bn1", nn::BatchNorm2d(32));
  nn::Conv2d conv2 = layer("conv2", nn::Conv2d(32, 64, {.kernel_size = 3, .padding = 1}));
  nn::BatchNorm2d bn2 = layer("bn2", nn::BatchNorm2d(64));
  nn::Linear fc1 = layer("fc1", nn::Linear(64 * 7 * 7, 128));
  nn::Dropout dropout = layer("dropout", nn::Dropout(0.25));
  nn::Linear fc2 = layer("fc2", nn::Linear(128, 10));

  Tensor forward(const Tensor& x) override {
    Tensor h = max_pool2d(relu(bn1(conv1(x))), 2);
    h = max_pool2d(relu(bn2(conv2(h))), 2);
    return fc2(dropout(relu(fc1(h.flatten(1)))));
  }
};

}  // namespace rustorch::training
