#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>

namespace rustorch::data {

/// Random numbers for shuffling and augmentation: the same seed gives the same numbers on every platform,
/// which the distributions of the standard library do not promise. Small and cheap to make; not for
/// cryptography.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed) noexcept : state_(seed) {}
  /// A stream of its own for each combination of keys, for example {seed, epoch, batch}.
  RandomStream(std::initializer_list<std::uint64_t> keys) noexcept {
    for (const std::uint64_t key : keys) state_ = mix(state_ ^ mix(key + golden));
  }

  /// 64 random bits (SplitMix64).
  std::uint64_t next() noexcept { return mix(state_ += golden); }
  /// A number in [0, 1).
  double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /// An integer in [0, count), each equally likely; count > 0.
  std::int64_t below(std::int64_t count) noexcept {
    const auto bound = static_cast<std::uint64_t>(count);
    if (bound <= 1) return 0;
    const int surplus = std::countl_zero(bound - 1);
    for (;;) {  // fewer than two rounds on average
      const std::uint64_t candidate = next() >> surplus;
      if (candidate < bound) return static_cast<std::int64_t>(candidate);
    }
  }

 private:
  static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15u;
  static constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }

  std::uint64_t state_ = 0;
};

/// The stream that random choices of the batch now being made on this thread draw from. A DataLoader sets it
/// anew for each batch from its seed, the epoch and the batch's position, so that neither the number of
/// workers nor a resumed run changes what is drawn. Datasets may use it in get and get_batch.
RandomStream& current_random() noexcept;

/// Makes `stream` the current one of this thread while it lives.
class RandomScope {
 public:
  explicit RandomScope(RandomStream& stream) noexcept;
  ~RandomScope();
  RandomScope(const RandomScope&) = delete;
  RandomScope& operator=(const RandomScope&) = delete;

 private:
  RandomStream* outer_;
};

}  // namespace rustorch::data
