#pragma once

#include <string>
#include <string_view>

namespace rustorch::gpu {

/// A compiler's log with the source's line, and its number, below each of its lines that names one: as
/// `name(12): error: …` (NVRTC) or `name:12:5: error: …` (clang, in OpenCL and Metal). A line that the
/// compiler shows itself, straight after naming it, is not shown again.
std::string annotate_log(std::string_view source, std::string_view log);

}  // namespace rustorch::gpu
