#pragma once

#include <string_view>

#include "rustorch/backends/gpu/inline_bytes.h"
#include "rustorch/compute/program.h"

namespace rustorch::gpu {

/// What decides a kernel's text, as bytes: the key of its source in the cache. Made for every launch, so no
/// text is formatted for it.
class KernelKey {
 public:
  /// `kind` tells apart keys of different makers.
  explicit KernelKey(std::string_view kind) { add(kind); }

  template <class T>
  requires std::has_unique_object_representations_v<T> KernelKey& add(const T& value) {
    bytes_.append(&value, sizeof value);
    return *this;
  }
  KernelKey& add(std::string_view text) {
    add(text.size());
    bytes_.append(text.data(), text.size());
    return *this;
  }
  /// A program without its scalars' values.
  KernelKey& add(const Program& program) {
    add_span(program.instructions());
    add_span(program.input_dtypes());
    add_span(program.outputs());
    return *this;
  }

  std::string_view view() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

 private:
  template <class T>
  void add_span(std::span<const T> values) {
    static_assert(std::has_unique_object_representations_v<T>);
    add(values.size());
    bytes_.append(values.data(), values.size_bytes());
  }

  InlineBytes bytes_;
};

}  // namespace rustorch::gpu
