#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rustorch {

class Shape;
enum class DType : std::uint8_t;

/// What this thread says of the blocks that it takes; read where a block is recorded.
struct BlockContext {
  const std::string* tag = nullptr;  ///< lives as long as the process
  const Shape* shape = nullptr;
  DType dtype{};

  static BlockContext& of_this_thread() noexcept { return current; }

 private:
  // initial-exec spares the call that finds a library's thread-local data.
  [[gnu::tls_model("initial-exec")]] static thread_local constinit BlockContext current;
};

/// Names what this thread's blocks are for, within a scope: `MemoryTag tag("conv1");`. Statistics are kept by
/// tag, and an out-of-memory Error lists the largest holders by tag. The innermost scope counts; a block
/// keeps its tag wherever it is returned. Code without tags pays a comparison an allocation; while small
/// tagged blocks are live, returning a block costs a look-up.
class MemoryTag {
 public:
  explicit MemoryTag(std::string_view name);
  ~MemoryTag() { BlockContext::of_this_thread().tag = outer_; }
  MemoryTag(const MemoryTag&) = delete;
  MemoryTag& operator=(const MemoryTag&) = delete;

 private:
  const std::string* outer_;
};

/// Says what tensor a block is for that this thread takes within a scope, for the list of holders. Costs
/// three writes; `shape` is referenced, and copied only where a block of the tensor's size is recorded. Does
/// not nest.
class BlockShape {
 public:
  BlockShape(const Shape& shape, DType dtype) noexcept {
    BlockContext& context = BlockContext::of_this_thread();
    context.shape = &shape;
    context.dtype = dtype;
  }
  ~BlockShape() { BlockContext::of_this_thread().shape = nullptr; }
  BlockShape(const BlockShape&) = delete;
  BlockShape& operator=(const BlockShape&) = delete;
};

}  // namespace rustorch
