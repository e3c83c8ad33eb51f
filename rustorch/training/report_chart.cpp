#include "rustorch/training/report_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace rustorch::training {
namespace {

constexpr double width = 520, height = 280;
constexpr double left = 58, right = 14, top = 34, bottom = 42;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void see(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

std::string tick_text(double value, bool percent) {
  if (percent) return fmt::format("{:g}%", value * 100);
  if (value != 0 && std::abs(value) < 1e-2) return fmt::format("{:.2g}", value);
  if (std::abs(value) >= 10000) return fmt::format("{:g}k", value / 1000);
  return fmt::format("{:g}", value);
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int count) {
  if (!(high > low)) {
    const double margin = low == 0 ? 1 : std::abs(low) * 0.1;
    low -= margin;
    high += margin;
  }
  const double rough = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double unit = rough / power;
  const double step = power * (unit < 1.5 ? 1 : unit < 3.5 ? 2 : unit < 7.5 ? 5 : 10);
  std::vector<double> ticks;
  const auto first = static_cast<std::int64_t>(std::floor(low / step + 1e-9));
  const auto last = static_cast<std::int64_t>(std::ceil(high / step - 1e-9));
  for (std::int64_t i = first; i <= last; ++i) ticks.push_back(static_cast<double>(i) * step);
  return ticks;
}

Curve smoothed(const Curve& curve, std::size_t radius, std::size_t points) {
  Curve result{curve.name, curve.color, {}, {}, false, false};
  const std::size_t size = curve.y.size();
  const std::size_t stride = std::max<std::size_t>(1, size / std::max<std::size_t>(1, points));
  for (std::size_t i = 0; i < size; i += stride) {
    double sum = 0;
    double count = 0;
    for (std::size_t j = i - std::min(i, radius); j < std::min(size, i + radius + 1); ++j) {
      if (std::isfinite(curve.y[j])) {
        sum += curve.y[j];
        count += 1;
      }
    }
    result.x.push_back(curve.x[i]);
    result.y.push_back(count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN());
  }
  return result;
}

std::string to_svg(const Chart& chart) {
  Range xs, ys;
  for (const Curve& curve : chart.curves) {
    for (const double x : curve.x) xs.see(x);
    for (const double y : curve.y) ys.see(y);
  }
  std::string svg = fmt::format(
      R"(<svg viewBox="0 0 {:g} {:g}" role="img" aria-label="{}"><text class="title" x="{:g}" y="20">{}</text>)",
      width, height, chart.title, left, chart.title);
  if (xs.empty() || ys.empty()) {
    return svg + fmt::format(R"(<text x="{:g}" y="{:g}" text-anchor="middle">no data</text></svg>)",
                             width / 2, height / 2);
  }
  const std::vector<double> x_ticks = round_ticks(xs.low, xs.high, 6);
  const std::vector<double> y_ticks = round_ticks(ys.low, ys.high, 5);
  const double x_low = xs.low, x_high = xs.high > xs.low ? xs.high : xs.low + 1;
  const double y_low = y_ticks.front(), y_high = y_ticks.back();
  const auto px = [&](double x) { return left + (x - x_low) / (x_high - x_low) * (width - left - right); };
  const auto py = [&](double y) {
    return height - bottom - (y - y_low) / (y_high - y_low) * (height - top - bottom);
  };

  for (const double y : y_ticks) {
    svg += fmt::format(R"(<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)", left,
                       width - right, py(y), py(y));
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)", left - 6, py(y) + 4,
                       tick_text(y, chart.percent));
  }
  for (const double x : x_ticks) {
    if (x < x_low - 1e-9 || x > x_high + 1e-9) continue;
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", px(x),
                       height - bottom + 16, tick_text(x, false));
  }
  svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)",
                     (left + width - right) / 2, height - 6, chart.x_label);

  double legend = width - right;
  for (const Curve& curve : chart.curves) {
    std::string path;
    bool pen_down = false;
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!std::isfinite(curve.y[i])) {
        pen_down = false;
        continue;
      }
      path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", px(curve.x[i]), py(curve.y[i]));
      pen_down = true;
    }
    svg += fmt::format(R"(<path class="{}" d="{}" stroke="{}"/>)", curve.faint ? "faint" : "curve", path,
                       curve.color);
    for (std::size_t i = 0; curve.markers && i < curve.x.size(); ++i) {
      if (!std::isfinite(curve.y[i])) continue;
      svg += fmt::format(
          R"(<circle cx="{:.1f}" cy="{:.1f}" r="3.5" fill="{}"><title>{}: {}</title></circle>)",
          px(curve.x[i]), py(curve.y[i]), curve.color, curve.name,
          chart.percent ? fmt::format("{:.2f}%", curve.y[i] * 100) : fmt::format("{:.4g}", curve.y[i]));
    }
  }
  for (auto curve = chart.curves.rbegin(); curve != chart.curves.rend(); ++curve) {
    if (curve->faint || curve->name.empty()) continue;
    legend -= 7.0 * static_cast<double>(curve->name.size()) + 24;
    svg += fmt::format(
        R"(<rect x="{:.1f}" y="12" width="12" height="4" fill="{}"/><text x="{:.1f}" y="19">{}</text>)",
        legend, curve->color, legend + 16, curve->name);
  }
  return svg + "</svg>";
}

}  // namespace rustorch::training
