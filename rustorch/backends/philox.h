#pragma once

#include <array>
#include <cstdint>

#include "rustorch/backends/compute_backend.h"

// Random numbers, the same on every backend and for any number of threads.
//
// The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC
// 2011): a function from a 128-bit counter and a 64-bit key to four 32-bit words w0 … w3. The key is the seed
// (low word first). Block B of a stream has the counter (low 32 bits of B, high 32 bits of B, 0, 0). A
// Generate work reads the blocks from its `offset` on; element i is the row-major index in the result.
//
// Results of 32 and fewer bits take one word: element i has word w = w[i mod 4] of block offset + i / 4.
// float64 results, and `integers` of every dtype, take two: element i has the low word w[2 (i mod 2)] and the
// high word w[2 (i mod 2) + 1] of block offset + i / 2; W below is high · 2^32 + low. A complex element is
// two real elements of its parts' dtype, 2i and 2i + 1. How many blocks a work reads is philox_blocks.
//
//   uniform    float32: u = (w >> 8) · 2^-24; float16: (w >> 21) · 2^-11; bfloat16: (w >> 24) · 2^-8, all in
//   float32;
//              float64: u = (W >> 11) · 2^-53. The result is min(a + u · (b − a), the largest number of the
//              dtype below b), product and sum rounded apart; without the minimum if a ≥ b.
//   normal     Box-Muller: elements 2j and 2j + 1 share r = sqrt(−2 ln u) and t = 2π v and are r cos t and r
//   sin t.
//              float32 (16-bit results are rounded from it): u = float(w) · 2^-32 + 2^-33 of the even
//              element's word (float rounds to nearest), v = (w >> 8) · 2^-24 of the odd element's. float64:
//              u = ((W >> 11) + 1) · 2^-53 of the even element, v = (W >> 11) · 2^-53 of the odd one. The
//              result is a + b · that, product and sum rounded apart. Backends agree up to the rounding of
//              ln, cos and sin.
//   integers   ia + floor(W · (ib − ia) / 2^64), in 128 bits.
//   bernoulli  1 where w < round(a · 2^32) (compared in 64 bits), else 0, for every dtype from one word.
//   sequence   no random words: a + i · b in float64; for integer results in int64, of a and b truncated.

namespace rustorch {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

inline constexpr std::uint32_t philox_multiplier_0 = 0xD2511F53u;
inline constexpr std::uint32_t philox_multiplier_1 = 0xCD9E8D57u;
inline constexpr std::uint32_t philox_weyl_0 = 0x9E3779B9u;
inline constexpr std::uint32_t philox_weyl_1 = 0xBB67AE85u;
inline constexpr int philox_rounds = 10;

/// The four words of a counter.
constexpr PhiloxCounter philox4x32_10(PhiloxCounter counter, PhiloxKey key) noexcept {
  for (int round = 0; round < philox_rounds; ++round) {
    const std::uint64_t product_0 = std::uint64_t{philox_multiplier_0} * counter[0];
    const std::uint64_t product_1 = std::uint64_t{philox_multiplier_1} * counter[2];
    counter = {static_cast<std::uint32_t>(product_1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product_1),
               static_cast<std::uint32_t>(product_0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product_0)};
    key[0] += philox_weyl_0;
    key[1] += philox_weyl_1;
  }
  return counter;
}

/// Block `block` of the stream of `seed`.
constexpr PhiloxCounter philox_block(std::uint64_t seed, std::uint64_t block) noexcept {
  return philox4x32_10({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0},
                       {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

/// Whether a real element of this kind and dtype takes two words (otherwise one).
constexpr bool philox_takes_two_words(GenerateKind kind, DType dtype) noexcept {
  if (kind == GenerateKind::integers) return true;
  return kind != GenerateKind::bernoulli && real_dtype(dtype) == DType::float64;
}

/// The largest result of `uniform` on [a, b); infinity where that is no interval. An Error if the dtype has
/// no fractions.
double largest_uniform(double a, double b, DType dtype);

/// `bernoulli` gives 1 where its word is below this.
std::uint64_t bernoulli_threshold(double probability);

/// How many blocks a Generate of `count` elements reads: by so much its caller advances the stream's offset.
constexpr std::uint64_t philox_blocks(GenerateKind kind, DType dtype, std::int64_t count) noexcept {
  if (kind == GenerateKind::sequence) return 0;
  const bool two_parts = is_complex(dtype) && (kind == GenerateKind::uniform || kind == GenerateKind::normal);
  const std::uint64_t words = static_cast<std::uint64_t>(count) * (two_parts ? 2u : 1u) *
                              (philox_takes_two_words(kind, dtype) ? 2u : 1u);
  return (words + 3) / 4;
}

}  // namespace rustorch
