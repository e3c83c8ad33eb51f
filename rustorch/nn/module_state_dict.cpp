#include <algorithm>

#include "rustorch/nn/module_tree.h"
#include "rustorch/tensor/gradient.h"

namespace rustorch::nn {

namespace {

template <class EntriesOf>
std::vector<std::pair<std::string, Tensor>> all_tensors(const ModuleState& root,
                                                        const EntriesOf& entries_of) {
  std::vector<std::pair<std::string, Tensor>> result;
  visit_modules(
      root, "",
      [&](const std::string& path, const ModuleState& node) {
        for (const ModuleState::Entry& entry : entries_of(node)) {
          result.emplace_back(join_path(path, entry.name), entry.tensor);
        }
      },
      true);
  return result;
}

// What state_dict() consists of, in its order, with what loading needs to know.
std::vector<ModuleState::Entry> saved_entries(const ModuleState& root, std::string_view prefix) {
  std::vector<ModuleState::Entry> result;
  visit_modules(
      root, prefix,
      [&](const std::string& path, const ModuleState& node) {
        for (const auto* entries : {&node.parameters, &node.buffers}) {
          for (const ModuleState::Entry& entry : *entries) {
            if (!entry.persistent) continue;
            result.push_back(entry);
            result.back().name = join_path(path, entry.name);
          }
        }
      },
      true);
  return result;
}

// "2 missing keys: `a`, `b`": the first few.
std::string list_keys(const std::vector<std::string>& keys, std::string_view kind) {
  constexpr std::size_t shown = 3;
  const std::span<const std::string> first(keys.data(), std::min(keys.size(), shown));
  return fmt::format("{} {} key{}: `{}`{}", keys.size(), kind, keys.size() == 1 ? "" : "s",
                     fmt::join(first, "`, `"), keys.size() > shown ? ", …" : "");
}

// What to do about the first key that differs.
std::string suggest(const IncompatibleKeys& keys) {
  if (keys.missing_keys.empty() || keys.unexpected_keys.empty()) return {};
  const std::string& missing = keys.missing_keys.front();
  for (const std::string& given : keys.unexpected_keys) {
    if (given.ends_with("." + missing)) {
      return fmt::format("remove the prefix `{}` from the names",
                         given.substr(0, given.size() - missing.size()));
    }
    if (missing.ends_with("." + given)) {
      return fmt::format("add the prefix `{}` to the names",
                         missing.substr(0, missing.size() - given.size()));
    }
  }
  const std::vector<std::string> near = nearest_names(missing, keys.unexpected_keys, 1);
  return near.empty() ? "" : fmt::format("`{}` may be what the state dict calls `{}`", missing, near.front());
}

}  // namespace

std::vector<std::pair<std::string, Tensor>> all_parameters(const ModuleState& root) {
  return all_tensors(
      root, [](const ModuleState& node) -> auto& { return node.parameters; });
}
std::vector<std::pair<std::string, Tensor>> all_buffers(const ModuleState& root) {
  return all_tensors(
      root, [](const ModuleState& node) -> auto& { return node.buffers; });
}

StateDict Module::state_dict(std::string_view prefix) const {
  StateDict result;
  for (const ModuleState::Entry& entry : saved_entries(state(), prefix)) {
    result.insert(entry.name, entry.tensor.detach());
  }
  return result;
}

IncompatibleKeys Module::load_state_dict(const StateDict& dict, bool strict) {
  struct Assignment {
    Tensor target, source;
  };
  IncompatibleKeys keys;
  std::vector<Assignment> assignments;
  std::vector<std::string> problems;
  OrderedMap<bool> expected;
  for (const ModuleState::Entry& entry : saved_entries(state(), "")) {
    expected[entry.name] = true;
    const Tensor* source = dict.find(entry.name);
    if (source == nullptr) {
      if (entry.required) keys.missing_keys.push_back(entry.name);
      continue;
    }
    RUSTORCH_CHECK(source->defined(), invalid_argument, "state dict: the tensor `{}` is undefined",
                   entry.name);
    // Scalars were saved as [1] by old versions of PyTorch.
    const bool old_scalar = entry.tensor.rank() == 0 && source->shape() == Shape{1};
    if (!old_scalar && source->shape() != entry.tensor.shape()) {
      problems.push_back(fmt::format("`{}` is {} in the state dict and {} here", entry.name, source->shape(),
                                     entry.tensor.shape()));
    } else if (is_complex(source->dtype()) && !is_complex(entry.tensor.dtype())) {
      problems.push_back(fmt::format("`{}` is {} in the state dict and {} here", entry.name, source->dtype(),
                                     entry.tensor.dtype()));
    } else {
      assignments.push_back({entry.tensor, old_scalar ? source->detach().reshape({}) : source->detach()});
    }
  }
  for (const auto& [name, tensor] : dict) {
    if (!expected.contains(name)) keys.unexpected_keys.push_back(name);
  }

  if (strict && !keys.missing_keys.empty())
    problems.insert(problems.begin(), list_keys(keys.missing_keys, "missing"));
  if (strict && !keys.unexpected_keys.empty()) {
    problems.insert(problems.begin() + (keys.missing_keys.empty() ? 0 : 1),
                    list_keys(keys.unexpected_keys, "unexpected"));
  }
  if (!problems.empty()) {
    const bool names = strict && !keys.empty();
    fail_with_suggestion(names ? ErrorCode::not_found : ErrorCode::shape_mismatch, names ? suggest(keys) : "",
                         "the state dict does not fit {}: {}", type_name(), fmt::join(problems, "; "));
  }

  const NoGrad guard;
  for (Assignment& assignment : assignments) assignment.target.copy_(assignment.source);
  return keys;
}

}  // namespace rustorch::nn
