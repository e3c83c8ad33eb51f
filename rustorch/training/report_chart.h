#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rustorch::training {

/// One curve of a chart.
struct Curve {
  std::string name;
  std::string_view color;
  std::vector<double> x, y;  ///< NaN leaves a gap
  bool markers = false;
  bool faint = false;  ///< a thin, pale line: raw values behind a smoothed curve
};

/// A line chart as an SVG element of fixed size, with axes at round numbers, a grid and a legend.
/// `percent`: y in hundredths.
struct Chart {
  std::string title;
  std::string x_label;
  std::vector<Curve> curves;
  bool percent = false;
};
std::string to_svg(const Chart& chart);

/// Round numbers that cover [low, high], about `count` of them.
std::vector<double> round_ticks(double low, double high, int count);

/// The values, each averaged over its neighbours within `radius` on both sides; at most `points` of them.
Curve smoothed(const Curve& curve, std::size_t radius, std::size_t points);

}  // namespace rustorch::training
