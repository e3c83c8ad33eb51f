#pragma once

#include <map>
#include <string>

#include "rustorch/core/dtype.h"
#include "support/op_case.h"

namespace rustorch::testing {

/// How a sample of an op case ended on the default device.
enum class SampleEnd : std::uint8_t {
  equal,      ///< values as PyTorch's, computed on the device
  fell_back,  ///< values as PyTorch's, but some of the work ran on the CPU
  failed,
  refused,   ///< an Error, as in PyTorch or by design
  extended,  ///< works, where PyTorch refuses
};
inline constexpr std::size_t sample_ends = 5;

/// What the op cases found out, for the support table: RUSTORCH_WRITE_OP_SUPPORT names the file that it is
/// written to when the tests are over (scripts/op-support makes docs/op_support.md from such files).
class OpSupport {
 public:
  static OpSupport& instance();
  void add(const OpCase& one, DType dtype, SampleEnd end) {
    ++row(one).cells[dtype][static_cast<std::size_t>(end)];
  }
  void add_gradient(const OpCase& one, bool second) {
    ++(second ? row(one).second_gradients : row(one).gradients);
  }
  /// JSON: the device, the day, and by family and operation the number of samples for each SampleEnd of each
  /// dtype (without zeros at the end), and of equal gradients.
  std::string json() const;

 private:
  struct Row {
    std::map<DType, std::array<int, sample_ends>> cells;
    int gradients = 0;
    int second_gradients = 0;
  };
  Row& row(const OpCase& one) { return families_[one.family][one.operation()]; }

  std::map<std::string, std::map<std::string, Row>> families_;
};

}  // namespace rustorch::testing
