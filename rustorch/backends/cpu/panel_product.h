#pragma once

#include <cstdint>

namespace rustorch::cpu {

/// c = start + a·b in float32 for one panel of b: what convolutions are made of. Rows of a lie in lines (of
/// an image): element (line, row, run, i) is at line·a_line + row·a_row + run·a_run + i·a_step. The sum goes
/// over `runs` runs of `depth` elements. Steps in elements.
struct PanelProduct {
  std::int64_t rows = 0;       ///< of c, in all lines
  std::int64_t line_rows = 0;  ///< rows in a line
  std::int64_t runs = 1, depth = 0;
  std::int64_t columns = 0;  ///< of the panel that exist; at most panel_width()
  const float* a = nullptr;
  std::int64_t a_line = 0, a_row = 0, a_run = 0, a_step = 1;
  const float* b = nullptr;  ///< runs · depth rows of panel_width() adjacent elements
  float* c = nullptr;        ///< columns adjacent
  std::int64_t c_row = 0;
  const float* start =
      nullptr;  ///< what the sums start from: rows start_row apart, columns adjacent; or nothing
  std::int64_t start_row = 0;
};
void panel_product(const PanelProduct& work);

/// Columns of a panel: whole registers of the instruction set that runs.
std::int64_t panel_width();

/// Copies a matrix into panels, one after the other, of `rows` rows of panel_width() columns each: zero
/// beyond the last column. Element (row, column) is at row·row_step + column·column_step.
void pack_panels(const float* from, std::int64_t row_step, std::int64_t column_step, std::int64_t rows,
                 std::int64_t columns, float* panels);

}  // namespace rustorch::cpu
