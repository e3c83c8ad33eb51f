#pragma once

#include <map>
#include <string>

#include "program.h"

namespace metal_double {

/// Reads the kernels of a preprocessed text: clang drops Metal's attributes, so their rules are checked here.
/// Adds what is wrong to `diagnostics`.
std::map<std::string, KernelCode> read_signatures(const std::string& text, std::string& diagnostics);

}  // namespace metal_double
