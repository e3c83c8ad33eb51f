#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rustorch/tensor/tensor.h"
#include "rustorch/training/callbacks.h"
#include "rustorch/training/metrics.h"

namespace rustorch::training {

/// An image that the network got wrong, with what it thought.
struct WrongImage {
  Tensor image;            ///< uint8 [H, W]
  std::int64_t index = 0;  ///< in the data set
  std::int64_t truth = 0;
  std::int64_t predicted = 0;
  double confidence = 0.0;  ///< the probability given to `predicted`
};

/// What a report shows beside the log.
struct Report {
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;  ///< name, value: device, seed, accuracy …
  TrainingLog log;
  std::vector<std::string> class_names;
  const ConfusionMatrix* confusion = nullptr;
  std::vector<WrongImage> wrong;
};

/// Writes one HTML page with all in it (no other file, no network): curves of loss, accuracy, learning rate
/// and images per second as SVG, the confusion matrix, and the most confidently wrong images.
void write_report(const std::filesystem::path& path, const Report& report);

/// The wrong images with the highest confidence, at most `count`: from scores [N, classes], targets [N] and
/// uint8 images [N, H, W].
std::vector<WrongImage> most_confidently_wrong(const Tensor& scores, const Tensor& targets,
                                               const Tensor& images, std::int64_t count);

}  // namespace rustorch::training
