#pragma once

#include <cstddef>

// A stand-in for Apple's Metal on Linux (x86-64-v3), so that our Metal executor and its kernels are tested
// where no Mac is. libmetal_double.so offers the C functions of the Objective-C runtime and of Metal under
// their own names, and the classes behind them as far as our host code calls them. Kernels are compiled by
// clang as C++ for OpenCL, whose address spaces are real types as Metal's are; what Apple's compiler refuses
// and clang takes is refused by checks of our own. A threadgroup's threads are fibers that run in shuffled
// order.
//
// It cannot tell that Apple's compiler takes a text, nor how fast it is, nor what threadgroups do to each
// other when they really run at once.
//
// objects.h, runtime.cpp      the Objective-C runtime: messages, reference counts, autorelease pools
// *_objects.h, *_classes.cpp  Foundation's and Metal's classes
// compiler.cpp                the steps from MSL to machine code; tools.h runs clang
// signature_reader.cpp        the kernels' parameters and attributes
// syntax_tree_checks.cpp      what clang takes and Apple's compiler does not
// fibers.cpp                  running a kernel
// shim/metal_stdlib           what kernels include
//
// Environment:
//   METAL_DOUBLE_CLANG      the clang to use; without it clang-14, clang-16 or clang, whichever is found
//   first METAL_DOUBLE_CACHE      a folder where compiled kernels are kept for other processes
//   METAL_DOUBLE_SEED       seeds the order in which threads and threadgroups run (1 without it)
//   METAL_DOUBLE_ORDERED    set: threads and threadgroups run in the order of their numbers
//   METAL_DOUBLE_ABORT      set: the first error aborts, for a debugger
//   METAL_DOUBLE_NO_DEVICE  set: there is no GPU
//
// The library must be built without sanitizers (their stack checks do not know fibers); programs that load it
// may have them. What follows is for tests only; they find it by dlsym.
extern "C" {

/// How many objects are alive; writes their classes and numbers into `text` ("MTLBuffer x1").
__attribute__((visibility("default"))) int metal_double_live(char* text, std::size_t capacity);

/// Takes the oldest error out of the list (what Metal's validation layer, a crash or a hang would show on a
/// Mac) and writes it into `text`; 0 if there is none.
__attribute__((visibility("default"))) int metal_double_error(char* text, std::size_t capacity);

/// 1, and the compiler's path in `text`; 0, and what is missing, if kernels cannot be compiled here.
__attribute__((visibility("default"))) int metal_double_compiler(char* text, std::size_t capacity);
}
