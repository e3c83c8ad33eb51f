#pragma once

#include <cstdint>

namespace rustorch {

/// Who takes its locks first when the process forks: those that hold theirs while they take others'.
enum class ForkOrder : std::uint8_t { threads, cache, pool, leaf };

/// Something with locks, or with state of threads that a child does not have. Only the forking thread lives
/// on in the child: without help it could find a lock taken for ever.
class ForkHandler {
 public:
  /// Takes all locks.
  virtual void before_fork() noexcept = 0;
  /// Gives them back, in the parent and in the child.
  virtual void after_fork(bool in_child) noexcept = 0;

 protected:
  ~ForkHandler() = default;
};

/// Makes every fork call a handler, as long as this lives: the handler's last member.
///
/// Waits for a fork that is going on. A handler in a static variable of a function must therefore be made
/// while the program loads: a thread that waits here in its first call would hold the variable's guard, and
/// the child would find that taken for ever.
class ForkRegistration {
 public:
  ForkRegistration(ForkHandler& handler, ForkOrder order);
  ~ForkRegistration();
  ForkRegistration(const ForkRegistration&) = delete;
  ForkRegistration& operator=(const ForkRegistration&) = delete;

 private:
  ForkHandler& handler_;
};

}  // namespace rustorch
