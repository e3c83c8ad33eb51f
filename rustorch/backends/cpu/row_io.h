#pragma once

#include <optional>

#include "rustorch/backends/cpu/run_io.h"
#include "rustorch/memory/buffer.h"

namespace rustorch::cpu {

/// The rows of a [rows, columns] view in the compute type: where they lie, or read into a buffer of one row.
/// An object serves one thread.
class Rows {
 public:
  Rows(const View& view, DType computed);
  const void* row(std::int64_t r) const {
    return reader_.get(r * row_stride_, column_stride_, columns_, buffer_.data());
  }

 private:
  RunReader reader_;
  std::int64_t columns_, row_stride_, column_stride_;
  Buffer buffer_;
};

/// The rows of a result [rows, columns]: written where they lie, or through a buffer of one row. A result
/// that is not wanted (null data) has null rows.
class ResultRows {
 public:
  ResultRows(const View& view, DType computed);
  void* row(std::int64_t r) const { return direct_ ? writer_.address(r * row_stride_) : buffer_.data(); }
  /// The row is complete.
  void finish(std::int64_t r) const {
    if (buffer_.data() != nullptr) writer_.write(buffer_.data(), r * row_stride_, column_stride_, columns_);
  }

 private:
  RunWriter writer_;
  std::int64_t columns_ = 0, row_stride_ = 0, column_stride_ = 0;
  bool direct_ = false;
  Buffer buffer_;
};

/// A parameter [columns] as adjacent elements of the compute type; null data where there is none.
class Parameter {
 public:
  Parameter(const std::optional<View>& view, DType computed);
  const void* data() const noexcept { return data_; }

 private:
  const void* data_ = nullptr;
  Buffer buffer_;
};

/// Element `i` of a view with one dim (of any stride, 0 too), in whatever floating-point dtype it is.
double read_element(const View& view, std::int64_t i);
void write_element(const View& view, std::int64_t i, double value);

}  // namespace rustorch::cpu
