#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rustorch/backends/cpu/parallel.h"

namespace rustorch::cpu::onednn {

// What convolutions and products of oneDNN share. Only onednn_*.cpp include this.

using Dims = dnnl::memory::dims;
using Descriptor = dnnl::memory::desc;

/// The one CPU engine, held to the instruction set that our own kernels run with.
const dnnl::engine& engine();

/// oneDNN uses as many threads as OpenMP's setting of the calling thread says. Where that is not our number,
/// it is changed for the length of a call and put back; other threads of the host never see it.
class ThreadCount {
 public:
  explicit ThreadCount(int threads);
  ~ThreadCount();
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
  bool changed_;
};

/// Throws an Error unless `status` is success.
void check(dnnl_status_t status, const char* what);

/// Attributes of every primitive: scratch memory comes from our pool, so that nothing is kept per primitive.
dnnl::primitive_attr attributes();

/// A primitive with its arguments, built once. Used by one call at a time.
class Execution {
 public:
  Execution() = default;
  explicit Execution(dnnl::primitive primitive) : primitive_(std::move(primitive)) {}

  /// Adds an argument; its address is the `index`-th of run().
  void add(int argument, const Descriptor& descriptor);
  void run(std::span<void* const> addresses, const char* what);

 private:
  dnnl::primitive primitive_;
  dnnl::stream stream_ = dnnl::stream(engine());
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

/// Whether code is fast, and safe under signals. The matrix products that oneDNN generates for its `gemm`
/// before 3.11.2 move the stack register into the heap on x86 (oneDNN #4845), so that a signal handler of the
/// host would write there.
bool acceptable(std::string_view implementation);

/// A hash of numbers, for keys (FNV-1a over whole numbers).
class NumberHash {
 public:
  void mix(auto value) noexcept { hash_ = (hash_ ^ static_cast<std::uint64_t>(value)) * 1099511628211u; }
  std::size_t value() const noexcept { return hash_; }

 private:
  std::uint64_t hash_ = 1469598103934665603u;
};

/// Primitives by their sizes, that were made before and are not running now. Several of one kind exist where
/// several threads ran it at once. `Made` is made from sizes and has usable() and run(addresses…).
template <class Sizes, class Made, class Hash>
class KeptPrimitives {
 public:
  /// Runs what belongs to these sizes over the threads of the team. Returns false, having done nothing, where
  /// it is not usable.
  template <class... Addresses>
  static bool run(const Sizes& sizes, Addresses... addresses) {
    static KeptPrimitives& kept = *new KeptPrimitives;  // never destroyed: the library may be gone by then
    const Key key{sizes, team_size()};
    const ThreadCount threads(key.threads);
    std::unique_ptr<Made> made = kept.take(key);
    const bool usable = made->usable();
    if (usable) made->run(addresses...);
    kept.give_back(key, std::move(made));
    return usable;
  }

 private:
  struct Key {
    Sizes sizes;
    int threads;  // primitives split their work when they are made
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      NumberHash hash;
      hash.mix(key.threads), hash.mix(Hash()(key.sizes));
      return hash.value();
    }
  };

  std::unique_ptr<Made> take(const Key& key) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = idle_.find(key);
      if (found != idle_.end() && !found->second.empty()) {
        auto made = std::move(found->second.back());
        found->second.pop_back();
        return made;
      }
    }
    return std::make_unique<Made>(key.sizes);
  }
  void give_back(const Key& key, std::unique_ptr<Made> made) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() >= most_kinds) idle_.clear();
    idle_[key].push_back(std::move(made));
  }

  static constexpr std::size_t most_kinds = 1024;
  std::mutex mutex_;
  std::unordered_map<Key, std::vector<std::unique_ptr<Made>>, KeyHash> idle_;
};

}  // namespace rustorch::cpu::onednn
