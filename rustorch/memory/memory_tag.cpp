#include "rustorch/memory/memory_tag.h"

#include <functional>
#include <mutex>
#include <set>

#include "rustorch/memory/fork_order.h"
#include "rustorch/memory/spin_lock.h"

namespace rustorch {

namespace {

/// The tags that were ever used: records point at them, so they stay.
class Tags final : public ForkHandler {
 public:
  static Tags& instance() {
    static Tags& tags = *new Tags;
    return tags;
  }
  const std::string* intern(std::string_view name) {
    const std::lock_guard guard(lock_);
    const auto found = names_.find(name);
    return found != names_.end() ? &*found : &*names_.emplace(name).first;
  }
  void before_fork() noexcept override { lock_.lock(); }
  void after_fork(bool /*in_child*/) noexcept override { lock_.unlock(); }

 private:
  SpinLock lock_;
  std::set<std::string, std::less<>> names_;
  ForkRegistration registration_{*this, ForkOrder::leaf};
};

[[maybe_unused]] const Tags& made_while_loading = Tags::instance();

}  // namespace

thread_local constinit BlockContext BlockContext::current{};

MemoryTag::MemoryTag(std::string_view name) : outer_(BlockContext::of_this_thread().tag) {
  BlockContext::of_this_thread().tag = Tags::instance().intern(name);
}

}  // namespace rustorch
