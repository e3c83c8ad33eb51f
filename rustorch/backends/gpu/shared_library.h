#pragma once

#include <initializer_list>
#include <string>

namespace rustorch::gpu {

/// A library that is opened at run time and stays open, and the functions that are looked up in it. What goes
/// wrong is told by `failure`, never thrown: a machine without the library is no error.
class SharedLibrary {
 public:
  /// Opens a library by its name (as the dynamic linker searches for it) or its path.
  explicit SharedLibrary(std::string name);

  /// Sets `function` to the first of these symbols that the library has; nullptr, and a failure, if it has
  /// none.
  template <class Function>
  void find(Function*& function, std::initializer_list<const char*> names) {
    find_optional(function, names);
    if (function == nullptr) note_missing(*names.begin());
  }
  /// The same, for functions that older libraries lack: their absence is no failure.
  template <class Function>
  void find_optional(Function*& function, std::initializer_list<const char*> names) {
    function = reinterpret_cast<Function*>(address(names));
  }

  /// What went wrong first, for people: "libcuda.so.1 cannot be opened (…)", "libcuda.so.1 lacks cuInit";
  /// empty if nothing did.
  const std::string& failure() const noexcept { return failure_; }

 private:
  void* address(std::initializer_list<const char*> names) const;
  void note_missing(const char* name);

  std::string name_;
  std::string failure_;
  void* handle_;
};

}  // namespace rustorch::gpu
