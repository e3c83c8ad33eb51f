#include <fmt/format.h>

#include "rustorch/cli/commands.h"
#include "rustorch/cli/model_file.h"
#include "rustorch/cli/terminal.h"
#include "rustorch/cli/threads.h"
#include "rustorch/data/fashion_mnist.h"
#include "rustorch/model_io/common/json.h"
#include "rustorch/tensor/gradient.h"
#include "rustorch/tensor/operations/normalization.h"
#include "rustorch/tensor/operations/shape.h"
#include "rustorch/tensor/operations/sorting.h"

namespace rustorch::cli {

using model_io::Json;

int predict(const PredictArguments& arguments) {
  prepare_threads({});
  constexpr auto& names = data::FashionMnist::class_names;
  const NoGrad no_grad;
  training::FashionMnistCnn model = load_fashion_mnist_cnn(arguments.model, Device());
  Json predictions = Json::array();
  constexpr std::int64_t at_once = 500;
  for (const std::string& file : arguments.images) {
    const Tensor images = data::read_fashion_mnist_images(file);
    for (std::int64_t start = 0; start < images.size(0); start += at_once) {
      const Tensor part = images.slice(0, start, start + at_once);
      const Tensor probabilities = softmax(model(data::fashion_mnist_input(part)), 1);
      const auto [values, classes] = probabilities.topk(arguments.top, 1);
      const std::vector<double> value = values.to_vector<double>();
      const std::vector<std::int64_t> index = classes.to_vector<std::int64_t>();
      for (std::int64_t i = 0; i < part.size(0); ++i) {
        const std::string name = images.size(0) == 1 ? file : fmt::format("{}[{}]", file, start + i);
        Json classes_of_image = Json::array();
        if (!arguments.json) fmt::print("{}\n", styled(stdout, Style::bold, name));
        for (std::int64_t k = 0; k < arguments.top; ++k) {
          const auto at = static_cast<std::size_t>(i * arguments.top + k);
          const std::string_view class_name = names[static_cast<std::size_t>(index[at])];
          if (arguments.json) {
            classes_of_image.push_back(Json::object({{"class", class_name}, {"probability", value[at]}}));
          } else {
            fmt::print("  {:<14} {:6.2f} %\n", class_name, 100 * value[at]);
          }
        }
        if (arguments.json)
          predictions.push_back(Json::object({{"image", name}, {"predictions", classes_of_image}}));
      }
    }
  }
  if (arguments.json) {
    fmt::print("{}\n", Json::object({{"model", arguments.model}, {"images", predictions}}).dump());
  }
  return exit_done;
}

}  // namespace rustorch::cli
