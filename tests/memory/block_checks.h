#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "rustorch/memory/memory_allocator.h"

namespace rustorch::testing {

/// Four threads allocate blocks of up to 3000 bytes (one in a hundred of up to `rare_bytes`), fill them and
/// swap them for blocks of each other, which they check and return; now and then one trims. `look`, if given,
/// is called by the threads every hundred rounds. At the end everything is returned.
inline void exchange_blocks_between_threads(MemoryAllocator& allocator, int rounds, std::size_t rare_bytes,
                                            const std::function<void()>& look = {}) {
  struct Block {
    std::byte* data = nullptr;
    std::size_t bytes = 0;
    std::byte fill{};
  };
  constexpr std::size_t slots = 64;
  std::array<Block, slots> shared;
  std::array<std::mutex, slots> locks;
  const auto free_checked = [&](const Block& block) {
    if (block.data == nullptr) return;
    EXPECT_TRUE(
        std::all_of(block.data, block.data + block.bytes, [&](std::byte b) { return b == block.fill; }));
    allocator.deallocate(block.data, block.bytes);
  };
  std::vector<std::thread> threads;
  for (unsigned id = 0; id < 4; ++id) {
    threads.emplace_back([&, id] {
      std::mt19937 random(id);
      for (int i = 0; i < rounds; ++i) {
        Block block;
        block.bytes = 1 + random() % (i % 100 == 0 ? rare_bytes : 3000);
        block.fill = static_cast<std::byte>(random());
        block.data = static_cast<std::byte*>(allocator.allocate(block.bytes));
        std::fill(block.data, block.data + block.bytes, block.fill);
        const std::size_t slot = random() % slots;
        {
          const std::lock_guard guard(locks[slot]);
          std::swap(block, shared[slot]);
        }
        free_checked(block);  // of whichever thread it was
        if (i % 500 == 0) allocator.trim(std::size_t{1} << 20);
        if (look && i % 100 == 0) look();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Block& block : shared) free_checked(block);
}

/// No two of the blocks (start, bytes) share a byte. Sorts them.
inline void expect_no_overlap(std::vector<std::pair<std::byte*, std::size_t>>& blocks) {
  std::sort(blocks.begin(), blocks.end());
  for (std::size_t i = 1; i < blocks.size(); ++i) {
    ASSERT_LE(blocks[i - 1].first + blocks[i - 1].second, blocks[i].first);
  }
}

}  // namespace rustorch::testing
