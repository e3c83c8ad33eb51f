#include "rustorch/training/report.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "rustorch/core/atomic_file.h"
#include "rustorch/data/png.h"
#include "rustorch/tensor/gradient.h"
#include "rustorch/tensor/operations/normalization.h"
#include "rustorch/training/report_chart.h"

namespace rustorch::training {
namespace {

constexpr std::string_view style = R"(
:root { --ink: #1c2733; --pale: #66788a; --line: #dde4ea; --ground: #f6f8fa; --card: #ffffff; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; color: var(--ink); background: var(--ground); margin: 0; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 34px 0 12px; }
.facts { display: flex; flex-wrap: wrap; gap: 10px; margin: 16px 0; }
.fact { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px 14px; }
.fact b { display: block; font-size: 18px; } .fact span { color: var(--pale); font-size: 12px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 14px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px; overflow-x: auto; }
svg { width: 100%; height: auto; display: block; } svg text { font: 11px system-ui, sans-serif; fill: var(--pale); }
svg .title { font-size: 13px; font-weight: 600; fill: var(--ink); } svg .grid { stroke: var(--line); }
svg path { fill: none; } svg .curve { stroke-width: 1.8; } svg .faint { stroke-width: 1; opacity: .3; }
table { border-collapse: collapse; font-size: 13px; } th { font-weight: 500; color: var(--pale); padding: 4px 6px; }
td { padding: 0; width: 62px; height: 34px; text-align: center; } th.row { text-align: right; white-space: nowrap; }
.wrong { display: grid; grid-template-columns: repeat(auto-fill, minmax(120px, 1fr)); gap: 12px; }
.wrong figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px; text-align: center; }
.wrong img { width: 84px; height: 84px; image-rendering: pixelated; border-radius: 4px; }
.wrong figcaption { font-size: 12px; line-height: 1.35; } .wrong s { color: var(--pale); text-decoration: none; }
)";

std::string escape(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) group = group << 8 | (i + j < bytes.size() ? bytes[i + j] : 0u);
    for (std::size_t j = 0; j < 4; ++j) {
      text += i + j <= bytes.size() ? digits[group >> (18 - 6 * j) & 63u] : '=';
    }
  }
  return text;
}

std::string class_name(const Report& report, std::int64_t index) {
  const auto i = static_cast<std::size_t>(index);
  return i < report.class_names.size() ? escape(report.class_names[i]) : std::to_string(index);
}

std::string charts(const TrainingLog& log) {
  Curve loss{"", "#3b6fb6", {}, {}, false, true};
  Curve rate{"", "#7a4fb0", {}, {}, false, false};
  Curve speed{"", "#2f8f6b", {}, {}, false, true};
  Curve accuracy{"training", "#3b6fb6", {}, {}, false, false};
  for (const StepRecord& record : log.steps) {
    const auto step = static_cast<double>(record.step);
    for (Curve* curve : {&loss, &rate, &speed, &accuracy}) curve->x.push_back(step);
    loss.y.push_back(record.loss);
    rate.y.push_back(record.learning_rate);
    speed.y.push_back(record.images_per_second);
    accuracy.y.push_back(record.accuracy);
  }
  // Epoch values stand at the epoch's last step.
  Curve test_loss{"test", "#d1603d", {}, {}, true, false};
  Curve test_accuracy{"test", "#d1603d", {}, {}, true, false};
  for (const EpochRecord& record : log.epochs) {
    double end = 0;
    for (const StepRecord& step : log.steps) {
      if (step.epoch == record.epoch) end = static_cast<double>(step.step);
    }
    for (Curve* curve : {&test_loss, &test_accuracy}) curve->x.push_back(end);
    test_loss.y.push_back(record.test_loss);
    test_accuracy.y.push_back(record.test_accuracy);
  }
  constexpr std::size_t points = 400;
  const std::size_t radius = std::max<std::size_t>(1, log.steps.size() / 120);
  Curve smooth_loss = smoothed(loss, radius, points);
  smooth_loss.name = "training";
  Curve smooth_speed = smoothed(speed, radius, points);
  std::string html = "<div class=\"charts\">";
  const auto add = [&](const Chart& chart) { html += "<div class=\"card\">" + to_svg(chart) + "</div>"; };
  add({"Loss", "step", {loss, smooth_loss, test_loss}, false});
  add({"Accuracy", "step", {smoothed(accuracy, 0, points), test_accuracy}, true});
  add({"Learning rate", "step", {smoothed(rate, 0, points)}, false});
  add({"Training images per second", "step", {speed, smooth_speed}, false});
  return html + "</div>";
}

std::string confusion_table(const Report& report) {
  const ConfusionMatrix& matrix = *report.confusion;
  std::string html = "<div class=\"card\"><table><tr><th></th>";
  for (std::int64_t i = 0; i < matrix.classes(); ++i) html += "<th>" + class_name(report, i) + "</th>";
  html += "<th>right</th></tr>";
  for (std::int64_t truth = 0; truth < matrix.classes(); ++truth) {
    std::int64_t total = 0;
    for (std::int64_t i = 0; i < matrix.classes(); ++i) total += matrix.count(truth, i);
    html += "<tr><th class=\"row\">" + class_name(report, truth) + "</th>";
    for (std::int64_t i = 0; i < matrix.classes(); ++i) {
      const std::int64_t count = matrix.count(truth, i);
      const double share = total > 0 ? static_cast<double>(count) / static_cast<double>(total) : 0.0;
      // Small shares of errors stay visible: the shade follows the square root.
      const double shade = i == truth ? share : std::min(1.0, 2 * std::sqrt(share));
      html += fmt::format("<td style=\"background:{};color:{}\" title=\"{} taken for {}: {}\">{}</td>",
                          i == truth ? fmt::format("rgba(59,111,182,{:.3f})", shade)
                                     : fmt::format("rgba(209,96,61,{:.3f})", shade),
                          shade > 0.6 ? "#fff" : "inherit", class_name(report, truth), class_name(report, i),
                          count, count == 0 ? "" : std::to_string(count));
    }
    html += total > 0 ? fmt::format("<td>{:.1f}%</td></tr>",
                                    100.0 * static_cast<double>(matrix.count(truth, truth)) /
                                        static_cast<double>(total))
                      : "<td></td></tr>";
  }
  return html + "</table></div>";
}

std::string wrong_images(const Report& report) {
  std::string html = "<div class=\"wrong\">";
  for (const WrongImage& wrong : report.wrong) {
    html += fmt::format(
        "<figure><img alt=\"test image {}\" title=\"test image {}\" "
        "src=\"data:image/png;base64,{}\"><figcaption>"
        "<b>{}</b> {:.1f}%<br><s>is {}</s></figcaption></figure>",
        wrong.index, wrong.index, base64(data::encode_png(wrong.image)), class_name(report, wrong.predicted),
        100 * wrong.confidence, class_name(report, wrong.truth));
  }
  return html + "</div>";
}

}  // namespace

void write_report(const std::filesystem::path& path, const Report& report) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>" +
      escape(report.title) + "</title><style>";
  html += style;
  html += "</style></head><body><main><h1>" + escape(report.title) + "</h1><div class=\"facts\">";
  for (const auto& [name, value] : report.facts) {
    html += "<div class=\"fact\"><span>" + escape(name) + "</span><b>" + escape(value) + "</b></div>";
  }
  html += "</div><h2>Training</h2>" + charts(report.log);
  if (report.confusion != nullptr) {
    html += "<h2>Confusion matrix</h2><p>Rows are the true classes, columns what the network said.</p>" +
            confusion_table(report);
  }
  if (!report.wrong.empty()) {
    html +=
        "<h2>Most confidently wrong</h2><p>What the network said, how sure it was, and what the label "
        "says.</p>" +
        wrong_images(report);
  }
  html += "</main></body></html>\n";
  write_file_atomically(path, html);
}

std::vector<WrongImage> most_confidently_wrong(const Tensor& scores, const Tensor& targets,
                                               const Tensor& images, std::int64_t count) {
  const NoGrad no_grad;
  const Tensor probabilities = softmax(scores.detach(), 1);
  const auto [confidence, predicted] = probabilities.max(1);
  const std::vector<double> sure = confidence.to_vector<double>();
  const std::vector<std::int64_t> said = predicted.to_vector<std::int64_t>();
  const std::vector<std::int64_t> truth = targets.to_vector<std::int64_t>();
  std::vector<std::size_t> wrong;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (said[i] != truth[i]) wrong.push_back(i);
  }
  std::stable_sort(wrong.begin(), wrong.end(),
                   [&](std::size_t a, std::size_t b) { return sure[a] > sure[b]; });
  wrong.resize(std::min(wrong.size(), static_cast<std::size_t>(std::max<std::int64_t>(0, count))));
  std::vector<WrongImage> result;
  for (const std::size_t i : wrong) {
    const auto index = static_cast<std::int64_t>(i);
    result.push_back({images.select(0, index).clone(), index, truth[i], said[i], sure[i]});
  }
  return result;
}

}  // namespace rustorch::training
