// The C functions that programs look up: messages, reference counts, pools, devices, and those for tests.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <set>

#include "foundation_objects.h"
#include "metal_double.h"
#include "objects.h"
#include "tools.h"

#ifndef __x86_64__
#error "the Metal double's trampoline and fibers are written for x86-64"
#endif

namespace metal_double {
namespace {

/// Answers a message that could not be delivered, after it was reported.
Object* no_answer(Object*, Selector) { return nullptr; }

/// What every object understands; nullptr for other selectors.
Implementation method_of_all(const std::string& selector) {
  static const std::map<std::string, Implementation> methods = [] {
    std::map<std::string, Implementation> made;
    const auto add = [&](const char* name, auto function) {
      made[name] = reinterpret_cast<Implementation>(+function);
    };
    add("retain", [](Object* self, Selector) -> Object* {
      retain(self);
      return self;
    });
    add("release", [](Object* self, Selector) { release(self); });
    add("autorelease", [](Object* self, Selector) -> Object* { return autorelease(self); });
    add("respondsToSelector:", [](Object* self, Selector, Selector asked) -> bool {
      return self->isa->methods.contains(asked) || method_of_all(asked) != nullptr;
    });
    return made;
  }();
  const auto found = methods.find(selector);
  return found == methods.end() ? nullptr : found->second;
}

/// The classes are there as soon as the library is.
const bool classes_are_ready = [] {
  add_foundation_classes();
  add_metal_classes();
  return true;
}();

int hand_out(const std::string& text, char* destination, std::size_t capacity, int answer) {
  if (destination != nullptr && capacity > 0) std::snprintf(destination, capacity, "%s", text.c_str());
  return answer;
}

}  // namespace

/// The method for a message, for the trampoline below, which has saved the caller's argument registers.
extern "C" __attribute__((visibility("hidden"))) Implementation metal_double_find_method(Object* self,
                                                                                         Selector selector) {
  const std::lock_guard lock(lock_of_all());
  std::string mistake;
  if (self->isa == nullptr) {
    const auto* its_class = static_cast<Class*>(self);
    const auto found = its_class->class_methods.find(selector);
    if (found != its_class->class_methods.end()) return found->second;
    mistake = "+[" + its_class->name + " " + selector + "]: unrecognized selector";
  } else if (self->dead) {
    mistake = "-[" + self->isa->name + " " + selector + "]: message sent to a deallocated instance";
  } else {
    const auto found = self->isa->methods.find(selector);
    if (found != self->isa->methods.end()) return found->second;
    if (const Implementation common = method_of_all(selector)) return common;
    mistake = "-[" + self->isa->name + " " + selector + "]: unrecognized selector sent to instance";
  }
  report(mistake);
  return reinterpret_cast<Implementation>(&no_answer);
}

}  // namespace metal_double

// objc_msgSend does not know the signature of the method: it saves all registers that can hold arguments,
// asks for the method and jumps there. A message to nil gives 0 in every register of results. With
// objc_msgSend_stret the first argument is where the result goes, and the receiver is the second.
asm(R"(
.text
.macro metal_double_save_arguments
  push %rbp
  mov %rsp, %rbp
  sub $192, %rsp
  mov %rax, (%rsp)
  mov %rdi, 8(%rsp)
  mov %rsi, 16(%rsp)
  mov %rdx, 24(%rsp)
  mov %rcx, 32(%rsp)
  mov %r8, 40(%rsp)
  mov %r9, 48(%rsp)
  movups %xmm0, 64(%rsp)
  movups %xmm1, 80(%rsp)
  movups %xmm2, 96(%rsp)
  movups %xmm3, 112(%rsp)
  movups %xmm4, 128(%rsp)
  movups %xmm5, 144(%rsp)
  movups %xmm6, 160(%rsp)
  movups %xmm7, 176(%rsp)
.endm
.macro metal_double_restore_arguments
  mov (%rsp), %rax
  mov 8(%rsp), %rdi
  mov 16(%rsp), %rsi
  mov 24(%rsp), %rdx
  mov 32(%rsp), %rcx
  mov 40(%rsp), %r8
  mov 48(%rsp), %r9
  movups 64(%rsp), %xmm0
  movups 80(%rsp), %xmm1
  movups 96(%rsp), %xmm2
  movups 112(%rsp), %xmm3
  movups 128(%rsp), %xmm4
  movups 144(%rsp), %xmm5
  movups 160(%rsp), %xmm6
  movups 176(%rsp), %xmm7
  leave
.endm

.globl objc_msgSend
.type objc_msgSend, @function
objc_msgSend:
  test %rdi, %rdi
  je 1f
  metal_double_save_arguments
  call metal_double_find_method
  mov %rax, %r11
  metal_double_restore_arguments
  jmp *%r11
1:
  xor %eax, %eax
  xor %edx, %edx
  pxor %xmm0, %xmm0
  pxor %xmm1, %xmm1
  ret
.size objc_msgSend, .-objc_msgSend

.globl objc_msgSend_stret
.type objc_msgSend_stret, @function
objc_msgSend_stret:
  test %rsi, %rsi
  je 1f
  metal_double_save_arguments
  mov %rsi, %rdi
  mov %rdx, %rsi
  call metal_double_find_method
  mov %rax, %r11
  metal_double_restore_arguments
  jmp *%r11
1:
  mov %rdi, %rax
  ret
.size objc_msgSend_stret, .-objc_msgSend_stret
)");

namespace md = metal_double;

#pragma GCC visibility push(default)
extern "C" {

// By the names and with the signatures of Apple's <objc/runtime.h>, <objc/objc-internal.h> and Metal.

void* objc_getClass(const char* name) { return md::find_class(name); }

md::Selector sel_registerName(const char* name) {
  static auto& names = *new std::set<std::string>;
  const std::lock_guard lock(md::lock_of_all());
  return names.insert(name).first->c_str();
}

void* objc_retain(void* object) {
  md::retain(static_cast<md::Object*>(object));
  return object;
}

void objc_release(void* object) { md::release(static_cast<md::Object*>(object)); }

void* objc_autoreleasePoolPush() { return reinterpret_cast<void*>(md::push_pool()); }

void objc_autoreleasePoolPop(void* pool) { md::pop_pool(reinterpret_cast<std::size_t>(pool)); }

void* MTLCopyAllDevices() {
  auto* devices = new md::Array;
  if (md::Object* device = md::the_device()) devices->objects.emplace_back(device);
  return devices;
}

int metal_double_live(char* text, std::size_t capacity) {
  const auto [number, classes] = md::live_objects();
  return md::hand_out(classes, text, capacity, number);
}

int metal_double_error(char* text, std::size_t capacity) {
  const std::string oldest = md::take_report();
  return md::hand_out(oldest, text, capacity, oldest.empty() ? 0 : 1);
}

int metal_double_compiler(char* text, std::size_t capacity) {
  const md::Tools& tools = md::tools();
  return tools.absence.empty() ? md::hand_out(tools.clang, text, capacity, 1)
                               : md::hand_out(tools.absence, text, capacity, 0);
}
}
#pragma GCC visibility pop
