// What the Metal double refuses as Apple's compiler would, and what it takes: it is only worth something if
// it is as strict.
#include "metal/metal_test.h"
#include "rustorch/error/error.h"

namespace rustorch::testing {
namespace {

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
       text_with_kernel("float a[2] = {1, 2}; y[0] = f(a);", "static float f(float* s) { return s[0]; }"),
       explicit_space},
      {"bare pointer as a local", text_with_kernel("float* p = y; p[0] = 1;"), explicit_space},
      {"bare pointer in a cast", text_with_kernel("float a[2] = {1, 2}; y[0] = *(float*)(a);"),
       explicit_space},
      {"bare reference",
       text_with_kernel("float a = 1; y[0] = f(a);", "static float f(const float& s) { return s; }"),
       explicit_space},
      {"bare pointer as a result",
       text_with_kernel("float a = 1; y[0] = *f(&a);", "static float* f(thread float* s) { return s; }"),
       explicit_space},
      {"bare pointer in a struct", text_with_kernel("S s; y[0] = 1;", "struct S { float* p; };"),
       explicit_space},
      {"bare pointer as a member's result",
       text_with_kernel("S s; y[0] = *s.f(y);",
                        "struct S { float* f(device float* p) { return nullptr; } };"),
       explicit_space},
      {"bare pointer by another name", text_with_kernel("y[0] = 1;", "typedef float* Floats;"),
       explicit_space},
      {"device pointer to thread*",
       text_with_kernel("y[0] = f(y);", "static float f(thread float* s) { return s[0]; }"),
       "no matching function for call to 'f'"},
      {"threadgroup pointer to device*",
       text_with_kernel("threadgroup float s[2]; y[0] = f(s);",
                        "static float f(device float* s) { return s[0]; }"),
       "no matching function for call to 'f'"},
      {"constant pointer to thread*",
       metal_text("struct P { uint k[4]; };\nstatic uint f(thread const uint* s) { return s[0]; }\n"
                  "kernel void k(device float* y [[buffer(0)]], constant P& p [[buffer(1)]]) "
                  "{ y[0] = f(p.k); }\n"),
       "no matching function for call to 'f'"},
      {"cast from device to threadgroup",
       text_with_kernel("threadgroup float* s = (threadgroup float*)y; s[0] = 1;"),
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
      {"program-scope variable", text_with_kernel("y[0] = table[0];", "float table[2] = {1, 2};"), scope},
      {"program-scope const", text_with_kernel("y[0] = table[t.x];", "const float table[2] = {1, 2};"),
       scope},
      {"extern variable", text_with_kernel("y[0] = elsewhere;", "extern float elsewhere;"), scope},
      {"static local", text_with_kernel("static int c = 0; y[0] = c++;"), scope},
      {"threadgroup memory outside a kernel",
       text_with_kernel("y[0] = f(t.x);",
                        "static float f(uint i) { threadgroup float s[4]; s[i] = 1; return s[0]; }"),
       "local address space"},
      {"threadgroup memory in an inner block",
       text_with_kernel("if (n > 1) { threadgroup float s[4]; s[t.x] = 1; y[t.x] = s[0]; }"),
       "outermost scope"},
      {"threadgroup memory initialized", text_with_kernel("threadgroup float s[2] = {1, 2}; y[0] = s[0];"),
       "cannot have an initializer"},
      {"variable-length array", text_with_kernel("float a[n]; y[0] = a[0];"), "not a constant expression"},
  };
}

std::vector<RefusedText> refused_language() {
  return {
      {"double", text_with_kernel("double d = 1; y[0] = (float)d;"), "poisoned"},
      {"long long", text_with_kernel("long long d = n; y[0] = (float)d;"), "'long long' is not supported"},
      {"recursion", text_with_kernel("y[0] = f(3);", "static int f(int n) { return n ? f(n - 1) : 0; }"),
       "recursion is not supported"},
      {"mutual recursion",
       text_with_kernel("y[0] = f(3);",
                        "static int g(int n); static int f(int n) { return n ? g(n - 1) : 0; } "
                        "static int g(int n) { return f(n); }"),
       "recursion is not supported"},
      {"recursion of members",
       text_with_kernel("S s; y[0] = s.f(3);", "struct S { int f(int n) { return n ? f(n - 1) : 0; } };"),
       "recursion is not supported"},
      {"virtual", text_with_kernel("y[0] = 1;", "struct A { virtual int f() { return 1; } };"), "poisoned"},
      {"new", text_with_kernel("thread float* p = new float; y[0] = *p;"), "not supported"},
      {"throw", text_with_kernel("if (n) throw 1;"), "poisoned"},
      {"try", text_with_kernel("try { y[0] = 1; } catch (...) {}"), "poisoned"},
      {"goto", text_with_kernel("goto end; end: y[0] = 1;"), "poisoned"},
      {"typeid", text_with_kernel("y[0] = sizeof(typeid(n));"), "poisoned"},
      {"dynamic_cast", text_with_kernel("y[0] = sizeof(dynamic_cast<int>(n));"), "poisoned"},
      {"thread_local", text_with_kernel("y[0] = q;", "thread_local int q;"), "poisoned"},
      {"register", text_with_kernel("register int q = 1; y[0] = q;"), "poisoned"},
      {"asm", text_with_kernel("asm(\"nop\"); y[0] = 1;"), "poisoned"},
      {"function pointer",
       text_with_kernel("float (*p)(float) = f; y[0] = p(1);", "static float f(float a) { return a; }"),
       "pointers to functions are not allowed"},
      {"lambda", text_with_kernel("auto f = [](float a) { return a; }; y[0] = f(1);"),
       "lambda expressions are not supported"},
      {"variadic function", text_with_kernel("f(1, 2); y[0] = 1;", "static void f(int a, ...) {}"),
       "variadic arguments are not allowed"},
      {"restrict", metal_text("kernel void k(device float* restrict y [[buffer(0)]]) { y[0] = 1; }\n"),
       "error:"},
      {"vector by a cast", text_with_kernel("float4 v = (float4)(1.0f, 2.0f, 3.0f, 4.0f); y[0] = v.y;"),
       "comma expression in Metal"},
      {"kernel that returns", metal_text("kernel float k(device float* y [[buffer(0)]]) { return y[0]; }\n"),
       "kernel must have void return type"},
      {"__global", metal_text("kernel void k(__global float* y [[buffer(0)]]) { y[0] = 1; }\n"), "poisoned"},
      {"generic", text_with_kernel("generic float* p = y; y[0] = *p;"), "poisoned"},
  };
}

std::vector<RefusedText> refused_functions() {
  constexpr const char* unknown = "use of undeclared identifier";
  std::vector<RefusedText> texts{
      {"exp of an int", text_with_kernel("y[0] = exp(1);"), "call to 'exp' is ambiguous"},
      {"max of int and uint", text_with_kernel("y[0] = max(1, n);"), "call to 'max' is ambiguous"},
      {"printf", text_with_kernel("printf(\"x\");"), "poisoned"},
      {"std::", text_with_kernel("y[0] = std::exp(1.0f);"), "use of undeclared identifier 'std'"},
      {"a header of C++", metal_text("#include <cmath>\nkernel void k(device float* y [[buffer(0)]]) {}\n"),
       "file not found"},
      {"get_global_id", text_with_kernel("y[get_global_id(0)] = 1;"), unknown},
      {"barrier", text_with_kernel("barrier(1);"), unknown},
      {"__syncthreads", text_with_kernel("__syncthreads();"), unknown},
      {"as_type between sizes", text_with_kernel("y[0] = as_type<float>(ulong(n));"),
       "as_type cast between types of different size"},
      {"declared and nowhere defined", text_with_kernel("y[0] = f(1.0f);", "float f(float);"),
       "undefined symbol"},
  };
  for (const char* name : {"erf", "erfc", "expm1", "log1p", "lgamma", "tgamma", "cbrt", "hypot", "expf"})
    texts.push_back({name, text_with_kernel("y[0] = " + std::string(name) + "(1.0f);"), unknown});
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

class MetalCompilerTest : public MetalTest {
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
};

TEST_F(MetalCompilerTest, refuses_pointers_without_or_across_address_spaces) {
  expect_refused(refused_pointers());
}
TEST_F(MetalCompilerTest, refuses_variables_where_metal_has_none) { expect_refused(refused_storage()); }
TEST_F(MetalCompilerTest, refuses_language_that_metal_lacks) { expect_refused(refused_language()); }
TEST_F(MetalCompilerTest, refuses_functions_that_metal_lacks) { expect_refused(refused_functions()); }
TEST_F(MetalCompilerTest, refuses_other_atomics) { expect_refused(refused_atomics()); }
TEST_F(MetalCompilerTest, refuses_signatures) { expect_refused(refused_signatures()); }

TEST_F(MetalCompilerTest, takes_what_metal_takes) {
  const std::vector<std::pair<const char*, std::string>> texts{
      {"plain kernel", text_with_kernel("y[t.x] = float(n);")},
      {"helper with thread*", text_with_kernel("float a[2] = {1, 2}; y[0] = f(a);",
                                               "static float f(thread float* s) { return s[0]; }")},
      {"helper with thread&",
       text_with_kernel("float a = 1; y[0] = f(a);", "static float f(thread float& s) { return s; }")},
      {"template",
       text_with_kernel("y[0] = f(1.0f);", "template <class T> static T f(T a) { return a + T(1); }")},
      {"overloads by address space",
       text_with_kernel("threadgroup float s[2]; y[0] = f(s) + f(y);",
                        "static float f(device float* s) { return s[0]; } "
                        "static float f(threadgroup float* s) { return s[0]; }")},
      {"half", text_with_kernel("half h = half(n) * 0.5h; y[0] = h;")},
      {"1.0 is a float", text_with_kernel("y[0] = y[1] * 1.0;")},
      {"constant table", text_with_kernel("y[0] = table[t.x];", "constant float table[3] = {1, 2, 3};")},
      {"struct from device memory",
       metal_text("struct P { uint a, b; };\nkernel void k(device float* y [[buffer(0)]], "
                  "device P* p [[buffer(1)]]) { P q = p[1]; y[0] = q.a; }\n")},
      {"member function", text_with_kernel("P p; p.a = 1; y[0] = p.get();",
                                           "struct P { uint a; uint get() const { return a; } };")},
      {"float4", text_with_kernel("float4 v = float4(1, 2, 3, 4); y[0] = v.x;")},
      {"float4 in memory",
       text_with_kernel("device float4* q = (device float4*)y; float4 v = q[t.x]; v.x += v.w; q[t.x] = v;")},
      {"words in comments", text_with_kernel("/* long long (float4)(1, 2) */ y[0] = 1; // double\n")},
      {"atomics of floats", metal_text("kernel void k(device atomic_float* y [[buffer(0)]]) "
                                       "{ atomic_fetch_add_explicit(y, 1.0f, memory_order_relaxed); }\n")},
  };
  for (const auto& [name, text] : texts) EXPECT_NO_THROW(executor().compile(text)) << name;
}

/// Where the double is known to differ from Metal.
TEST_F(MetalCompilerTest, known_limits) {
  // Metal takes it: the copy is made by a constructor that clang wants in a generic address space.
  expect_refused({{"struct copied from constant",
                   metal_text("struct P { uint a, b; };\nkernel void k(device float* y [[buffer(0)]], "
                              "constant P& p [[buffer(1)]]) { P q = p; y[0] = q.a; }\n"),
                   "no matching constructor"}});
  // Taken; what Metal says of it is not known.
  EXPECT_NO_THROW(executor().compile(
      text_with_kernel("float a[2] = {1, 2}; y[0] = f(a);", "static float f(float s[2]) { return s[0]; }")));
}

}  // namespace
}  // namespace rustorch::testing
