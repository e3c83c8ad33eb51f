#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rustorch::gpu {

/// What a compiled form was made from. An entry is taken only for the very same texts: two sources whose
/// hashes are the same cannot be taken for each other.
struct KernelOrigin {
  std::string_view compiler;  ///< DeviceFacts::compiler_identity
  std::string_view source;    ///< with the dialect's prelude
};

/// A compiled form that was read from a file.
class KernelBinary {
 public:
  KernelBinary(std::vector<std::byte> contents, std::size_t begin)
      : contents_(std::move(contents)), begin_(begin) {}
  std::span<const std::byte> bytes() const noexcept { return std::span(contents_).subspan(begin_); }

 private:
  std::vector<std::byte> contents_;
  std::size_t begin_;
};

/// Larger compiled forms are neither written nor read.
inline constexpr std::uint64_t most_kernel_binary_bytes = std::uint64_t{256} << 20;

/// What stands before the compiled form in an entry's file, which has nothing after it: magic and version of
/// the format, a CRC-32 of all that follows, the sizes of the three parts (numbers as this machine has them),
/// compiler and source.
std::string kernel_entry_head(const KernelOrigin& origin, std::span<const std::byte> binary);

/// The compiled form in an open file. Nothing if the file is not a whole and undamaged entry of this origin,
/// or cannot be read; no more memory is taken than such an entry needs.
std::optional<KernelBinary> read_kernel_entry(int descriptor, const KernelOrigin& origin);

}  // namespace rustorch::gpu
