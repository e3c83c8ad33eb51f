#pragma once

#include <filesystem>

#include "rustorch/tensor/tensor.h"

namespace rustorch::data {

/// Reads an IDX file (the format of MNIST), gzipped or not, whatever its name: uint8, int8, int16, int32,
/// float32 or float64. The sizes that it declares are held against the file's before anything is allocated.
/// An Error names the file, the byte offset and what is wrong: not_found, io, or corrupt_data for a wrong
/// magic number, truncated or trailing data and damaged gzip.
Tensor read_idx(const std::filesystem::path& path);

/// Writes a tensor of one of these dtypes as IDX, gzipped if the name ends in ".gz".
void write_idx(const std::filesystem::path& path, const Tensor& x);

/// Whether the file begins as an IDX file does, gzipped or not. False for what cannot be read.
bool is_idx_file(const std::filesystem::path& path);

}  // namespace rustorch::data
