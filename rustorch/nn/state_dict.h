#pragma once

#include <string>
#include <vector>

#include "rustorch/nn/ordered_map.h"
#include "rustorch/tensor/tensor.h"

namespace rustorch {

/// Names to tensors, in order: what Module::state_dict gives and load_state_dict takes, and what model files
/// hold.
using StateDict = OrderedMap<Tensor>;

/// The names on which a module and a StateDict differ.
struct IncompatibleKeys {
  std::vector<std::string> missing_keys;     ///< the module has them, the StateDict does not
  std::vector<std::string> unexpected_keys;  ///< the StateDict has them, the module does not
  bool empty() const noexcept { return missing_keys.empty() && unexpected_keys.empty(); }
};

}  // namespace rustorch
