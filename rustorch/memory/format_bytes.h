#pragma once

#include <cstdint>
#include <string>

namespace rustorch {

/// A size for people: "512 B", "1.5 KiB", "3.2 GiB".
std::string format_bytes(std::uint64_t bytes);

}  // namespace rustorch
