#include "objects.h"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <set>
#include <vector>

namespace metal_double {
namespace {

// Statics are never destroyed: programs release objects in their own exit handlers.

std::deque<std::string>& reports() {
  static auto& list = *new std::deque<std::string>;
  return list;
}

std::set<Object*>& live() {
  static auto& objects = *new std::set<Object*>;
  return objects;
}

std::map<std::string, Class*>& classes() {
  static auto& by_name = *new std::map<std::string, Class*>;
  return by_name;
}

/// Keeps a dead object until this many others have died, so that late messages to it are seen.
void bury(Object* object) {
  constexpr std::size_t most_kept = 16384;
  static auto& dead = *new std::deque<Object*>;
  dead.push_back(object);
  if (dead.size() > most_kept) {
    delete dead.front();
    dead.pop_front();
  }
}

thread_local std::vector<std::vector<Object*>> pools;

}  // namespace

std::recursive_mutex& lock_of_all() noexcept {
  static auto& mutex = *new std::recursive_mutex;
  return mutex;
}

void report(const std::string& mistake) {
  const std::lock_guard lock(lock_of_all());
  reports().push_back(mistake);
  if (std::getenv("METAL_DOUBLE_ABORT") != nullptr) {
    std::fprintf(stderr, "metal double: %s\n", mistake.c_str());
    std::abort();
  }
}

std::string take_report() {
  const std::lock_guard lock(lock_of_all());
  if (reports().empty()) return {};
  std::string oldest = std::move(reports().front());
  reports().pop_front();
  return oldest;
}

Object::Object(Class* its_class) : isa(its_class) {
  if (isa == nullptr) return;
  const std::lock_guard lock(lock_of_all());
  live().insert(this);
}

void Object::live_for_ever() {
  const std::lock_guard lock(lock_of_all());
  live().erase(this);
}

Class* class_named(const std::string& name) {
  const std::lock_guard lock(lock_of_all());
  Class*& found = classes()[name];
  if (found == nullptr) found = new Class(name);
  return found;
}

Class* find_class(const std::string& name) {
  const std::lock_guard lock(lock_of_all());
  const auto found = classes().find(name);
  return found == classes().end() ? nullptr : found->second;
}

void retain(Object* object) {
  if (object == nullptr || object->isa == nullptr) return;
  if (object->dead) return report("retain of a deallocated " + object->isa->name);
  ++object->count;
}

void release(Object* object) {
  if (object == nullptr || object->isa == nullptr) return;
  if (object->dead) return report("release of a deallocated " + object->isa->name);
  if (--object->count > 0) return;
  const std::lock_guard lock(lock_of_all());
  object->dead = true;
  live().erase(object);
  object->finish();
  bury(object);
}

Object* autorelease(Object* object) {
  if (object == nullptr) return object;
  if (pools.empty()) {
    report("object of class " + object->isa->name + " autoreleased with no pool in place: it leaks");
  } else {
    pools.back().push_back(object);
  }
  return object;
}

std::size_t push_pool() {
  pools.emplace_back();
  return pools.size();
}

void pop_pool(std::size_t pool) {
  if (pool == 0 || pools.size() < pool) return report("autorelease pool popped twice");
  while (pools.size() >= pool) {
    // What is autoreleased by a release lands in the same pool.
    while (!pools.back().empty()) {
      Object* object = pools.back().back();
      pools.back().pop_back();
      release(object);
    }
    pools.pop_back();
  }
}

std::pair<int, std::string> live_objects() {
  const std::lock_guard lock(lock_of_all());
  std::map<std::string, int> numbers;
  for (const Object* object : live()) ++numbers[object->isa->name];
  std::string text;
  for (const auto& [name, number] : numbers) {
    text += (text.empty() ? "" : ", ") + name + " x" + std::to_string(number);
  }
  return {static_cast<int>(live().size()), text};
}

}  // namespace metal_double
