#pragma once

#include <bit>
#include <cstddef>

namespace rustorch {

/// The block sizes of the pool: multiples of 64 up to 1 KiB, then four sizes per power of two (at most a
/// fifth of a block is wasted) up to 1 MiB.
struct SizeClasses {
  static constexpr std::size_t granule = 64;
  static constexpr std::size_t linear_bytes = 1024;
  static constexpr std::size_t largest_bytes = std::size_t{1} << 20;
  static constexpr std::size_t linear_count = linear_bytes / granule;
  static constexpr std::size_t count = linear_count + 4 * 10;  // ten doublings from 1 KiB to 1 MiB

  /// The smallest class that holds `bytes`, from 1 to largest_bytes.
  static constexpr std::size_t index_of(std::size_t bytes) noexcept {
    if (bytes <= linear_bytes) return (bytes - 1) / granule;
    const std::size_t last = bytes - 1;
    const auto power = static_cast<std::size_t>(std::bit_width(last)) - 1;
    const std::size_t quarter = (last >> (power - 2)) & 3;
    return linear_count + 4 * (power - 10) + quarter;
  }

  /// The bytes of a block of a class.
  static constexpr std::size_t bytes_of(std::size_t index) noexcept {
    if (index < linear_count) return (index + 1) * granule;
    const std::size_t power = (index - linear_count) / 4 + 10;
    const std::size_t quarter = (index - linear_count) % 4;
    return (quarter + 5) << (power - 2);
  }
};

static_assert(SizeClasses::index_of(1) == 0 && SizeClasses::index_of(64) == 0 &&
              SizeClasses::index_of(65) == 1);
static_assert(SizeClasses::bytes_of(SizeClasses::index_of(1025)) == 1280);
static_assert(SizeClasses::index_of(SizeClasses::largest_bytes) == SizeClasses::count - 1);
static_assert(SizeClasses::bytes_of(SizeClasses::count - 1) == SizeClasses::largest_bytes);

}  // namespace rustorch
