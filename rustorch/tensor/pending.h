#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "rustorch/compute/program.h"
#include "rustorch/core/inline_list.h"
#include "rustorch/memory/fork_order.h"
#include "rustorch/tensor/tensor.h"

namespace rustorch {

// Elementwise results that wait for their first reader (docs/architecture.md, "Lazy chains"). A storage may
// hold a PendingResult in place of memory. Storage::data() computes it: with all pending results that it is
// made of, in one program, whose further outputs are those of them that somebody else still holds. So every
// result is computed once, and one that nobody holds any more is never written to memory. Internal.

/// An elementwise result that is not computed yet: a program of one output, and what that reads.
class PendingResult : public PooledObject {
 public:
  static constexpr std::size_t max_inputs = 3, max_scalars = 3, max_instructions = 10;
  struct Input {
    IntrusivePointer<Storage> storage;
    Layout layout;  ///< with the result's shape
    DType dtype;
  };
  /// How large the program of a result and of all pending ones before it may get.
  struct Size {
    std::size_t instructions, inputs, scalars;
  };

  PendingResult(const char* name, const Program& program, std::span<const Tensor* const> tensors,
                const Layout& layout, DType dtype, Device device);
  PendingResult(const PendingResult&) = delete;
  PendingResult& operator=(const PendingResult&) = delete;
  ~PendingResult();

  const char* const name;  ///< the operation's
  const Layout layout;
  const DType dtype;  ///< that it is stored as
  const Device device;
  InlineList<Program::Instruction, max_instructions> instructions;
  InlineList<Scalar, max_scalars> scalars;
  InlineList<Input, max_inputs> inputs;
  const Program::Register value;

  // What follows belongs to PendingGraph, under its lock.
  Size size{};
  Storage* owner = nullptr;
  PendingResult* previous = nullptr;
  PendingResult* next = nullptr;
  std::size_t place = 0;   ///< among the results that a fusion computes
  bool computing = false;  ///< a thread is at it
};

/// All pending results of the process.
class PendingGraph : private ForkHandler {
 public:
  static PendingGraph& instance();

  /// Adds a result and gives its storage; computes some of what it is made of first, if the chain has grown
  /// too long for one program.
  IntrusivePointer<Storage> add(std::unique_ptr<PendingResult> result);
  /// Computes what a storage waits for, if it does (still).
  void compute(Storage& storage);
  /// Computes everything that reads a storage, because it is about to be written.
  void compute_readers(const Storage& storage);
  /// Forgets what a storage waited for: its last holder is gone.
  void drop(Storage& storage) noexcept;

 private:
  class Fusion;
  using Lock = std::unique_lock<std::mutex>;
  void compute(IntrusivePointer<Storage> storage, Lock& lock);
  void before_fork() noexcept override { mutex_.lock(); }
  void after_fork(bool in_child) noexcept override;
  void link(PendingResult& result) noexcept;
  void unlink(PendingResult& result) noexcept;

  std::mutex mutex_;
  std::condition_variable changed_;  // some thread has finished computing
  PendingResult* first_ = nullptr;
  ForkRegistration registration_{*this, ForkOrder::threads};
};

/// lazy_minimum() where laziness is on, else more than any tensor has.
std::int64_t least_deferred_elements();

/// Whether the result of a program is worth waiting for its reader: large enough, laziness on, and nobody can
/// change the operands behind our back.
bool can_defer(std::int64_t elements, const Program& program, std::span<const Tensor* const> inputs);

/// A result of `layout` that holds the program until it is read. `inputs` broadcast to its shape.
Tensor defer(const char* name, const Program& program, std::span<const Tensor* const> inputs,
             const Layout& layout, DType dtype, Device device);

}  // namespace rustorch
