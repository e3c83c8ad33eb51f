// What the Metal double refuses as a Mac would, what it takes, and which mistakes of kernels and of hosts it
// finds: it is only worth something if it is as strict as Apple's.
#include <cmath>
#include <functional>
#include <optional>

#include "backends/gpu/metal_test.h"
#include "rustorch/error/error.h"

namespace rustorch::testing {
namespace {

using gpu::metal::AutoreleasePool;
using gpu::metal::make_string;
using gpu::metal::message;
using gpu::metal::Object;
using gpu::metal::ObjectReference;

/// A text of MSL with what every one begins with.
std::string metal_text(const std::string& text) {
  return "#include <metal_stdlib>\nusing namespace metal;\n" + text;
}

/// A kernel `k` of a buffer of floats and a number, with this body, after other declarations.
std::string kernel_text(const std::string& body, const std::string& before = "") {
  return metal_text(before +
                    "\nkernel void k(device float* y [[buffer(0)]], constant uint& n [[buffer(1)]], "
                    "uint3 t [[thread_position_in_grid]]) { " +
                    body + " }\n");
}

/// A text, and words of the compiler's complaint.
struct RefusedText {
  const char* name;
  std::string text;
  const char* words;
};

constexpr const char* explicit_space = "pointer type must have explicit address space qualifier";

std::vector<RefusedText> refused_pointers() {
  return {
      {"bare pointer as a parameter",
       kernel_text("float a[2] = {1, 2}; y[0] = f(a);", "static float f(float* s) { return s[0]; }"),
       explicit_space},
      {"bare pointer as a local", kernel_text("float* p = y; p[0] = 1;"), explicit_space},
      {"bare pointer in a cast", kernel_text("float a[2] = {1, 2}; y[0] = *(float*)(a);"), explicit_space},
      {"bare reference",
       kernel_text("float a = 1; y[0] = f(a);", "static float f(const float& s) { return s; }"),
       explicit_space},
      {"bare pointer as a result",
       kernel_text("float a = 1; y[0] = *f(&a);", "static float* f(thread float* s) { return s; }"),
       explicit_space},
      {"bare pointer in a struct", kernel_text("S s; y[0] = 1;", "struct S { float* p; };"), explicit_space},
      {"bare pointer as a member's result",
       kernel_text("S s; y[0] = *s.f(y);", "struct S { float* f(device float* p) { return nullptr; } };"),
       explicit_space},
      {"bare pointer by another name", kernel_text("y[0] = 1;", "typedef float* Floats;"), explicit_space},
      {"device pointer to thread*",
       kernel_text("y[0] = f(y);", "static float f(thread float* s) { return s[0]; }"),
       "no matching function for call to 'f'"},
      {"threadgroup pointer to device*",
       kernel_text("threadgroup float s[2]; y[0] = f(s);",
                   "static float f(device float* s) { return s[0]; }"),
       "no matching function for call to 'f'"},
      {"constant pointer to thread*",
       metal_text("struct P { uint k[4]; };\nstatic uint f(thread const uint* s) { return s[0]; }\n"
                  "kernel void k(device float* y [[buffer(0)]], constant P& p [[buffer(1)]]) "
                  "{ y[0] = f(p.k); }\n"),
       "no matching function for call to 'f'"},
      {"cast from device to threadgroup",
       kernel_text("threadgroup float* s = (threadgroup float*)y; s[0] = 1;"),
       "converts between mismatching address spaces"},
      {"cast that drops constant",
       metal_text("kernel void k(constant float* x [[buffer(0)]]) "
                  "{ device float* q = (device float*)x; q[0] = 1; }\n"),
       "converts between mismatching address spaces"},
      {"write to constant", metal_text("kernel void k(constant float* x [[buffer(0)]]) { x[0] = 1; }\n"),
       "read-only variable is not assignable"},
  };
}

std::vector<RefusedText> refused_storage() {
  constexpr const char* scope = "must reside in constant address space";
  return {
      {"program-scope variable", kernel_text("y[0] = table[0];", "float table[2] = {1, 2};"), scope},
      {"program-scope const", kernel_text("y[0] = table[t.x];", "const float table[2] = {1, 2};"), scope},
      {"extern variable", kernel_text("y[0] = elsewhere;", "extern float elsewhere;"), scope},
      {"static local", kernel_text("static int c = 0; y[0] = c++;"), scope},
      {"threadgroup memory outside a kernel",
       kernel_text("y[0] = f(t.x);",
                   "static float f(uint i) { threadgroup float s[4]; s[i] = 1; return s[0]; }"),
       "local address space"},
      {"threadgroup memory in an inner block",
       kernel_text("if (n > 1) { threadgroup float s[4]; s[t.x] = 1; y[t.x] = s[0]; }"), "outermost scope"},
      {"threadgroup memory initialized", kernel_text("threadgroup float s[2] = {1, 2}; y[0] = s[0];"),
       "cannot have an initializer"},
      {"variable-length array", kernel_text("float a[n]; y[0] = a[0];"), "not a constant expression"},
  };
}

std::vector<RefusedText> refused_language() {
  return {
      {"double", kernel_text("double d = 1; y[0] = (float)d;"), "poisoned"},
      {"long long", kernel_text("long long d = n; y[0] = (float)d;"), "'long long' is not supported"},
      {"recursion", kernel_text("y[0] = f(3);", "static int f(int n) { return n ? f(n - 1) : 0; }"),
       "recursion is not supported"},
      {"mutual recursion",
       kernel_text("y[0] = f(3);",
                   "static int g(int n); static int f(int n) { return n ? g(n - 1) : 0; } "
                   "static int g(int n) { return f(n); }"),
       "recursion is not supported"},
      {"recursion of members",
       kernel_text("S s; y[0] = s.f(3);", "struct S { int f(int n) { return n ? f(n - 1) : 0; } };"),
       "recursion is not supported"},
      {"virtual", kernel_text("y[0] = 1;", "struct A { virtual int f() { return 1; } };"), "poisoned"},
      {"new", kernel_text("thread float* p = new float; y[0] = *p;"), "not supported"},
      {"throw", kernel_text("if (n) throw 1;"), "poisoned"},
      {"try", kernel_text("try { y[0] = 1; } catch (...) {}"), "poisoned"},
      {"goto", kernel_text("goto end; end: y[0] = 1;"), "poisoned"},
      {"typeid", kernel_text("y[0] = sizeof(typeid(n));"), "poisoned"},
      {"dynamic_cast", kernel_text("y[0] = sizeof(dynamic_cast<int>(n));"), "poisoned"},
      {"thread_local", kernel_text("y[0] = q;", "thread_local int q;"), "poisoned"},
      {"register", kernel_text("register int q = 1; y[0] = q;"), "poisoned"},
      {"asm", kernel_text("asm(\"nop\"); y[0] = 1;"), "poisoned"},
      {"function pointer",
       kernel_text("float (*p)(float) = f; y[0] = p(1);", "static float f(float a) { return a; }"),
       "pointers to functions are not allowed"},
      {"lambda", kernel_text("auto f = [](float a) { return a; }; y[0] = f(1);"),
       "lambda expressions are not supported"},
      {"variadic function", kernel_text("f(1, 2); y[0] = 1;", "static void f(int a, ...) {}"),
       "variadic arguments are not allowed"},
      {"restrict", metal_text("kernel void k(device float* restrict y [[buffer(0)]]) { y[0] = 1; }\n"),
       "error:"},
      {"vector by a cast", kernel_text("float4 v = (float4)(1.0f, 2.0f, 3.0f, 4.0f); y[0] = v.y;"),
       "comma expression in Metal"},
      {"kernel that returns", metal_text("kernel float k(device float* y [[buffer(0)]]) { return y[0]; }\n"),
       "kernel must have void return type"},
      {"__global", metal_text("kernel void k(__global float* y [[buffer(0)]]) { y[0] = 1; }\n"), "poisoned"},
      {"generic", kernel_text("generic float* p = y; y[0] = *p;"), "poisoned"},
  };
}

std::vector<RefusedText> refused_functions() {
  constexpr const char* unknown = "use of undeclared identifier";
  std::vector<RefusedText> texts{
      {"exp of an int", kernel_text("y[0] = exp(1);"), "call to 'exp' is ambiguous"},
      {"max of int and uint", kernel_text("y[0] = max(1, n);"), "call to 'max' is ambiguous"},
      {"printf", kernel_text("printf(\"x\");"), "poisoned"},
      {"std::", kernel_text("y[0] = std::exp(1.0f);"), "use of undeclared identifier 'std'"},
      {"a header of C++", metal_text("#include <cmath>\nkernel void k(device float* y [[buffer(0)]]) {}\n"),
       "file not found"},
      {"get_global_id", kernel_text("y[get_global_id(0)] = 1;"), unknown},
      {"barrier", kernel_text("barrier(1);"), unknown},
      {"__syncthreads", kernel_text("__syncthreads();"), unknown},
      {"as_type between sizes", kernel_text("y[0] = as_type<float>(ulong(n));"),
       "as_type cast between types of different size"},
      {"declared and nowhere defined", kernel_text("y[0] = f(1.0f);", "float f(float);"), "undefined symbol"},
  };
  for (const char* name : {"erf", "erfc", "expm1", "log1p", "lgamma", "tgamma", "cbrt", "hypot", "expf"})
    texts.push_back({name, kernel_text("y[0] = " + std::string(name) + "(1.0f);"), unknown});
  return texts;
}

std::vector<RefusedText> refused_atomics() {
  const auto with_atomic = [](const std::string& type, const std::string& body) {
    return metal_text("kernel void k(device " + type + "* y [[buffer(0)]]) { " + body + " }\n");
  };
  return {
      {"atomic on plain uint*",
       with_atomic("uint", "atomic_fetch_add_explicit(y, 1u, memory_order_relaxed);"),
       "no matching function for call to 'atomic_fetch_add_explicit'"},
      {"memory_order_seq_cst",
       with_atomic("atomic_uint", "atomic_fetch_add_explicit(y, 1u, memory_order_seq_cst);"),
       "memory_order_seq_cst"},
      {"atomic_ulong add",
       with_atomic("atomic_ulong", "atomic_fetch_add_explicit(y, 1ul, memory_order_relaxed);"), "error:"},
      {"a++ of an atomic", with_atomic("atomic_uint", "y[0]++;"), "cannot increment value"},
  };
}

std::vector<RefusedText> refused_signatures() {
  return {
      {"number by value",
       metal_text("kernel void k(device float* y [[buffer(0)]], uint n [[buffer(1)]]) { y[0] = n; }\n"),
       "invalid type 'uint' for buffer declaration"},
      {"parameter without attribute",
       metal_text("kernel void k(device float* y [[buffer(0)]], uint3 t) { y[0] = t.x; }\n"),
       "parameter 'uint3 t' has no attribute"},
      {"index twice",
       metal_text("kernel void k(device float* y [[buffer(0)]], device float* z [[buffer(0)]]) "
                  "{ y[0] = z[0]; }\n"),
       "index used twice"},
      {"index 31", metal_text("kernel void k(device float* y [[buffer(31)]]) { y[0] = 1; }\n"),
       "must be between 0 and 30"},
      {"positions of different types",
       metal_text("kernel void k(device float* y [[buffer(0)]], uint3 t [[thread_position_in_grid]], "
                  "uint g [[threadgroup_position_in_grid]]) { y[t.x] = g; }\n"),
       "position attributes differ in type"},
      {"unknown attribute",
       metal_text("kernel void k(device float* y [[buffer(0)]], uint t [[thread_number]]) { y[t] = 1; }\n"),
       "unknown attribute 'thread_number'"},
      {"group of 2048 threads",
       metal_text("[[max_total_threads_per_threadgroup(2048)]] "
                  "kernel void k(device float* y [[buffer(0)]]) { y[0] = 1; }\n"),
       "must be between 1 and 1024"},
      {"buffer in thread memory", metal_text("kernel void k(thread float* y [[buffer(0)]]) { y[0] = 1; }\n"),
       "must be in the device or constant address space"},
  };
}

class MetalDoubleTest : public MetalTest {
 protected:
  void expect_refused(const std::vector<RefusedText>& texts) {
    for (const RefusedText& each : texts) {
      try {
        executor().compile(each.text);
        ADD_FAILURE() << each.name << " is taken";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::unsupported);
        EXPECT_NE(error.message().find(each.words), std::string::npos)
            << each.name << ": wanted '" << each.words << "' in " << error.message();
      }
    }
  }

  /// Runs a kernel that must go wrong with these words.
  void expect_mistake_of_kernel(const std::string& text, std::uint32_t group_threads, const char* words,
                                std::size_t count = 64) {
    try {
      run_metal(text, group_threads, std::vector<float>(count));
      ADD_FAILURE() << "nothing found; wanted: " << words;
    } catch (const Error& error) {
      EXPECT_NE(error.message().find(words), std::string::npos) << error.message() << "\nwanted: " << words;
    }
    metal_double().take_errors();
  }

  /// Does something wrong within a pool; the double must note it in these words.
  void expect_mistake_of_host(const char* words, const std::function<void()>& work) {
    {
      const AutoreleasePool pool;
      work();
    }
    expect_mistake(words);
  }
};

TEST_F(MetalDoubleTest, refuses_pointers_without_or_across_address_spaces) {
  expect_refused(refused_pointers());
}
TEST_F(MetalDoubleTest, refuses_variables_where_metal_has_none) { expect_refused(refused_storage()); }
TEST_F(MetalDoubleTest, refuses_language_that_metal_lacks) { expect_refused(refused_language()); }
TEST_F(MetalDoubleTest, refuses_functions_that_metal_lacks) { expect_refused(refused_functions()); }
TEST_F(MetalDoubleTest, refuses_other_atomics) { expect_refused(refused_atomics()); }
TEST_F(MetalDoubleTest, refuses_signatures) { expect_refused(refused_signatures()); }

TEST_F(MetalDoubleTest, takes_what_metal_takes) {
  const std::vector<std::pair<const char*, std::string>> texts{
      {"plain kernel", kernel_text("y[t.x] = float(n);")},
      {"helper with thread*",
       kernel_text("float a[2] = {1, 2}; y[0] = f(a);", "static float f(thread float* s) { return s[0]; }")},
      {"helper with thread&",
       kernel_text("float a = 1; y[0] = f(a);", "static float f(thread float& s) { return s; }")},
      {"template", kernel_text("y[0] = f(1.0f);", "template <class T> static T f(T a) { return a + T(1); }")},
      {"overloads by address space", kernel_text("threadgroup float s[2]; y[0] = f(s) + f(y);",
                                                 "static float f(device float* s) { return s[0]; } "
                                                 "static float f(threadgroup float* s) { return s[0]; }")},
      {"half", kernel_text("half h = half(n) * 0.5h; y[0] = h;")},
      {"1.0 is a float", kernel_text("y[0] = y[1] * 1.0;")},
      {"constant table", kernel_text("y[0] = table[t.x];", "constant float table[3] = {1, 2, 3};")},
      {"struct from device memory",
       metal_text("struct P { uint a, b; };\nkernel void k(device float* y [[buffer(0)]], "
                  "device P* p [[buffer(1)]]) { P q = p[1]; y[0] = q.a; }\n")},
      {"member function",
       kernel_text("P p; p.a = 1; y[0] = p.get();", "struct P { uint a; uint get() const { return a; } };")},
      {"float4", kernel_text("float4 v = float4(1, 2, 3, 4); y[0] = v.x;")},
      {"float4 in memory",
       kernel_text("device float4* q = (device float4*)y; float4 v = q[t.x]; v.x += v.w; q[t.x] = v;")},
      {"words in comments", kernel_text("/* long long (float4)(1, 2) */ y[0] = 1; // double\n")},
      {"atomics of floats", metal_text("kernel void k(device atomic_float* y [[buffer(0)]]) "
                                       "{ atomic_fetch_add_explicit(y, 1.0f, memory_order_relaxed); }\n")},
  };
  for (const auto& [name, text] : texts) EXPECT_NO_THROW(executor().compile(text)) << name;
}

TEST_F(MetalDoubleTest, finds_accesses_out_of_range) {
  expect_mistake_of_kernel(kernel_text("y[t.x + 1] = 1;"), 64, "memory fault");
  expect_mistake_of_kernel(kernel_text("y[t.x + 1] = 1;"), 63, "wrote to buffer 0 past its end", 63);
  expect_mistake_of_kernel(kernel_text("y[(long)t.x - 1] = 1;"), 64, "wrote to buffer 0 before its start");
  expect_mistake_of_kernel(kernel_text("y[t.x] = y[t.x + 100000];"), 64, "memory fault");
  expect_mistake_of_kernel(
      metal_text("struct P { uint a[9]; };\nkernel void k(device float* y [[buffer(0)]], "
                 "constant P& p [[buffer(1)]]) { y[0] = p.a[8]; }\n"),
      1, "buffer 1 has 16 bytes, the kernel's argument needs 36");
  expect_mistake_of_kernel(
      kernel_text("thread float a[8]; for (uint i = 0; i < 100000 + n; ++i) a[i] = i; y[0] = a[n & 7];"), 1,
      "memory fault");
}

TEST_F(MetalDoubleTest, finds_barriers_that_not_all_threads_reach) {
  const std::string barrier = "threadgroup_barrier(mem_flags::mem_threadgroup); ";
  expect_mistake_of_kernel(kernel_text("if (t.x < 10) " + barrier + "y[t.x] = 1;"), 64,
                           "is not reached by all threads");
  expect_mistake_of_kernel(kernel_text("for (uint i = 0; i < t.x; ++i) " + barrier + "y[t.x] = 1;"), 64,
                           "is not reached by all threads");
  expect_mistake_of_kernel(
      kernel_text("if (t.x < 10) {\n" + barrier + "\n} else {\n" + barrier + "\n} y[t.x] = 1;"), 64,
      "is not reached by all threads");
  expect_mistake_of_kernel(kernel_text("float v = t.x; if (t.x < 10) v = simd_shuffle_down(v, 1); else " +
                                       barrier + "y[t.x] = v;"),
                           64, "threads of a simdgroup wait at different simd operations or barriers");
}

TEST_F(MetalDoubleTest, missing_barriers_give_wrong_results) {
  const auto reversed = [](const std::string& barrier) {
    return kernel_text("threadgroup float s[64]; s[t.x] = t.x; " + barrier + " y[t.x] = s[63 - t.x];");
  };
  const auto wrong = [&](const std::string& text) {
    const std::vector<float> results = run_metal(text, 64, std::vector<float>(64));
    int number = 0;
    for (std::size_t i = 0; i < results.size(); ++i)
      number += results[i] == 63.0f - static_cast<float>(i) ? 0 : 1;
    return number;
  };
  EXPECT_GT(wrong(reversed("")), 0);
  EXPECT_EQ(wrong(reversed("threadgroup_barrier(mem_flags::mem_threadgroup);")), 0);
}

TEST_F(MetalDoubleTest, threadgroup_memory_is_counted_by_kernel) {
  const auto kernels = [](const std::string& first, const std::string& second) {
    const auto kernel = [](const std::string& name, const std::string& count) {
      return "kernel void " + name +
             "(device float* y [[buffer(0)]], uint t [[thread_position_in_grid]]) "
             "{ threadgroup float s[" +
             count +
             "]; s[t] = t; "
             "threadgroup_barrier(mem_flags::mem_threadgroup); y[t] = s[t ^ 1u]; }\n";
    };
    return metal_text(kernel("k", first) + kernel("other", second));
  };
  const auto module = executor().compile(kernels("8192", "8192"));
  EXPECT_NO_THROW(executor().kernel(*module, "k"));
  EXPECT_NO_THROW(executor().kernel(*module, "other"));
  const auto larger = executor().compile(kernels("8193", "64"));
  EXPECT_NO_THROW(executor().kernel(*larger, "other"));
  try {
    executor().kernel(*larger, "k");
    ADD_FAILURE() << "more than 32 KiB are taken";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("Threadgroup memory size (32772) exceeds"), std::string::npos)
        << error.what();
  }
}

TEST_F(MetalDoubleTest, multiplications_and_additions_fuse_unless_forbidden) {
  // (1 + e)(1 + e) - (1 + 2e) is e * e when it is rounded once, and 0 when it is rounded twice.
  const float e = 1.1920929e-7f;
  const std::vector<float> values{0.0f, 1.0f + e, 1.0f + e, -(1.0f + 2.0f * e)};
  const std::string text = kernel_text("y[0] = y[1] * y[2] + y[3];");
  EXPECT_EQ(run_metal(text, 1, values)[0], e * e);
  EXPECT_EQ(run_metal("#pragma METAL fp contract(off)\n" + text, 1, values)[0], 0.0f);
}

TEST_F(MetalDoubleTest, finds_objects_used_wrongly) {
  const AutoreleasePool pool;
  const ObjectReference devices = ObjectReference::adopt(gpu::metal::objc_runtime().copy_all_devices());
  const Object device = message(devices.get(), "objectAtIndex:", std::size_t{0});
  const auto new_buffer = [&] {
    return message(device, "newBufferWithLength:options:", std::size_t{16}, std::size_t{0});
  };
  expect_mistake_of_host("message sent to a deallocated instance", [&] {
    const Object buffer = new_buffer();
    message<void>(buffer, "release");
    message(buffer, "contents");
  });
  expect_mistake_of_host("message sent to a deallocated instance", [&] {
    const Object buffer = new_buffer();
    message<void>(buffer, "release");
    message<void>(buffer, "release");
  });
  expect_mistake_of_host("release of a deallocated NSString",
                         [&] { message<void>(make_string("a"), "release"); });
  expect_mistake_of_host("-[MTLDevice newBuffer:]: unrecognized selector",
                         [&] { message(device, "newBuffer:"); });
  expect_mistake_of_host("newBufferWithLength: with length 0", [&] {
    message(device, "newBufferWithLength:options:", std::size_t{0}, std::size_t{0});
  });
  EXPECT_EQ(message(nullptr, "contents"), nullptr);

  const Object kept = new_buffer();
  EXPECT_NE(metal_double().live_objects().find("MTLBuffer x1"), std::string::npos);
  message<void>(kept, "release");
  EXPECT_EQ(metal_double().live_objects().find("MTLBuffer"), std::string::npos);
}

TEST_F(MetalDoubleTest, finds_objects_that_no_pool_takes) {
  const Object text = make_string("a");
  expect_mistake("autoreleased with no pool in place");
  EXPECT_EQ(metal_double().live_objects(), "MTLCommandQueue x1, NSString x1");
  message<void>(text, "release");
}

TEST_F(MetalDoubleTest, finds_commands_encoded_wrongly) {
  struct Size {
    std::size_t width, height, depth;
  };
  const AutoreleasePool pool;
  const ObjectReference devices = ObjectReference::adopt(gpu::metal::objc_runtime().copy_all_devices());
  const Object device = message(devices.get(), "objectAtIndex:", std::size_t{0});
  const ObjectReference queue = ObjectReference::adopt(message(device, "newCommandQueue"));
  const ObjectReference buffer = ObjectReference::adopt(
      message(device, "newBufferWithLength:options:", std::size_t{64}, std::size_t{0}));
  const auto command_buffer = [&] { return message(queue.get(), "commandBuffer"); };
  const auto dispatch = [](Object encoder, std::size_t threads) {
    message<void>(encoder, "dispatchThreadgroups:threadsPerThreadgroup:", Size{1, 1, 1}, Size{threads, 1, 1});
  };

  expect_mistake_of_host("endEncoding is missing", [&] {
    const Object commands = command_buffer();
    message(commands, "computeCommandEncoder");
    message<void>(commands, "commit");
  });
  metal_double().take_errors();
  expect_mistake_of_host("a second encoder is made while one is open", [&] {
    const Object commands = command_buffer();
    const Object encoder = message(commands, "computeCommandEncoder");
    message(commands, "blitCommandEncoder");
    message<void>(encoder, "endEncoding");
  });
  expect_mistake_of_host("committed already", [&] {
    const Object commands = command_buffer();
    message<void>(commands, "commit");
    message<void>(commands, "commit");
    message<void>(commands, "waitUntilCompleted");
  });
  expect_mistake_of_host("would wait for ever",
                         [&] { message<void>(command_buffer(), "waitUntilCompleted"); });
  expect_mistake_of_host("without a compute pipeline state", [&] {
    const Object encoder = message(command_buffer(), "computeCommandEncoder");
    dispatch(encoder, 1);
    message<void>(encoder, "endEncoding");
  });
  expect_mistake_of_host("length 5000 is over 4096", [&] {
    const std::vector<char> bytes(5000);
    const Object encoder = message(command_buffer(), "computeCommandEncoder");
    message<void>(encoder, "setBytes:length:atIndex:", static_cast<const void*>(bytes.data()), bytes.size(),
                  std::size_t{0});
    message<void>(encoder, "endEncoding");
  });
  for (const auto& [offset, bytes, words] :
       {std::tuple{std::size_t{2}, std::size_t{4}, "not multiples of 4"},
        std::tuple{std::size_t{0}, std::size_t{128}, "out of range"},
        std::tuple{std::size_t{4}, std::size_t{8}, "ranges that overlap"}}) {
    expect_mistake_of_host(words, [&, from = offset, size = bytes] {
      const Object encoder = message(command_buffer(), "blitCommandEncoder");
      message<void>(encoder, "copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:", buffer.get(),
                    from, buffer.get(), std::size_t{0}, size);
      message<void>(encoder, "endEncoding");
    });
  }
}

TEST_F(MetalDoubleTest, finds_dispatches_that_do_not_fit_the_kernel) {
  struct Size {
    std::size_t width, height, depth;
  };
  const AutoreleasePool pool;
  const ObjectReference devices = ObjectReference::adopt(gpu::metal::objc_runtime().copy_all_devices());
  const Object device = message(devices.get(), "objectAtIndex:", std::size_t{0});
  const ObjectReference queue = ObjectReference::adopt(message(device, "newCommandQueue"));
  const ObjectReference buffer = ObjectReference::adopt(
      message(device, "newBufferWithLength:options:", std::size_t{64}, std::size_t{0}));
  const std::string text = metal_text(
      "[[max_total_threads_per_threadgroup(8)]] kernel void k(device float* y [[buffer(0)]], "
      "device float* z [[buffer(5)]], uint t [[thread_position_in_grid]]) { y[t] = 1; z[t] = 2; }\n");
  Object error = nullptr;
  const ObjectReference library = ObjectReference::adopt(
      message(device, "newLibraryWithSource:options:error:", make_string(text), Object{nullptr}, &error));
  const ObjectReference function =
      ObjectReference::adopt(message(library.get(), "newFunctionWithName:", make_string("k")));
  const ObjectReference pipeline = ObjectReference::adopt(
      message(device, "newComputePipelineStateWithFunction:error:", function.get(), &error));
  ASSERT_TRUE(pipeline);

  const Object commands = message(queue.get(), "commandBuffer");
  const Object encoder = message(commands, "computeCommandEncoder");
  const auto dispatch = [&](std::size_t threads) {
    message<void>(encoder, "dispatchThreadgroups:threadsPerThreadgroup:", Size{1, 1, 1}, Size{threads, 1, 1});
  };
  message<void>(encoder, "setComputePipelineState:", pipeline.get());
  message<void>(encoder, "setBuffer:offset:atIndex:", buffer.get(), std::size_t{0}, std::size_t{0});
  expect_mistake_of_host("missing buffer binding at index 5 for z", [&] { dispatch(8); });
  message<void>(encoder, "setBuffer:offset:atIndex:", buffer.get(), std::size_t{32}, std::size_t{5});
  expect_mistake_of_host("threads per threadgroup (9) over the pipeline's maximum (8)", [&] { dispatch(9); });
  dispatch(8);
  message<void>(encoder, "endEncoding");
  message<void>(commands, "commit");

  // A host that does not wait sees what was there before.
  auto* values = message<float*>(buffer.get(), "contents");
  values[0] = 7;
  EXPECT_EQ(values[0], 7.0f);
  message<void>(commands, "waitUntilCompleted");
  EXPECT_EQ(values[0], 1.0f);
  EXPECT_EQ(values[8], 2.0f);
}

}  // namespace
}  // namespace rustorch::testing
