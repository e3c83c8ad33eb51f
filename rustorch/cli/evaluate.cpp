#include <fmt/format.h>

#include "rustorch/backends/runtime.h"
#include "rustorch/cli/commands.h"
#include "rustorch/cli/model_file.h"
#include "rustorch/cli/threads.h"
#include "rustorch/data/fashion_mnist.h"
#include "rustorch/data/loader.h"
#include "rustorch/model_io/common/json.h"
#include "rustorch/tensor/operations/loss.h"
#include "rustorch/training/trainer.h"

namespace rustorch::cli {

using model_io::Json;

int evaluate(const EvaluateArguments& arguments) {
  const Device device(arguments.device);
  backend_for(device);
  prepare_threads({});
  training::FashionMnistCnn model = load_fashion_mnist_cnn(arguments.model, device);
  const data::FashionMnist images = data::FashionMnist::load_test(arguments.data);
  data::DataLoader loader(images.test_set(), {.batch_size = 500, .workers = 1});
  const auto loss = [](const Tensor& output, const Tensor& target) { return cross_entropy(output, target); };
  constexpr auto& names = data::FashionMnist::class_names;
  const training::Evaluation result =
      training::evaluate(model, loader, loss, static_cast<std::int64_t>(names.size()), device);
  const auto class_accuracy = [&](std::size_t i) {
    const auto truth = static_cast<std::int64_t>(i);
    std::int64_t total = 0;
    for (std::int64_t j = 0; j < result.confusion.classes(); ++j) total += result.confusion.count(truth, j);
    return total > 0 ? static_cast<double>(result.confusion.count(truth, truth)) / static_cast<double>(total)
                     : 0.0;
  };
  if (arguments.json) {
    Json classes = Json::object();
    for (std::size_t i = 0; i < names.size(); ++i) classes.set(std::string(names[i]), class_accuracy(i));
    fmt::print("{}\n", Json::object({{"model", arguments.model},
                                     {"device", device.to_string()},
                                     {"images", result.confusion.total()},
                                     {"test_accuracy", result.accuracy()},
                                     {"test_loss", result.loss},
                                     {"class_accuracy", classes}})
                           .dump());
    return exit_done;
  }
  fmt::print("test accuracy  {:.2f} %  ({} images)\ntest loss      {:.4f}\n", 100 * result.accuracy(),
             result.confusion.total(), result.loss);
  for (std::size_t i = 0; i < names.size(); ++i)
    fmt::print("  {:<14} {:6.2f} %\n", names[i], 100 * class_accuracy(i));
  return exit_done;
}

}  // namespace rustorch::cli
