#include "rustorch/cli/progress_bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "rustorch/cli/terminal.h"

namespace rustorch::cli {
namespace {

constexpr double smoothing = 0.05;
constexpr auto redraw_after = std::chrono::milliseconds(50);

/// A bar of `width` cells in eighths.
std::string bar(double share, int width) {
  constexpr const char* eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int filled = static_cast<int>(std::clamp(share, 0.0, 1.0) * width * 8);
  std::string text;
  for (int i = 0; i < filled / 8; ++i) text += "█";
  text += eighths[filled % 8];
  for (int i = (filled + 7) / 8; i < width; ++i) text += "·";
  return text;
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::max(0.0, std::round(seconds)));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

ProgressBar::ProgressBar() : live_(is_terminal(stderr)) {}

void ProgressBar::on_start(training::Trainer&, const training::RunPlan& plan) {
  plan_ = plan;
  last_step_ = std::chrono::steady_clock::now();
  if (plan.first_step > 0) {
    fmt::print(stderr, "resuming after step {} of {} (epoch {})\n", plan.first_step, plan.total_steps,
               plan.first_epoch);
  }
}

void ProgressBar::on_step(training::Trainer&, const training::StepRecord& record) {
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - last_step_).count();
  last_step_ = now;
  const bool first = step_seconds_ == 0.0;
  loss_ = first ? record.loss : loss_ + smoothing * (record.loss - loss_);
  step_seconds_ = first ? seconds : step_seconds_ + smoothing * (seconds - step_seconds_);
  if (!live_ || (now - last_draw_ < redraw_after && record.step < plan_.total_steps)) return;
  last_draw_ = now;
  const auto in_epoch = static_cast<double>((record.step - 1) % plan_.steps_per_epoch + 1);
  const std::string figures =
      fmt::format(" loss {:.4f}  accuracy {:5.2f} %  {:6.0f} images/s  {} left", loss_, 100 * record.accuracy,
                  record.images_per_second,
                  duration_text(static_cast<double>(plan_.total_steps - record.step) * step_seconds_));
  const std::string head = fmt::format("epoch {}/{} ", record.epoch, plan_.epochs);
  const int room = terminal_width(stderr) - static_cast<int>(head.size() + figures.size()) - 1;
  const double share = in_epoch / static_cast<double>(plan_.steps_per_epoch);
  const std::string drawn = room >= 8 ? styled(stderr, Style::blue, bar(share, std::min(room, 40)))
                                      : fmt::format("{:3.0f} %", 100 * share);
  fmt::print(stderr, "\r\x1b[K{}{}{}", head, drawn, figures);
  std::fflush(stderr);
}

void ProgressBar::on_epoch(training::Trainer&, const training::EpochRecord& record) {
  clear();
  std::string line = fmt::format("epoch {}/{}  train loss {:.4f}  train accuracy {:.2f} %", record.epoch,
                                 plan_.epochs, record.train_loss, 100 * record.train_accuracy);
  if (!std::isnan(record.test_loss)) {
    line += fmt::format("  test loss {:.4f}  test accuracy {}", record.test_loss,
                        styled(stderr, Style::green, fmt::format("{:.2f} %", 100 * record.test_accuracy)));
  }
  fmt::print(stderr, "{}  {:.0f} images/s  {:.1f} s\n", line, record.images_per_second, record.seconds);
  last_step_ = std::chrono::steady_clock::now();
}

void ProgressBar::on_end(training::Trainer&, bool) { clear(); }

void ProgressBar::clear() const {
  if (!live_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
}

}  // namespace rustorch::cli
