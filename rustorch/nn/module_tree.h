#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "rustorch/nn/module.h"

// Walks over a module's registry, for the sources of class Module.
namespace rustorch::nn {

/// "a.b", or "b" where the prefix is empty.
std::string join_path(std::string_view prefix, std::string_view name);

/// Calls `visit(path, state)` for a node and all below it, parents first. A node registered twice is visited
/// under its first path only, unless `every_path`.
template <class Visit>
void visit_modules(const ModuleState& root, std::string_view prefix, const Visit& visit,
                   bool every_path = false) {
  std::unordered_set<const ModuleState*> seen;
  const auto walk = [&](const auto& self, const std::string& path, const ModuleState& node) -> void {
    if (!every_path && !seen.insert(&node).second) return;
    visit(path, node);
    for (const ModuleState::Child& child : node.children)
      self(self, join_path(path, child.name), *child.state);
  };
  walk(walk, std::string(prefix), root);
}

/// All parameters or buffers by all their names (shared ones more than once).
std::vector<std::pair<std::string, Tensor>> all_parameters(const ModuleState& root);
std::vector<std::pair<std::string, Tensor>> all_buffers(const ModuleState& root);

}  // namespace rustorch::nn
