#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rustorch/error/error.h"
#include "rustorch/error/suggestion.h"

namespace rustorch {

/// A map from names to values that keeps the order in which they were inserted, as Python's dict does.
/// Iteration gives pairs (name, value); values change through operator[] and at().
template <class T>
class OrderedMap {
 public:
  using Item = std::pair<std::string, T>;

  OrderedMap() = default;
  OrderedMap(std::initializer_list<Item> items) {
    for (const Item& item : items) insert(item.first, item.second);
  }

  std::size_t size() const noexcept { return items_.size(); }
  bool empty() const noexcept { return items_.empty(); }
  auto begin() const noexcept { return items_.begin(); }
  auto end() const noexcept { return items_.end(); }

  bool contains(std::string_view name) const { return positions_.contains(name); }
  /// The value, or nullptr where there is none.
  const T* find(std::string_view name) const {
    const auto position = positions_.find(name);
    return position == positions_.end() ? nullptr : &items_[position->second].second;
  }
  T* find(std::string_view name) { return const_cast<T*>(std::as_const(*this).find(name)); }

  /// The value of `name`; an Error (not_found) that suggests the nearest names where there is none.
  const T& at(std::string_view name) const {
    if (const T* value = find(name)) return *value;
    fail_with_suggestion(ErrorCode::not_found, did_you_mean(name, names()), "there is no entry `{}` among {}",
                         name, size());
  }
  T& at(std::string_view name) { return const_cast<T&>(std::as_const(*this).at(name)); }

  /// The value of `name`, inserted at the end where there is none.
  T& operator[](std::string_view name) {
    if (T* value = find(name)) return *value;
    positions_.emplace(std::string(name), items_.size());
    return items_.emplace_back(std::string(name), T()).second;
  }
  const T& operator[](std::string_view name) const { return at(name); }

  /// Adds a new entry; an Error (invalid_argument) if the name is taken.
  void insert(std::string_view name, T value) {
    RUSTORCH_CHECK(!contains(name), invalid_argument, "there is already an entry `{}`", name);
    (*this)[name] = std::move(value);
  }

  /// Removes an entry; false if there was none.
  bool erase(std::string_view name) {
    const auto found = positions_.find(name);
    if (found == positions_.end()) return false;
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(found->second));
    positions_.clear();
    for (std::size_t i = 0; i < items_.size(); ++i) positions_.emplace(items_[i].first, i);
    return true;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> result;
    result.reserve(size());
    for (const Item& item : items_) result.push_back(item.first);
    return result;
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const noexcept {
      return std::hash<std::string_view>()(name);
    }
  };

  std::vector<Item> items_;
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> positions_;
};

}  // namespace rustorch
