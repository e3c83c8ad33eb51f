#include "rustorch/memory/object_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace rustorch {
namespace {

TEST(ObjectPool, GivesDistinctAlignedMemoryOfEverySize) {
  std::vector<std::pair<unsigned char*, std::size_t>> objects;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t bytes = 1; bytes <= 1500; bytes += 7) {
      auto* object = static_cast<unsigned char*>(allocate_object(bytes));
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(object) % __STDCPP_DEFAULT_NEW_ALIGNMENT__, 0U);
      std::memset(object, static_cast<int>(objects.size() & 0xff), bytes);
      objects.emplace_back(object, bytes);
    }
  }
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const auto& [object, bytes] = objects[i];
    for (std::size_t at = 0; at < bytes; ++at) ASSERT_EQ(object[at], i & 0xff);
  }
  for (const auto& [object, bytes] : objects) deallocate_object(object, bytes);
}

TEST(ObjectPool, AFreedObjectServesTheNextOfItsSize) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "off under AddressSanitizer";
#endif
  void* first = allocate_object(200);
  deallocate_object(first, 200);
  void* second = allocate_object(193);  // of the same class
  EXPECT_EQ(first, second);
  deallocate_object(second, 193);
}

TEST(ObjectPool, KeepsABoundedNumber) {
  std::vector<void*> objects;
  for (int i = 0; i < 10000; ++i) objects.push_back(allocate_object(64));
  for (void* object : objects) deallocate_object(object, 64);
  std::set<void*> seen;
  for (int i = 0; i < 10000; ++i)
    EXPECT_TRUE(seen.insert(objects[static_cast<std::size_t>(i)] = allocate_object(64)).second);
  for (void* object : objects) deallocate_object(object, 64);
}

struct Counted : PooledObject {
  explicit Counted(int& alive_) : alive(alive_) { ++alive; }
  virtual ~Counted() { --alive; }
  int& alive;
};
struct Larger final : Counted {
  using Counted::Counted;
  char more[500] = {};
};

TEST(ObjectPool, DerivedObjectsGoBackByTheirOwnSize) {
  int alive = 0;
  for (int i = 0; i < 100; ++i) {
    std::unique_ptr<Counted> small = std::make_unique<Counted>(alive),
                             large = std::make_unique<Larger>(alive);
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
}

TEST(ObjectPool, ThrowingConstructorsGiveTheMemoryBack) {
  struct Thrower : PooledObject {
    Thrower() { throw 1; }
    char data[100] = {};
  };
  for (int i = 0; i < 10; ++i) EXPECT_THROW(new Thrower, int);
}

TEST(ObjectPool, ObjectsMayBeFreedByAnotherThread) {
  std::vector<std::vector<void*>> made(4);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < made.size(); ++i) {
      threads.emplace_back([&, i] {
        for (void* object : made[i]) deallocate_object(object, 100);
        made[i].clear();
        for (int n = 0; n < 500; ++n) {
          void* object = allocate_object(100);
          std::memset(object, static_cast<int>(i), 100);
          made[i].push_back(object);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::rotate(made.begin(), made.begin() + 1, made.end());
  }
  for (auto& list : made) {
    for (void* object : list) deallocate_object(object, 100);
  }
}

// A thread-local made before the thread's lists is destroyed after them.
TEST(ObjectPool, ThreadLocalsMayFreeObjectsAfterTheListsAreGone) {
  struct Late {
    std::vector<void*> objects;
    ~Late() {
      for (void* object : objects) deallocate_object(object, 64);
      deallocate_object(allocate_object(64), 64);
    }
  };
  std::thread([] {
    thread_local Late late;
    for (int i = 0; i < 10; ++i) late.objects.push_back(allocate_object(64));
    void* object = allocate_object(64);
    deallocate_object(object, 64);  // opens the lists, after `late` was made
  }).join();
}

TEST(ObjectPool, ServesStandardContainers) {
  std::vector<int, ObjectAllocator<int>> numbers;
  for (int i = 0; i < 1000; ++i) numbers.push_back(i);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(numbers[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace rustorch
