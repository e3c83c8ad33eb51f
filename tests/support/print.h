#pragma once

#include <ostream>

#include "rustorch/core/dtype.h"
#include "rustorch/core/shape.h"
#include "rustorch/device/cpu_info.h"
#include "rustorch/device/device.h"

// How GoogleTest writes our types when an expectation fails. It finds these by their namespace.
namespace rustorch {

inline void PrintTo(ErrorCode code, std::ostream* out) { *out << to_string(code); }
inline void PrintTo(DType dtype, std::ostream* out) { *out << to_string(dtype); }
inline void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.to_string(); }
inline void PrintTo(Device device, std::ostream* out) { *out << device.to_string(); }
inline void PrintTo(CpuIsa isa, std::ostream* out) { *out << to_string(isa); }

}  // namespace rustorch
