#include "rustorch/backends/float32_precision.h"

#include <array>
#include <atomic>
#include <string>

#include "rustorch/error/error.h"
#include "rustorch/error/suggestion.h"

namespace rustorch {
namespace {

std::atomic<Float32Precision> of_matmul{Float32Precision::highest};
std::atomic<Float32Precision> of_convolution{Float32Precision::highest};

Float32Precision parse(std::string_view name) {
  if (name == "highest") return Float32Precision::highest;
  if (name == "high" || name == "medium") return Float32Precision::high;
  static const std::array<std::string, 3> names{"highest", "high", "medium"};
  fail_with_suggestion(ErrorCode::invalid_argument, did_you_mean(name, names),
                       "unknown float32 precision \"{}\": it is \"highest\", \"high\" or \"medium\"", name);
}

}  // namespace

std::string_view to_string(Float32Precision precision) noexcept {
  return precision == Float32Precision::high ? "high" : "highest";
}

Float32Precision float32_matmul_precision() noexcept { return of_matmul.load(std::memory_order_relaxed); }
void set_float32_matmul_precision(Float32Precision precision) noexcept {
  of_matmul.store(precision, std::memory_order_relaxed);
}
void set_float32_matmul_precision(std::string_view name) { set_float32_matmul_precision(parse(name)); }

Float32Precision float32_convolution_precision() noexcept {
  return of_convolution.load(std::memory_order_relaxed);
}
void set_float32_convolution_precision(Float32Precision precision) noexcept {
  of_convolution.store(precision, std::memory_order_relaxed);
}
void set_float32_convolution_precision(std::string_view name) {
  set_float32_convolution_precision(parse(name));
}

}  // namespace rustorch
