#pragma once

namespace rustorch::nn {

/// The first member of every options struct: it keeps `{3, 5}` from meaning options, so that options are
/// always written with names, `{.kernel_size = 3}`, and a plain list is a list of sizes.
class NamedOnly {
 public:
  constexpr explicit NamedOnly() = default;
};

}  // namespace rustorch::nn
