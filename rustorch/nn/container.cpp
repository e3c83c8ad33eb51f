#include "rustorch/nn/container.h"

#include <algorithm>

#include "rustorch/nn/fused_layers.h"

namespace rustorch::nn {

// ---- AnyModule

AnyModule::AnyModule(const AnyModule& other) : module_(other.module_), copy_(other.copy_) {
  if (module_ && CloneScope::current() != nullptr) module_ = copy_(*module_);
}

AnyModule& AnyModule::operator=(const AnyModule& other) {
  if (this != &other) *this = AnyModule(other);
  return *this;
}

Module* AnyModule::get() const {
  RUSTORCH_CHECK(module_ != nullptr, invalid_argument, "this AnyModule holds no layer");
  return module_.get();
}

void AnyModule::fail_type() const {
  fail(ErrorCode::invalid_argument, "the layer is a {}, not what was asked for", get()->type_name());
}

// ---- Container

void Container::append(std::string name, AnyModule module) {
  add_child(name, *module);
  names_.push_back(std::move(name));
  layers_.push_back(std::move(module));
}

const AnyModule& Container::operator[](std::int64_t index) const {
  const auto count = static_cast<std::int64_t>(size());
  RUSTORCH_CHECK(index >= -count && index < count, index_out_of_range, "{}: there is no layer {} among {}",
                 type_name(), index, count);
  return layers_[static_cast<std::size_t>(index < 0 ? index + count : index)];
}

const AnyModule* Container::find(std::string_view name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  return found == names_.end() ? nullptr : &layers_[static_cast<std::size_t>(found - names_.begin())];
}

// ---- Sequential

Sequential::Sequential(std::initializer_list<std::pair<std::string, AnyModule>> layers) {
  for (const auto& [name, module] : layers) append(name, module);
}

Sequential& Sequential::push_back(AnyModule module) {
  return push_back(fmt::format("{}", size()), std::move(module));
}

Sequential& Sequential::push_back(std::string name, AnyModule module) {
  append(std::move(name), std::move(module));
  return *this;
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (auto layer = begin(); layer != end(); ++layer) {
    const auto next = layer + 1;
    if (std::optional<Tensor> both = next == end() ? std::nullopt : run_fused(**layer, **next, y)) {
      y = std::move(*both);
      layer = next;
    } else {
      y = (*layer)(y);
    }
  }
  return y;
}

// ---- ModuleList, ModuleDict

ModuleList& ModuleList::push_back(AnyModule module) {
  append(fmt::format("{}", size()), std::move(module));
  return *this;
}

ModuleDict::ModuleDict(std::initializer_list<std::pair<std::string, AnyModule>> layers) {
  for (const auto& [name, module] : layers) append(name, module);
}

ModuleDict& ModuleDict::insert(std::string name, AnyModule module) {
  append(std::move(name), std::move(module));
  return *this;
}

const AnyModule& ModuleDict::operator[](std::string_view name) const {
  if (const AnyModule* module = find(name)) return *module;
  std::vector<std::string> names;
  for (const auto& [known, child] : named_children()) names.push_back(known);
  fail_with_suggestion(ErrorCode::not_found, did_you_mean(name, names), "ModuleDict has no layer `{}`", name);
}

}  // namespace rustorch::nn
