#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace metal_double {

/// Buffers have the indices 0 to 30.
inline constexpr std::size_t most_buffers = 31;
/// Bytes of threadgroup memory, threads of a threadgroup, and of a simdgroup, as on Apple's GPUs.
inline constexpr std::size_t most_threadgroup_memory = 32768;
inline constexpr std::size_t most_threads = 1024;
inline constexpr unsigned simdgroup_width = 32;

/// The attributes that give a kernel its place in the grid; the number of one is how entries ask for it.
inline constexpr std::array<const char*, 11> place_attributes{
    "thread_position_in_grid",     "thread_position_in_threadgroup", "threadgroup_position_in_grid",
    "threadgroups_per_grid",       "threads_per_threadgroup",        "threads_per_grid",
    "thread_index_in_threadgroup", "thread_index_in_simdgroup",      "simdgroup_index_in_threadgroup",
    "threads_per_simdgroup",       "simdgroups_per_threadgroup",
};
/// The first of them are vectors (or scalars, for one-dimensional grids); the others are scalars.
inline constexpr std::size_t vector_places = 6;

/// A parameter of a kernel.
struct Parameter {
  std::string name, type, attribute;
  std::size_t index = 0;   ///< of buffer(index)
  bool reference = false;  ///< the type is without its '&'
};

/// A kernel as its text declares it, and where its machine code and threadgroup memory lie.
struct KernelCode {
  std::string name;
  std::vector<Parameter> parameters;
  std::size_t most_group_threads = most_threads;
  void (*entry)() = nullptr;
  std::vector<std::span<char>> threadgroup_memory;

  std::size_t threadgroup_bytes() const {
    std::size_t sum = 0;
    for (const std::span<char>& part : threadgroup_memory) sum += part.size();
    return sum;
  }
};

/// A compiled text.
class Program {
 public:
  Program() = default;
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Compiles a text; false, and the compiler's words in `diagnostics`, if it is refused.
  bool compile(const std::string& source, bool fast_math, std::string& diagnostics);
  /// nullptr if there is none of this name.
  const KernelCode* kernel(const std::string& name) const;

 private:
  bool load(const std::string& path, std::string& diagnostics);

  void* library_ = nullptr;
  std::map<std::string, KernelCode> kernels_;
};

/// What is bound to a buffer index.
struct Binding {
  char* address = nullptr;
  std::size_t bytes = 0;
};

/// MTLSize.
struct Size {
  std::uint64_t width, height, depth;
  std::uint64_t product() const { return width * height * depth; }
};

/// Runs a kernel over a grid; what went wrong, or an empty text.
std::string run_kernel(const KernelCode& kernel, std::span<const Binding> bindings, const Size& groups,
                       const Size& threads);

}  // namespace metal_double
