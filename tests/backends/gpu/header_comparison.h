#pragma once

#include <type_traits>

namespace rustorch::testing {

// What our declarations of a library's functions must have in common with those of its header.

template <auto ours, auto theirs>
concept SameValue = static_cast<long long>(ours) == static_cast<long long>(theirs) &&
                    sizeof ours == sizeof(int);

/// Whether two types are passed alike: pointers, or numbers of one size and kind.
template <class Ours, class Theirs>
constexpr bool passed_alike() {
  if constexpr (std::is_void_v<Ours> || std::is_void_v<Theirs>) {
    return std::is_void_v<Ours> && std::is_void_v<Theirs>;
  } else {
    return sizeof(Ours) == sizeof(Theirs) && std::is_pointer_v<Ours> == std::is_pointer_v<Theirs> &&
           std::is_floating_point_v<Ours> == std::is_floating_point_v<Theirs>;
  }
}

template <class Api, class OurResult, class... Ours, class TheirResult, class... Theirs>
constexpr bool called_alike(OurResult (*Api::*)(Ours...), TheirResult (*)(Theirs...)) {
  if constexpr (sizeof...(Ours) != sizeof...(Theirs)) {
    return false;
  } else {
    return passed_alike<OurResult, TheirResult>() && (passed_alike<Ours, Theirs>() && ...);
  }
}

}  // namespace rustorch::testing
