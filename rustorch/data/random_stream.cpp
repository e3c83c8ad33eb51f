#include "rustorch/data/random_stream.h"

#include <atomic>

#include "rustorch/tensor/operations/random.h"

namespace rustorch::data {

namespace {

thread_local RandomStream* scoped_stream = nullptr;

std::uint64_t next_thread_number() noexcept {
  static std::atomic<std::uint64_t> threads{0};
  return threads.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

RandomStream& current_random() noexcept {
  if (scoped_stream != nullptr) return *scoped_stream;
  // Outside of loaders: what manual_seed said when the thread first asked.
  thread_local RandomStream own{default_generator().seed(), next_thread_number()};
  return own;
}

RandomScope::RandomScope(RandomStream& stream) noexcept : outer_(scoped_stream) { scoped_stream = &stream; }
RandomScope::~RandomScope() { scoped_stream = outer_; }

}  // namespace rustorch::data
