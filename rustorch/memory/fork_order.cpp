#include "rustorch/memory/fork_order.h"

#include <pthread.h>

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace rustorch {

namespace {

struct Handlers {
  std::mutex mutex;
  std::vector<std::pair<ForkOrder, ForkHandler*>> in_order;

  static Handlers& instance() {
    static Handlers& handlers = *new Handlers;  // forks may come after static destruction
    return handlers;
  }
  Handlers() { ::pthread_atfork(before, in_parent, in_child); }

  static void before() {
    instance().mutex.lock();
    for (const auto& [order, handler] : instance().in_order) handler->before_fork();
  }
  static void after(bool child) {
    auto& handlers = instance().in_order;
    // The locks of all go back before any handler uses another: those beneath first.
    std::for_each(handlers.rbegin(), handlers.rend(),
                  [&](const auto& one) { one.second->after_fork(child); });
    instance().mutex.unlock();
  }
  static void in_parent() { after(false); }
  static void in_child() { after(true); }
};

}  // namespace

ForkRegistration::ForkRegistration(ForkHandler& handler, ForkOrder order) : handler_(handler) {
  Handlers& handlers = Handlers::instance();
  const std::lock_guard guard(handlers.mutex);
  const auto place = std::upper_bound(handlers.in_order.begin(), handlers.in_order.end(), order,
                                      [](ForkOrder a, const auto& b) { return a < b.first; });
  handlers.in_order.insert(place, {order, &handler});
}

ForkRegistration::~ForkRegistration() {
  Handlers& handlers = Handlers::instance();
  const std::lock_guard guard(handlers.mutex);
  std::erase_if(handlers.in_order, [&](const auto& one) { return one.second == &handler_; });
}

}  // namespace rustorch
