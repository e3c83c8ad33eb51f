#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "rustorch/nn/module.h"
#include "rustorch/nn/traits/layer.h"

namespace rustorch::nn {

/// A layer of any type: what containers hold. Copies share the layer (nn::clone copies it).
class AnyModule {
 public:
  AnyModule() = default;
  // An AnyModule is no Module, so this never stands in for a copy.
  template <class M>  // NOLINTNEXTLINE(bugprone-forwarding-reference-overload)
  requires(std::derived_from<std::remove_cvref_t<M>, Module>) explicit(false) AnyModule(M&& module)
      : module_(std::make_shared<std::remove_cvref_t<M>>(std::forward<M>(module))),
        copy_([](const Module& original) -> std::shared_ptr<Module> {
          return std::make_shared<std::remove_cvref_t<M>>(
              static_cast<const std::remove_cvref_t<M>&>(original));
        }) {
    static_assert(!std::same_as<std::remove_cvref_t<M>, Module>,
                  "a handle on a module cannot run: use its object");
  }
  AnyModule(const AnyModule& other);
  AnyModule(AnyModule&&) noexcept = default;
  AnyModule& operator=(const AnyModule& other);
  AnyModule& operator=(AnyModule&&) noexcept = default;
  ~AnyModule() = default;

  Tensor operator()(const Tensor& x) const { return (*get())(x); }
  Module& operator*() const { return *get(); }
  Module* operator->() const { return get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(module_); }
  /// The layer as what it is: `net[0].as<nn::Conv2d>().weight`; an Error (invalid_argument) for another type.
  template <std::derived_from<Module> M>
  M& as() const {
    if (M* module = dynamic_cast<M*>(get())) return *module;
    fail_type();
  }
  template <std::derived_from<Module> M>
  bool is() const noexcept {
    return dynamic_cast<const M*>(module_.get()) != nullptr;
  }

 private:
  Module* get() const;
  [[noreturn]] void fail_type() const;

  std::shared_ptr<Module> module_;
  std::shared_ptr<Module> (*copy_)(const Module&) = nullptr;
};

/// What Sequential, ModuleList and ModuleDict have in common: named layers in order. Not used by itself.
class Container : public Module {
 public:
  std::size_t size() const noexcept { return layers_.size(); }
  bool empty() const noexcept { return layers_.empty(); }
  auto begin() const noexcept { return layers_.begin(); }
  auto end() const noexcept { return layers_.end(); }
  /// The index-th layer; negative counts from the end. An Error (index_out_of_range).
  const AnyModule& operator[](std::int64_t index) const;
  const AnyModule& at(std::int64_t index) const { return (*this)[index]; }

 protected:
  Container() = default;
  void append(std::string name, AnyModule module);
  const AnyModule* find(std::string_view name) const;

 private:
  std::vector<AnyModule> layers_;
  std::vector<std::string> names_;
};

/// Runs its layers one after the other (torch.nn.Sequential): `nn::Sequential(nn::Linear(4, 8), nn::ReLU())`
/// names them "0", "1", …; `nn::Sequential({{"hidden", nn::Linear(4, 8)}, {"act", nn::ReLU()}})` as given. A
/// Linear and a ReLU or GELU behind it run as one operation (fused_layers.h).
class Sequential : public Container {
 public:
  Sequential() = default;
  template <class First, class... Rest>
  requires(!std::same_as<std::remove_cvref_t<First>, Sequential> &&
           std::constructible_from<AnyModule, First> &&
           (std::constructible_from<AnyModule, Rest> && ...)) explicit Sequential(First&& first,
                                                                                  Rest&&... rest) {
    push_back(std::forward<First>(first));
    (push_back(std::forward<Rest>(rest)), ...);
  }
  Sequential(std::initializer_list<std::pair<std::string, AnyModule>> layers);

  /// Adds a layer, named by its position or as given; returns *this.
  Sequential& push_back(AnyModule module);
  Sequential& push_back(std::string name, AnyModule module);
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "Sequential"; }
};

/// A list of layers that its owner calls one by one (torch.nn.ModuleList), named "0", "1", ….
class ModuleList : public Container {
 public:
  ModuleList() = default;
  template <class First, class... Rest>
  requires(!std::same_as<std::remove_cvref_t<First>, ModuleList> &&
           std::constructible_from<AnyModule, First> &&
           (std::constructible_from<AnyModule, Rest> && ...)) explicit ModuleList(First&& first,
                                                                                  Rest&&... rest) {
    push_back(std::forward<First>(first));
    (push_back(std::forward<Rest>(rest)), ...);
  }

  ModuleList& push_back(AnyModule module);
  std::string type_name() const override { return "ModuleList"; }
};

/// Layers by name, in order of insertion (torch.nn.ModuleDict).
class ModuleDict : public Container {
 public:
  ModuleDict() = default;
  ModuleDict(std::initializer_list<std::pair<std::string, AnyModule>> layers);

  ModuleDict& insert(std::string name, AnyModule module);
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// An Error (not_found) with suggestions where there is none.
  const AnyModule& operator[](std::string_view name) const;
  std::string type_name() const override { return "ModuleDict"; }
};

}  // namespace rustorch::nn
