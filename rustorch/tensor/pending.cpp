#include "rustorch/tensor/pending.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>

#include "rustorch/backends/runtime.h"
#include "rustorch/memory/memory_tag.h"

namespace rustorch {

PendingResult::PendingResult(const char* name_, const Program& program,
                             std::span<const Tensor* const> tensors, const Layout& layout_, DType dtype_,
                             Device device_)
    : name(name_), layout(layout_), dtype(dtype_), device(device_), value(program.outputs()[0].value) {
  for (const Program::Instruction& instruction : program.instructions())
    instructions.emplace_back(instruction);
  for (const Scalar& scalar : program.scalars()) scalars.emplace_back(scalar);
  for (const Tensor* tensor : tensors) {
    inputs.emplace_back(tensor->storage(), tensor->layout().broadcast_to(layout.shape), tensor->dtype());
    tensor->storage()->readers_.fetch_add(1, std::memory_order_relaxed);
  }
}

PendingResult::~PendingResult() {
  for (const Input& input : inputs) input.storage->readers_.fetch_sub(1, std::memory_order_release);
}

// ---- fusion

namespace {

/// The pending result that an input is, element for element, or nullptr.
PendingResult* result_of(const PendingResult::Input& input, PendingResult* pending) noexcept {
  return pending != nullptr && pending->layout == input.layout ? pending : nullptr;
}

}  // namespace

/// A pending result with all that it is made of, and the one program that computes them.
class PendingGraph::Fusion {
 public:
  /// Gathers them. False if something must be computed before: then obstacle() says what.
  bool gather(PendingResult& root) {
    if (visit(root) && count_outputs(root)) return true;
    for (PendingResult* result : results_) result->place = 0;
    return false;
  }
  const IntrusivePointer<Storage>& obstacle() const noexcept { return obstacle_; }

  void claim() noexcept {
    for (PendingResult* result : results_) result->computing = true;
  }
  void release() noexcept {
    for (PendingResult* result : results_) {
      result->computing = false;
      result->place = 0;
    }
  }

  /// Computes into new memory. Needs no lock: nobody changes results that are claimed.
  void run() {
    const ErrorContext context([this] { return describe(); });
    for (PendingResult* result : results_) values_.emplace_back(append(*result));
    ComputeBackend& backend = backend_for(outputs_[0]->device);
    InlineList<View, Program::max_outputs> views;
    for (const PendingResult* output : outputs_) {
      program_.output(values_[output->place - 1], output->dtype);
      const BlockShape named(output->layout.shape, output->dtype);
      const Buffer& buffer = buffers_.emplace_back(backend.allocator(), output->owner->bytes_);
      views.emplace_back(buffer.data(), &output->layout, output->dtype);
    }
    backend.elementwise(program_, {inputs_.data(), inputs_.size()}, {views.data(), views.size()});
  }

  /// Hands the memory to the storages, and their results to this object, which frees them when it goes.
  void publish(PendingGraph& graph) noexcept {
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      PendingResult* const result = outputs_[i];
      graph.unlink(*result);
      result->owner->buffer_ = std::move(buffers_[i]);
      result->owner->pending_.store(nullptr, std::memory_order_release);
      finished_[i].reset(result);
    }
    // Those in between are nobody's any more and go with finished_; unless a thread that is about to write to
    // what they read has found them in the meantime: it may compute them.
    release();
  }

 private:
  /// Operands before what reads them; place - 1 is the index in results_.
  bool visit(PendingResult& result) {
    for (const PendingResult::Input& input : result.inputs) {
      PendingResult* const pending = input.storage->pending_.load(std::memory_order_relaxed);
      if (pending == nullptr) continue;
      if (pending->computing || result_of(input, pending) == nullptr) {
        obstacle_ = input.storage;
        return false;
      }
      if (pending->place == 0 && !visit(*pending)) return false;
    }
    results_.emplace_back(&result);
    result.place = results_.size();
    return true;
  }

  /// The outputs: the root, and each result that is held by more than the results that read it here.
  bool count_outputs(PendingResult& root) {
    std::array<std::uint32_t, Program::max_instructions> readers{};
    for (const PendingResult* result : results_) {
      for (const PendingResult::Input& input : result->inputs) {
        if (const PendingResult* pending = input.storage->pending_.load(std::memory_order_relaxed))
          ++readers[pending->place - 1];
      }
    }
    outputs_.emplace_back(&root);
    for (std::size_t i = 0; i + 1 < results_.size(); ++i) {
      if (results_[i]->owner->use_count() == readers[i]) continue;
      if (outputs_.size() == Program::max_outputs) {
        obstacle_ = IntrusivePointer<Storage>(results_[i]->owner);
        return false;
      }
      outputs_.emplace_back(results_[i]);
    }
    return true;
  }

  /// Adds a result's own program; the register that holds its value, before it is rounded to its dtype.
  Program::Register append(const PendingResult& result) {
    std::array<Program::Register, PendingResult::max_instructions> registers{};
    for (std::size_t i = 0; i < result.instructions.size(); ++i) {
      const Program::Instruction& instruction = result.instructions[i];
      switch (instruction.kind) {
        case Program::Kind::input:
          registers[i] = load(result.inputs[instruction.slot], instruction.dtype);
          break;
        case Program::Kind::scalar:
          registers[i] = program_.scalar(result.scalars[instruction.slot], instruction.dtype);
          break;
        case Program::Kind::cast:
          registers[i] = program_.cast(registers[instruction.operands[0]], instruction.dtype);
          break;
        case Program::Kind::apply: {
          std::array<Program::Register, 3> operands{};
          const std::size_t arity = op_info(instruction.op).arity;
          for (std::size_t k = 0; k < arity; ++k) operands[k] = registers[instruction.operands[k]];
          registers[i] = program_.apply(instruction.op, std::span(operands).first(arity));
          break;
        }
      }
    }
    return registers[result.value];
  }

  Program::Register load(const PendingResult::Input& input, DType compute) {
    if (const PendingResult* made = input.storage->pending_.load(std::memory_order_relaxed)) {
      Program::Register value = values_[made->place - 1];
      const Program::Instruction& last = program_.instructions()[value];
      // As if it had been stored and loaded: comparisons give 0 and 1, which every dtype holds.
      const bool exact = last.kind == Program::Kind::apply && op_info(last.op).result == OpResult::boolean;
      if (last.dtype != made->dtype && !exact) value = program_.cast(value, made->dtype);
      if (program_.instructions()[value].dtype != compute) value = program_.cast(value, compute);
      return value;
    }
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const Loaded& known = loaded_[i];
      if (known.storage == input.storage.get() && known.compute == compute &&
          inputs_[i].dtype == input.dtype && *inputs_[i].layout == input.layout) {
        return known.value;
      }
    }
    inputs_.emplace_back(input.storage->data(), &input.layout, input.dtype);
    return loaded_.emplace_back(input.storage.get(), compute, program_.input(input.dtype, compute)).value;
  }

  std::string describe() const {
    std::string text = "computing ";
    for (const PendingResult* result : results_) {
      if (result != results_[0]) text += ", ";
      text += result->name;
    }
    return text + " when the result was first read";
  }

  struct Loaded {
    Storage* storage;
    DType compute;
    Program::Register value;
  };
  // Each result has an instruction at least.
  InlineList<PendingResult*, Program::max_instructions> results_;
  InlineList<PendingResult*, Program::max_outputs> outputs_;
  IntrusivePointer<Storage> obstacle_;
  InlineList<Program::Register, Program::max_instructions> values_;
  Program program_;
  InlineList<View, Program::max_inputs> inputs_;
  InlineList<Loaded, Program::max_inputs> loaded_;
  InlineList<Buffer, Program::max_outputs> buffers_;
  std::array<std::unique_ptr<PendingResult>, Program::max_outputs> finished_;
};

// ---- the graph

PendingGraph& PendingGraph::instance() {
  static PendingGraph& graph = *new PendingGraph;  // storages may outlive static objects
  return graph;
}

namespace {
[[maybe_unused]] const void* const made_while_loading = &PendingGraph::instance();
}

void PendingGraph::link(PendingResult& result) noexcept {
  result.next = first_;
  if (first_ != nullptr) first_->previous = &result;
  first_ = &result;
}

void PendingGraph::unlink(PendingResult& result) noexcept {
  (result.previous != nullptr ? result.previous->next : first_) = result.next;
  if (result.next != nullptr) result.next->previous = result.previous;
}

// What another thread was computing when the process forked is nobody's work in the child: it starts again.
void PendingGraph::after_fork(bool in_child) noexcept {
  for (PendingResult* result = in_child ? first_ : nullptr; result != nullptr; result = result->next) {
    result->computing = false;
    result->place = 0;
  }
  mutex_.unlock();
}

IntrusivePointer<Storage> PendingGraph::add(std::unique_ptr<PendingResult> result) {
  const std::size_t bytes =
      static_cast<std::size_t>(result->layout.element_count()) * item_size(result->dtype);
  Lock lock(mutex_);
  for (;;) {
    PendingResult::Size size{result->instructions.size(), 0, result->scalars.size()};
    PendingResult* largest = nullptr;
    for (const PendingResult::Input& input : result->inputs) {
      const PendingResult* const pending =
          result_of(input, input.storage->pending_.load(std::memory_order_relaxed));
      if (pending == nullptr) {
        ++size.inputs;
        continue;
      }
      size.instructions += pending->size.instructions + 2;  // and up to two casts
      size.inputs += pending->size.inputs;
      size.scalars += pending->size.scalars;
      if (largest == nullptr || pending->size.instructions > largest->size.instructions)
        largest = input.storage->pending_.load(std::memory_order_relaxed);
    }
    if (size.instructions <= Program::max_instructions && size.inputs <= Program::max_inputs &&
        size.scalars <= Program::max_scalars) {
      result->size = size;
      break;
    }
    compute(IntrusivePointer<Storage>(largest->owner), lock);
  }
  auto storage = IntrusivePointer<Storage>::make(result.get(), bytes, result->device);
  result->owner = storage.get();
  link(*result.release());
  return storage;
}

void PendingGraph::compute(Storage& storage) {
  Lock lock(mutex_);
  compute(IntrusivePointer<Storage>(&storage), lock);
}

void PendingGraph::compute(IntrusivePointer<Storage> storage, Lock& lock) {
  while (PendingResult* const result = storage->pending_.load(std::memory_order_relaxed)) {
    if (result->computing) {
      changed_.wait(lock);
      continue;
    }
    std::optional<Fusion> fusion(std::in_place);
    if (!fusion->gather(*result)) {
      const IntrusivePointer<Storage> obstacle = fusion->obstacle();
      fusion.reset();
      compute(obstacle, lock);
      continue;
    }
    fusion->claim();
    lock.unlock();
    try {
      fusion->run();
    } catch (...) {
      lock.lock();
      fusion->release();
      changed_.notify_all();
      throw;
    }
    lock.lock();
    fusion->publish(*this);
    changed_.notify_all();
    lock.unlock();  // what the results held goes with the fusion, and takes the lock where it was pending
    fusion.reset();
    lock.lock();
  }
}

void PendingGraph::compute_readers(const Storage& storage) {
  Lock lock(mutex_);
  const auto reader = [&] {
    for (PendingResult* result = first_; result != nullptr; result = result->next) {
      for (const PendingResult::Input& input : result->inputs) {
        if (input.storage.get() != &storage) continue;
        // Another thread may be letting go of the last handle: then it is nobody's reader any more.
        if (auto owner = IntrusivePointer<Storage>::if_alive(result->owner)) return owner;
      }
    }
    return IntrusivePointer<Storage>();
  };
  while (const IntrusivePointer<Storage> owner = reader()) compute(owner, lock);
}

void PendingGraph::drop(Storage& storage) noexcept {
  const std::unique_ptr<PendingResult> result(storage.pending_.load(std::memory_order_relaxed));
  const Lock lock(mutex_);  // released before the result goes, which may drop others
  unlink(*result);
}

void Storage::compute() const { PendingGraph::instance().compute(const_cast<Storage&>(*this)); }
void Storage::compute_readers() const { PendingGraph::instance().compute_readers(*this); }
void Storage::drop_pending() noexcept { PendingGraph::instance().drop(*this); }

// ---- when

bool can_defer(std::int64_t elements, const Program& program, std::span<const Tensor* const> inputs) {
  if (elements < least_deferred_elements()) return false;
  return program.outputs().size() == 1 && program.instructions().size() <= PendingResult::max_instructions &&
         program.scalars().size() <= PendingResult::max_scalars && !inputs.empty() &&
         inputs.size() <= PendingResult::max_inputs &&
         std::none_of(inputs.begin(), inputs.end(),
                      [](const Tensor* input) { return input->storage()->is_exposed(); });
}

Tensor defer(const char* name, const Program& program, std::span<const Tensor* const> inputs,
             const Layout& layout, DType dtype, Device device) {
  IntrusivePointer<Storage> storage = PendingGraph::instance().add(
      std::make_unique<PendingResult>(name, program, inputs, layout, dtype, device));
  return Tensor(IntrusivePointer<TensorImpl>::make(std::move(storage), layout, dtype));
}

}  // namespace rustorch
