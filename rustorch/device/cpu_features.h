#pragma once

#include <string>
#include <vector>

namespace rustorch {

/// What the processor says about itself: its name and its features (under the names that Linux uses in
/// /proc/cpuinfo), leaving out those whose registers the operating system does not save.
struct CpuIdentity {
  std::string name;
  std::vector<std::string> features;
};

CpuIdentity identify_cpu();

}  // namespace rustorch
