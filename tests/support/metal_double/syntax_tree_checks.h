#pragma once

#include <string>

namespace metal_double {

/// What is wrong with a text that clang took as C++ for OpenCL and that Metal would not take, from what
/// `clang -ast-dump` prints; empty if nothing is. `source` is for the lines that are shown.
std::string check_syntax_tree(const std::string& dump, const std::string& source);

}  // namespace metal_double
