#pragma once

#include <string_view>

namespace rustorch::gpu {

/// The text of a file of backends/gpu/kernels/, which the build embeds; an Error (internal) if there is none
/// of this name.
std::string_view kernel_text(std::string_view name);

}  // namespace rustorch::gpu
