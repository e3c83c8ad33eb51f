#pragma once

#include <filesystem>

#include "rustorch/training/fashion_mnist_cnn.h"

namespace rustorch::cli {

/// The Fashion-MNIST network with the weights of a file, on a device, in eval mode. A file of another network
/// is an Error that names the keys that differ.
training::FashionMnistCnn load_fashion_mnist_cnn(const std::filesystem::path& path, Device device);

}  // namespace rustorch::cli
