#include "rustorch/cli/model_file.h"

#include "rustorch/model_io/state_dict_io.h"

namespace rustorch::cli {

training::FashionMnistCnn load_fashion_mnist_cnn(const std::filesystem::path& path, Device device) {
  const auto describe = [&] { return fmt::format("loading the model {}", path.string()); };
  const ErrorContext context(describe);
  training::FashionMnistCnn model;
  model.load_state_dict(load_state_dict(path));
  model.to(device);
  model.eval();
  return model;
}

}  // namespace rustorch::cli
