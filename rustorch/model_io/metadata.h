#pragma once

#include <map>
#include <string>

namespace rustorch {

/// What a model file says about itself beside its tensors.
using ModelMetadata = std::map<std::string, std::string>;

}  // namespace rustorch
