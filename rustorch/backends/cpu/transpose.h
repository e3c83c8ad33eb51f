#pragma once

#include <cstddef>
#include <cstdint>

namespace rustorch::cpu {

/// A matrix that is read along its rows and written along its columns; steps in elements.
struct Transposition {
  std::int64_t rows = 0, columns = 0;  ///< of the matrix as it is read
  std::int64_t row_step = 0,
               column_step = 0;  ///< from row to row in the input, from column to column in the output
};

/// Columns [begin, end) of a transposition of elements of 1, 2, 4, 8 or 16 bytes.
void transpose(const std::byte* from, std::byte* to, std::size_t item_bytes, const Transposition& work,
               std::int64_t begin, std::int64_t end);

}  // namespace rustorch::cpu
