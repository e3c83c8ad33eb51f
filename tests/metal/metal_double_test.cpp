// Which mistakes of kernels and of hosts the Metal double finds.
#include <cstdlib>
#include <functional>
#include <limits>
#include <tuple>

#include "metal/metal_test.h"
#include "rustorch/error/error.h"
#include "support/temporary_folder.h"

namespace rustorch::testing {
namespace {

using gpu::metal::AutoreleasePool;
using gpu::metal::make_string;
using gpu::metal::message;
using gpu::metal::Object;
using gpu::metal::ObjectReference;

/// MTLSize.
struct Size {
  std::size_t width, height, depth;
};

/// Metal without our executor, for the mistakes that it does not make. Lives within a pool.
class BareMetal {
 public:
  Object device() const { return device_.get(); }
  Object buffer() const { return buffer_.get(); }
  float* contents() const { return message<float*>(buffer(), "contents"); }
  /// A command buffer, which goes with the pool.
  Object commands() const { return message(queue_.get(), "commandBuffer"); }

  /// The pipeline of kernel `k` of a text, compiled as Metal does where nothing is asked for.
  static ObjectReference pipeline(Object device, const std::string& text) {
    Object error = nullptr;
    const auto library = ObjectReference::adopt(
        message(device, "newLibraryWithSource:options:error:", make_string(text), Object{nullptr}, &error));
    const auto function =
        ObjectReference::adopt(message(library.get(), "newFunctionWithName:", make_string("k")));
    return ObjectReference::adopt(
        message(device, "newComputePipelineStateWithFunction:error:", function.get(), &error));
  }
  static void set_buffer(Object encoder, Object buffer, std::size_t offset, std::size_t index) {
    message<void>(encoder, "setBuffer:offset:atIndex:", buffer, offset, index);
  }
  static void dispatch(Object encoder, std::size_t threads) {
    message<void>(encoder, "dispatchThreadgroups:threadsPerThreadgroup:", Size{1, 1, 1}, Size{threads, 1, 1});
  }

 private:
  ObjectReference device_ = [] {
    const auto devices = ObjectReference::adopt(gpu::metal::objc_runtime().copy_all_devices());
    return ObjectReference::retain(message(devices.get(), "objectAtIndex:", std::size_t{0}));
  }();
  ObjectReference queue_ = ObjectReference::adopt(message(device(), "newCommandQueue"));
  ObjectReference buffer_ = ObjectReference::adopt(
      message(device(), "newBufferWithLength:options:", std::size_t{64}, std::size_t{0}));
};

class MetalDoubleTest : public MetalTest {
 protected:
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

TEST_F(MetalDoubleTest, finds_accesses_out_of_range) {
  expect_mistake_of_kernel(text_with_kernel("y[t.x + 1] = 1;"), 64, "memory fault");
  expect_mistake_of_kernel(text_with_kernel("y[t.x + 1] = 1;"), 63, "wrote to buffer 0 past its end", 63);
  expect_mistake_of_kernel(text_with_kernel("y[(long)t.x - 1] = 1;"), 64,
                           "wrote to buffer 0 before its start");
  expect_mistake_of_kernel(text_with_kernel("y[t.x] = y[t.x + 100000];"), 64, "memory fault");
  expect_mistake_of_kernel(
      metal_text("struct P { uint a[9]; };\nkernel void k(device float* y [[buffer(0)]], "
                 "constant P& p [[buffer(1)]]) { y[0] = p.a[8]; }\n"),
      1, "buffer 1 has 16 bytes, the kernel's argument needs 36");
  expect_mistake_of_kernel(
      text_with_kernel("thread float a[8]; for (uint i = 0; i < 100000 + n; ++i) a[i] = i; y[0] = a[n & 7];"),
      1, "memory fault");
}

TEST_F(MetalDoubleTest, finds_threads_with_more_memory_than_there_is) {
  expect_mistake_of_kernel(
      text_with_kernel("thread float a[100000]; a[n & 1] = 1; for (uint i = 1; i < n; ++i) a[i] = a[i - 1]; "
                       "y[0] = a[n - 1];"),
      1, "memory fault");
}

TEST_F(MetalDoubleTest, finds_barriers_that_not_all_threads_reach) {
  const std::string barrier = "threadgroup_barrier(mem_flags::mem_threadgroup); ";
  expect_mistake_of_kernel(text_with_kernel("if (t.x < 10) " + barrier + "y[t.x] = 1;"), 64,
                           "is not reached by all threads");
  expect_mistake_of_kernel(text_with_kernel("for (uint i = 0; i < t.x; ++i) " + barrier + "y[t.x] = 1;"), 64,
                           "is not reached by all threads");
  expect_mistake_of_kernel(
      text_with_kernel("if (t.x < 10) {\n" + barrier + "\n} else {\n" + barrier + "\n} y[t.x] = 1;"), 64,
      "is not reached by all threads");
  expect_mistake_of_kernel(
      text_with_kernel("float v = t.x; if (t.x < 10) v = simd_shuffle_down(v, 1); else " + barrier +
                       "y[t.x] = v;"),
      64, "threads of a simdgroup wait at different simd operations or barriers");
}

TEST_F(MetalDoubleTest, missing_barriers_give_wrong_results) {
  const auto reversed = [](const std::string& barrier) {
    return text_with_kernel("threadgroup float s[64]; s[t.x] = t.x; " + barrier + " y[t.x] = s[63 - t.x];");
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
  const std::string text = text_with_kernel("y[0] = y[1] * y[2] + y[3];");
  EXPECT_EQ(run_metal(text, 1, values)[0], e * e);
  EXPECT_EQ(run_metal("#pragma METAL fp contract(off)\n" + text, 1, values)[0], 0.0f);
}

TEST_F(MetalDoubleTest, fast_math_that_was_not_turned_off_shows) {
  const std::string text = text_with_kernel("y[0] = isnan(y[1]) ? 1.0f : 2.0f;");
  const std::vector<float> values{0.0f, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_EQ(run_metal(text, 1, values)[0], 1.0f);

  const AutoreleasePool pool;
  const BareMetal metal;
  const ObjectReference pipeline = BareMetal::pipeline(metal.device(), text);
  metal.contents()[1] = values[1];
  const Object commands = metal.commands();
  const Object encoder = message(commands, "computeCommandEncoder");
  message<void>(encoder, "setComputePipelineState:", pipeline.get());
  BareMetal::set_buffer(encoder, metal.buffer(), 0, 0);
  BareMetal::set_buffer(encoder, metal.buffer(), 32, 1);
  BareMetal::dispatch(encoder, 1);
  message<void>(encoder, "endEncoding");
  message<void>(commands, "commit");
  message<void>(commands, "waitUntilCompleted");
  EXPECT_EQ(metal.contents()[0], 2.0f);
}

TEST_F(MetalDoubleTest, keeps_compiled_kernels_for_other_processes) {
  const TemporaryFolder folder;
  ::setenv("METAL_DOUBLE_CACHE", folder.path().c_str(), 1);
  const std::string text = text_with_kernel(
      "threadgroup float s[64]; s[t.x] = t.x; threadgroup_barrier(mem_flags::mem_threadgroup); "
      "y[t.x] = s[t.x ^ 1u];");
  const std::vector<float> first = run_metal(text, 64, std::vector<float>(64));
  EXPECT_EQ(folder.count(), 2);
  EXPECT_EQ(run_metal(text, 64, std::vector<float>(64)), first);
  EXPECT_EQ(folder.count(), 2);
  ::unsetenv("METAL_DOUBLE_CACHE");
  EXPECT_EQ(first[6], 7.0f);
}

TEST_F(MetalDoubleTest, finds_objects_used_wrongly) {
  const AutoreleasePool pool;
  const BareMetal metal;
  const auto new_buffer = [&] {
    return message(metal.device(), "newBufferWithLength:options:", std::size_t{16}, std::size_t{0});
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
                         [&] { message(metal.device(), "newBuffer:"); });
  expect_mistake_of_host("newBufferWithLength: with length 0", [&] {
    message(metal.device(), "newBufferWithLength:options:", std::size_t{0}, std::size_t{0});
  });
  EXPECT_EQ(message(nullptr, "contents"), nullptr);

  const Object forgotten = new_buffer();
  EXPECT_NE(metal_double().live_objects().find("MTLBuffer x2"), std::string::npos);
  message<void>(forgotten, "release");
  EXPECT_NE(metal_double().live_objects().find("MTLBuffer x1"), std::string::npos);
}

TEST_F(MetalDoubleTest, finds_objects_that_no_pool_takes) {
  const Object text = make_string("a");
  expect_mistake("autoreleased with no pool in place");
  EXPECT_EQ(metal_double().live_objects(), "MTLCommandQueue x1, NSString x1");
  message<void>(text, "release");
}

TEST_F(MetalDoubleTest, finds_commands_encoded_wrongly) {
  const AutoreleasePool pool;
  const BareMetal metal;
  expect_mistake_of_host("endEncoding is missing", [&] {
    const Object commands = metal.commands();
    message(commands, "computeCommandEncoder");
    message<void>(commands, "commit");
  });
  expect_mistake_of_host("encoder deallocated without endEncoding",
                         [&] { message(metal.commands(), "computeCommandEncoder"); });
  expect_mistake_of_host("a second encoder is made while one is open", [&] {
    const Object commands = metal.commands();
    const Object encoder = message(commands, "computeCommandEncoder");
    message(commands, "blitCommandEncoder");
    message<void>(encoder, "endEncoding");
  });
  expect_mistake_of_host("committed already", [&] {
    const Object commands = metal.commands();
    message<void>(commands, "commit");
    message<void>(commands, "commit");
    message<void>(commands, "waitUntilCompleted");
  });
  expect_mistake_of_host("encoder made on a committed command buffer", [&] {
    const Object commands = metal.commands();
    message<void>(commands, "commit");
    message(commands, "computeCommandEncoder");
    message<void>(commands, "waitUntilCompleted");
  });
  expect_mistake_of_host("would wait for ever",
                         [&] { message<void>(metal.commands(), "waitUntilCompleted"); });
  expect_mistake_of_host("without a compute pipeline state", [&] {
    const Object encoder = message(metal.commands(), "computeCommandEncoder");
    BareMetal::dispatch(encoder, 1);
    message<void>(encoder, "endEncoding");
  });
  expect_mistake_of_host("length 5000 is over 4096", [&] {
    const std::vector<char> bytes(5000);
    const Object encoder = message(metal.commands(), "computeCommandEncoder");
    message<void>(encoder, "setBytes:length:atIndex:", static_cast<const void*>(bytes.data()), bytes.size(),
                  std::size_t{0});
    message<void>(encoder, "endEncoding");
  });
}

TEST_F(MetalDoubleTest, finds_copies_that_metal_does_not_make) {
  const AutoreleasePool pool;
  const BareMetal metal;
  for (const auto& [offset, bytes, words] :
       {std::tuple{std::size_t{2}, std::size_t{4}, "not multiples of 4"},
        std::tuple{std::size_t{0}, std::size_t{128}, "out of range"},
        std::tuple{std::size_t{4}, std::size_t{8}, "ranges that overlap"}}) {
    expect_mistake_of_host(words, [&, from = offset, size = bytes] {
      const Object encoder = message(metal.commands(), "blitCommandEncoder");
      message<void>(encoder, "copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:", metal.buffer(),
                    from, metal.buffer(), std::size_t{0}, size);
      message<void>(encoder, "endEncoding");
    });
  }
}

TEST_F(MetalDoubleTest, finds_dispatches_that_do_not_fit_the_kernel) {
  const AutoreleasePool pool;
  const BareMetal metal;
  const ObjectReference pipeline = BareMetal::pipeline(
      metal.device(),
      metal_text(
          "[[max_total_threads_per_threadgroup(8)]] kernel void k(device float* y [[buffer(0)]], "
          "device float* z [[buffer(5)]], uint t [[thread_position_in_grid]]) { y[t] = 1; z[t] = 2; }\n"));
  ASSERT_TRUE(pipeline);
  const Object commands = metal.commands();
  const Object encoder = message(commands, "computeCommandEncoder");
  message<void>(encoder, "setComputePipelineState:", pipeline.get());
  BareMetal::set_buffer(encoder, metal.buffer(), 0, 0);
  expect_mistake_of_host("missing buffer binding at index 5 for z", [&] { BareMetal::dispatch(encoder, 8); });
  BareMetal::set_buffer(encoder, metal.buffer(), 32, 5);
  expect_mistake_of_host("threads per threadgroup (9) over the pipeline's maximum (8)",
                         [&] { BareMetal::dispatch(encoder, 9); });
  BareMetal::dispatch(encoder, 8);
  message<void>(encoder, "endEncoding");
  expect_mistake_of_host("dispatch after endEncoding", [&] { BareMetal::dispatch(encoder, 8); });
  message<void>(commands, "commit");

  // A host that does not wait sees what was there before.
  float* values = metal.contents();
  values[0] = 7;
  EXPECT_EQ(values[0], 7.0f);
  message<void>(commands, "waitUntilCompleted");
  EXPECT_EQ(values[0], 1.0f);
  EXPECT_EQ(values[8], 2.0f);
}

}  // namespace
}  // namespace rustorch::testing
