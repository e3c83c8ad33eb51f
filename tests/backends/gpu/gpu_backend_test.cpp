// What all GPUs share, on each GPU that is here (PoCL in CI): memory, copies, kernels of programs.
#include "rustorch/backends/gpu/gpu_backend.h"

#include <cstdio>
#include <cstring>
#include <thread>

#include "backends/gpu/device_copy.h"
#include "backends/gpu/gpu_device.h"
#include "backends/host_tensor.h"
#include "rustorch/backends/gpu/dialect.h"
#include "rustorch/backends/gpu/elementwise_source.h"
#include "rustorch/backends/gpu/launch.h"
#include "rustorch/error/error.h"
#include "rustorch/memory/buffer.h"
#include "rustorch/memory/memory_tag.h"
#include "support/child_process.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

class Gpu : public OnGpu {};

/// Runs a program on the device and on the CPU over the same operands; the results have the same bits.
void expect_same_bits(gpu::GpuBackend& backend, const Program& program, std::vector<HostTensor> inputs,
                      std::vector<HostTensor> outputs, const std::string& what) {
  std::vector<HostTensor> expected = outputs;
  std::vector<std::unique_ptr<DeviceCopy>> copies;
  const auto on_device = [&](std::vector<HostTensor>& tensors) {
    std::vector<View> views;
    for (HostTensor& tensor : tensors) {
      copies.push_back(std::make_unique<DeviceCopy>(backend, tensor));
      views.push_back(copies.back()->view());
    }
    return views;
  };
  const auto on_host = [](std::vector<HostTensor>& tensors) {
    std::vector<View> views;
    for (HostTensor& tensor : tensors) views.push_back(tensor.view());
    return views;
  };
  cpu_backend().elementwise(program, on_host(inputs), on_host(expected));
  const std::vector<View> device_inputs = on_device(inputs), device_outputs = on_device(outputs);
  backend.elementwise(program, device_inputs, device_outputs);
  for (const auto& copy : copies) copy->fetch();
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const std::vector<Wide> actual = values_of(outputs[k]), wanted = values_of(expected[k]);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const bool both_nan = std::isnan(actual[i].real()) && std::isnan(wanted[i].real());
      ASSERT_TRUE(both_nan || actual[i] == wanted[i])
          << what << ": element " << i << " of output " << k << " is "
          << static_cast<double>(actual[i].real()) << ", not " << static_cast<double>(wanted[i].real())
          << "\n"
          << program.to_string();
    }
    EXPECT_TRUE(outputs[k].gaps_untouched()) << what;
  }
}

constexpr DType storages[] = {DType::bool_,   DType::uint8,   DType::int8,      DType::int16,
                              DType::int32,   DType::int64,   DType::float16,   DType::bfloat16,
                              DType::float32, DType::float64, DType::complex64, DType::complex128};

TEST_F(Gpu, CopiesGoBothWaysWithOffsets) {
  for (gpu::GpuBackend* backend : backends) {
    std::vector<std::uint8_t> from(10000), to(10000);
    for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::uint8_t>(i * 7);
    const Buffer buffer(backend->allocator(), from.size());
    backend->copy_from_host(buffer.data(), 0, from.data(), from.size());
    backend->copy_from_host(buffer.data(), 5000, from.data() + 17, 100);
    std::memcpy(from.data() + 5000, from.data() + 17, 100);
    backend->copy_to_host(to.data() + 3, buffer.data(), 3, from.size() - 3);
    EXPECT_TRUE(std::equal(from.begin() + 3, from.end(), to.begin() + 3));
    const Buffer other(backend->allocator(), from.size());
    backend->executor().copy(buffer.data(), 100, other.data(), 200, 5000);
    backend->copy_to_host(to.data(), other.data(), 200, 5000);
    EXPECT_TRUE(std::equal(to.begin(), to.begin() + 5000, from.begin() + 100));
  }
}

TEST_F(Gpu, ConversionsBetweenAllDtypes) {
  constexpr long double special[] = {0.0L,
                                     -0.0L,
                                     0.5L,
                                     -0.5L,
                                     1e-7L,
                                     6e-8L,
                                     65519.0L,
                                     65520.0L,
                                     1e10L,
                                     -1e10L,
                                     1e19L,
                                     -1e19L,
                                     2147483648.0L,
                                     -2147483648.0L,
                                     127.5L,
                                     300.0L,
                                     -129.0L,
                                     std::numeric_limits<long double>::infinity(),
                                     -std::numeric_limits<long double>::infinity(),
                                     std::numeric_limits<long double>::quiet_NaN()};
  for (gpu::GpuBackend* backend : backends) {
    for (const DType from : storages) {
      if (!backend->supports(Kind::elementwise, from)) continue;
      HostTensor input(from, {2, 300});
      input.randomize(3);
      for (std::size_t i = 0; is_differentiable(from) && i < std::size(special); ++i)
        input.set(static_cast<std::int64_t>(i), special[i]);
      // As many results in one program as there may be: each program is a compilation.
      for (const std::span<const DType> half :
           {std::span(storages).first(6), std::span(storages).subspan(6)}) {
        Program program;
        std::vector<HostTensor> outputs;
        const Program::Register value = program.input(from);
        for (const DType to : half) {
          if (!backend->supports(Kind::elementwise, to)) continue;
          program.output(value, to);
          outputs.emplace_back(to, Shape{2, 300});
        }
        expect_same_bits(*backend, program, {input}, outputs, fmt::format("from {}", from));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_F(Gpu, EveryLayout) {
  for (gpu::GpuBackend* backend : backends) {
    Program program;
    const auto x = program.input(DType::float32), y = program.input(DType::float32);
    const auto two = program.scalar(2.0, DType::float32);
    program.output(program.apply(Op::add, program.apply(Op::mul, x, two), y), DType::float32);
    const Shape shape = {3, 4, 5, 6};
    for (const Order x_order : all_orders) {
      for (const Order y_order : all_orders) {
        for (const Order out_order : all_orders) {
          HostTensor a(DType::float32, shape, x_order), b(DType::float32, shape, y_order);
          a.randomize(1), b.randomize(2);
          expect_same_bits(*backend, program, {a, b}, {HostTensor(DType::float32, shape, out_order)},
                           "orders");
          if (HasFatalFailure()) return;
        }
      }
    }
    // Broadcasts: a row, a column, one number; and windows that overlap.
    for (const Layout& layout : {Layout({3, 4, 5, 6}, {0, 0, 0, 1}), Layout({3, 4, 5, 6}, {4, 1, 0, 0}),
                                 Layout({3, 4, 5, 6}, {0, 0, 0, 0}, 2), Layout({3, 4, 5, 6}, {9, 3, 2, 1})}) {
      HostTensor a(DType::float32, layout), b(DType::float32, shape);
      a.randomize(1), b.randomize(2);
      expect_same_bits(*backend, program, {a, b}, {HostTensor(DType::float32, shape)}, "broadcast");
    }
    // Without dims, with one element, and with none.
    for (const Shape& small : {Shape{}, Shape{1}, Shape{1, 1}, Shape{0}, Shape{3, 0}}) {
      HostTensor a(DType::float32, small), b(DType::float32, small);
      a.randomize(1), b.randomize(2);
      expect_same_bits(*backend, program, {a, b}, {HostTensor(DType::float32, small)}, "small");
    }
  }
}

TEST_F(Gpu, AsManyOperandsAndDimsAsProgramsHave) {
  for (gpu::GpuBackend* backend : backends) {
    Program program;
    Shape shape;
    std::vector<HostTensor> inputs;
    for (int i = 0; i < 9; ++i) shape.push_back(2);
    Layout reversed = Layout::contiguous(shape);
    for (std::size_t i = 0; i < 9; ++i) reversed.strides[i] = std::int64_t{1} << i;
    Program::Register sum = program.input(DType::float32);
    for (std::size_t i = 1; i < Program::max_inputs; ++i)
      sum = program.apply(Op::add, sum, program.input(DType::float32));
    program.output(sum, DType::float32);
    for (std::size_t i = 0; i < Program::max_inputs; ++i) {
      // Each operand's dims lie in another order, so that none can be joined.
      Layout layout = Layout::contiguous(shape);
      for (std::size_t dim = 0; dim < 9; ++dim) layout.strides[dim] = std::int64_t{1} << ((dim * 2 + i) % 9);
      inputs.emplace_back(DType::float32, layout);
      inputs.back().randomize(static_cast<unsigned>(i));
    }
    expect_same_bits(*backend, program, inputs, {HostTensor(DType::float32, reversed)},
                     "16 operands of 9 dims");
  }
}

TEST_F(Gpu, LargeTensorsAndManyThreads) {
  for (gpu::GpuBackend* backend : backends) {
    Program program;
    const auto x = program.input(DType::float32);
    program.output(program.apply(Op::mul, x, program.scalar(3.0, DType::float32)), DType::float32);
    HostTensor a(DType::float32, {3000001});
    a.randomize(1);
    expect_same_bits(*backend, program, {a}, {HostTensor(DType::float32, {3000001})}, "large");
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < 10; ++round) {
          HostTensor b(DType::float32, {1000 + i});
          b.randomize(i);
          expect_same_bits(*backend, program, {b}, {HostTensor(DType::float32, {1000 + i})}, "thread");
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

// In several chunks: one long row, few long rows, long columns. Each as on the CPU, and the same bits again.
TEST_F(Gpu, CopiesBetweenOrdersOfDims) {
  for (gpu::GpuBackend* backend : backends) {
    for (const DType dtype : {DType::uint8, DType::bfloat16, DType::float32, DType::int64}) {
      Program program;
      program.output(program.input(dtype), dtype);
      for (const Shape& shape :
           {Shape{8, 8}, Shape{33, 65}, Shape{100, 31}, Shape{3, 40, 2, 9}, Shape{2, 3, 2, 3, 9, 8}}) {
        for (const Order from : all_orders) {
          for (const Order to : all_orders) {
            if ((from == Order::channels_last || to == Order::channels_last) && shape.size() != 4) continue;
            HostTensor input(dtype, shape, from);
            input.randomize(4);
            expect_same_bits(*backend, program, {input}, {HostTensor(dtype, shape, to)},
                             fmt::format("{} {}", dtype, shape));
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

/// Runs the kernel of a form by so many threads over tensors, the program's operands: outputs are the CPU's.
void expect_form_as_on_cpu(gpu::GpuBackend& backend, const gpu::ElementwiseForm& form,
                           const gpu::ProgramLoops& loops, std::span<const std::int64_t> offsets,
                           std::vector<HostTensor> tensors, std::int64_t threads, const std::string& what) {
  const std::size_t inputs = form.program->input_dtypes().size();
  std::vector<HostTensor> expected = tensors;
  std::vector<View> views;
  for (HostTensor& tensor : expected) views.push_back(tensor.view());
  cpu_backend().elementwise(*form.program, std::span(views).first(inputs), std::span(views).subspan(inputs));

  const gpu::ElementwiseSource source = elementwise_source(form);
  const auto module =
      backend.executor().compile(gpu::dialect_source(backend.executor(), text_of(source, form)));
  const auto kernel = backend.executor().kernel(*module, std::string(source.kernel));
  const gpu::StructBytes parameters = elementwise_parameters(form, loops, offsets);
  std::vector<std::unique_ptr<DeviceCopy>> copies;
  std::vector<gpu::KernelArgument> arguments;
  for (HostTensor& tensor : tensors) {
    copies.push_back(std::make_unique<DeviceCopy>(backend, tensor));
    arguments.push_back({copies.back()->view().data});
  }
  arguments.push_back({nullptr, parameters.data(), parameters.size()});
  backend.executor().launch(*kernel, gpu::launch_for(threads, gpu::group_threads), arguments);
  for (std::size_t k = inputs; k < tensors.size(); ++k) {
    copies[k]->fetch();
    EXPECT_EQ(values_of(tensors[k]), values_of(expected[k])) << "output " << k - inputs << " of " << what;
  }
}

TEST_F(Gpu, KernelsThatTakeSeveralElementsOfAThread) {
  Program program;
  const auto x = program.input(DType::bfloat16), y = program.input(DType::float32);
  const auto z = program.input(DType::int32, DType::int32);
  const auto w = program.input(DType::complex64);
  const auto sum = program.apply(Op::add, program.apply(Op::mul, x, y), program.scalar(0.5, DType::float32));
  program.output(sum, DType::float32);
  program.output(z, DType::int8);
  const auto turned = program.apply(Op::mul, w, program.scalar(std::complex(0.5, 2.0), DType::complex64));
  program.output(program.apply(Op::add, turned, program.cast(x, DType::complex64)), DType::complex64);
  for (gpu::GpuBackend* backend : backends) {
    for (const auto& [count, packed] : {std::pair<std::int64_t, bool>{1, false},
                                        {255, false},
                                        {5000, false},
                                        {1, true},
                                        {255, true},
                                        {1024, true},
                                        {5001, true}}) {
      std::vector<HostTensor> tensors;
      tensors.emplace_back(DType::bfloat16, Shape{count});
      tensors.emplace_back(DType::float32, Layout({count}, {0}, 2));  // one element for all
      tensors.emplace_back(DType::int32, Shape{count});
      tensors.emplace_back(DType::complex64, Shape{count});
      for (HostTensor& tensor : tensors) tensor.randomize(static_cast<unsigned>(count));
      tensors.emplace_back(DType::float32, Shape{count});
      tensors.emplace_back(DType::int8, Shape{count});
      tensors.emplace_back(DType::complex64, Shape{count});

      gpu::ElementwiseForm form;
      form.program = &program;
      form.rank = 1;
      form.elements_of_thread = gpu::ElementwiseForm::most_elements_of_thread;
      form.packed = packed;
      form.unit = {1, 0, 1, 1, 1, 1, 1};
      gpu::ProgramLoops loops(7);
      loops.append(count, {1, 0, 1, 1, 1, 1, 1});
      expect_form_as_on_cpu(*backend, form, loops, std::array<std::int64_t, 7>{0, 2, 0, 0, 0, 0, 0}, tensors,
                            (count + 3) / 4, fmt::format("{}{}", count, packed ? ", packed" : ""));
    }
  }
}

// A row of x for all rows, an element of y for each row, and z with gaps between its rows.
TEST_F(Gpu, KernelsThatTakePacksOfRows) {
  Program program;
  const auto x = program.input(DType::bfloat16), y = program.input(DType::float32);
  const auto z = program.input(DType::uint8, DType::int32);
  program.output(program.apply(Op::add, program.apply(Op::mul, x, y), program.cast(z, DType::float32)),
                 DType::float32);
  constexpr std::int64_t rows = 37, columns = 52;
  for (gpu::GpuBackend* backend : backends) {
    std::vector<HostTensor> tensors;
    tensors.emplace_back(DType::bfloat16, Layout({rows, columns}, {0, 1}));
    tensors.emplace_back(DType::float32, Layout({rows, columns}, {1, 0}, 3));
    tensors.emplace_back(DType::uint8, Layout({rows, columns}, {columns + 4, 1}, 8));
    for (HostTensor& tensor : tensors) tensor.randomize(7);
    tensors.emplace_back(DType::float32, Shape{rows, columns});

    gpu::ElementwiseForm form;
    form.program = &program;
    form.rank = 2;
    form.elements_of_thread = gpu::ElementwiseForm::most_elements_of_thread;
    form.packed = true;
    form.unit = {1, 0, 1, 1};
    gpu::ProgramLoops loops(4);
    loops.append(rows, {0, 1, columns + 4, columns});
    loops.append(columns, {1, 0, 1, 1});
    expect_form_as_on_cpu(*backend, form, gpu::loops_of_packs(loops), std::array<std::int64_t, 4>{0, 3, 8, 0},
                          tensors, rows * columns / 4, "rows");
  }
}

TEST_F(Gpu, LongReductions) {
  struct Case {
    Shape shape, result;
  };
  const Case cases[] = {{{1000003}, {1}},
                        {{3, 50021}, {3, 1}},
                        {{50021, 3}, {1, 3}},
                        {{5000, 700}, {1, 700}},
                        {{700, 5000}, {700, 1}}};
  for (gpu::GpuBackend* backend : backends) {
    for (const ReduceOp op : {ReduceOp::sum, ReduceOp::max, ReduceOp::variance}) {
      for (const Case& one : cases) {
        HostTensor input(DType::float32, one.shape);
        input.randomize(5);
        HostTensor expected(DType::float32, one.result), first(DType::float32, one.result),
            second(DType::float32, one.result);
        Reduction work;
        work.op = op;
        const View host_input = input.view();
        work.inputs = {&host_input, 1};
        work.out = expected.view();
        cpu_backend().reduce(work);
        DeviceCopy on_device(*backend, input);
        const View device_input = on_device.view();
        for (HostTensor* result : {&first, &second}) {
          DeviceCopy out(*backend, *result);
          Reduction device_work = work;
          device_work.inputs = {&device_input, 1};
          device_work.out = out.view();
          backend->reduce(device_work);
          out.fetch();
        }
        for (std::int64_t i = 0; i < expected.count(); ++i) {
          const auto wanted = static_cast<double>(expected.real(i));
          EXPECT_NEAR(static_cast<double>(first.real(i)), wanted, 1e-3 + 1e-5 * std::fabs(wanted))
              << static_cast<int>(op) << " of " << fmt::format("{}", one.shape) << " at " << i;
          EXPECT_EQ(first.real(i), second.real(i));
        }
      }
    }
  }
}

TEST_F(Gpu, ProgramsOfOneFormShareAKernel) {
  for (gpu::GpuBackend* backend : backends) {
    HostTensor a(DType::float32, {100});
    a.randomize(1);
    const auto run = [&](double factor) {
      Program program;
      const auto x = program.input(DType::float32);
      const auto product = program.apply(Op::mul, x, program.scalar(factor, DType::float32));
      program.output(program.apply(Op::sub, product, x), DType::float32);
      expect_same_bits(*backend, program, {a}, {HostTensor(DType::float32, {100})}, "factor");
    };
    run(2);
    const std::uint64_t compiled = backend->kernels().statistics().compiled;
    run(-7.25);
    EXPECT_EQ(backend->kernels().statistics().compiled, compiled);
  }
}

TEST_F(Gpu, MemoryIsKeptCountedAndLimited) {
  for (gpu::GpuBackend* backend : backends) {
    MemoryAllocator& memory = backend->allocator();
    memory.trim(0);
    const MemoryStatistics before = memory.statistics();
    { const Buffer first(memory, 5 << 20); }
    EXPECT_GE(memory.statistics().cached_bytes, 5u << 20);
    { const Buffer again(memory, 5 << 20); }
    EXPECT_EQ(memory.statistics().system_allocations, before.system_allocations + 1);
    EXPECT_EQ(memory.statistics().live_bytes, before.live_bytes);

    const MemoryTag tag("activations");
    const Buffer held(memory, 8 << 20);
    memory.set_limit(memory.statistics().live_bytes + (1 << 20));
    expect_error(ErrorCode::out_of_memory, backend->device().to_string(), "free tensors",
                 [&] { const Buffer too_much(memory, 4 << 20); });
    expect_error(ErrorCode::out_of_memory, "activations", "",
                 [&] { const Buffer too_much(memory, 4 << 20); });
    expect_error(ErrorCode::invalid_argument, "limit", "", [&] { memory.set_limit(1); });
    memory.set_limit(MemoryAllocator::no_limit);
    { const Buffer now(memory, 4 << 20); }
    EXPECT_GT(memory.trim(0), 0u);
    EXPECT_EQ(memory.statistics().cached_bytes, 0u);
  }
}

TEST_F(Gpu, SourcesThatDoNotCompileShowLogAndLine) {
  for (gpu::GpuBackend* backend : backends) {
    gpu::KernelExecutor& executor = backend->executor();
    const std::string source = std::string(executor.prelude()) +
                               "KERNEL(broken, 64)(BUF(f32, x, 0) KERNEL_IDS) {\n  x[0] = no_such_name;\n}\n";
    expect_error(ErrorCode::unsupported, "no_such_name", "", [&] { executor.compile(source); });
    expect_error(ErrorCode::unsupported, "x[0] = no_such_name;", "", [&] { executor.compile(source); });
    HostTensor a(DType::float32, {10});
    a.randomize(1);
    Program program;  // the device goes on
    program.output(program.apply(Op::neg, program.input(DType::float32)), DType::float32);
    expect_same_bits(*backend, program, {a}, {HostTensor(DType::float32, {10})}, "afterwards");
  }
}

TEST_F(Gpu, CompiledFormsLoadAgain) {
  for (gpu::GpuBackend* backend : backends) {
    gpu::KernelExecutor& executor = backend->executor();
    const std::string source =
        std::string(executor.prelude()) +
        "KERNEL(fill, 64)(BUF(i32, x, 0) KERNEL_IDS) {\n  x[LOCAL_ID] = (i32)LOCAL_ID * 3;\n}\n";
    const auto module = executor.compile(source);
    const std::vector<std::byte> binary = executor.binary(*module);
    if (binary.empty()) continue;  // the API has none
    const auto loaded = executor.load(binary);
    ASSERT_NE(loaded, nullptr);
    const auto kernel = executor.kernel(*loaded, "fill");
    const Buffer buffer(backend->allocator(), 64 * sizeof(std::int32_t));
    gpu::KernelArgument argument;
    argument.buffer = buffer.data();
    gpu::LaunchShape shape;
    shape.group_threads = 64;
    EXPECT_GE(executor.device_seconds([&] { executor.launch(*kernel, shape, {&argument, 1}); }), 0.0);
    std::vector<std::int32_t> values(64);
    executor.read(buffer.data(), 0, values.data(), 64 * sizeof(std::int32_t));
    for (std::int32_t i = 0; i < 64; ++i) EXPECT_EQ(values[static_cast<std::size_t>(i)], 3 * i);
    expect_error(ErrorCode::internal, "no_such_kernel", "",
                 [&] { executor.kernel(*loaded, "no_such_kernel"); });
  }
}

TEST_F(Gpu, AForkedChildIsRefused) {
  for (gpu::GpuBackend* backend : backends) {
    const Buffer held(backend->allocator(), 100);
    const int code = exit_code_in_child([&] {
      backend->allocator().deallocate(held.data(), held.bytes());  // does nothing, and does not wait
      expect_error(ErrorCode::unsupported, "fork", [&] { return backend->allocator().allocate(100); });
      if (HasFailure()) return 3;
      try {
        backend->synchronize();
      } catch (const Error& error) {
        return error.code() == ErrorCode::unsupported && error.message().find("fork") != std::string::npos
                   ? 0
                   : 1;
      }
      return 2;
    });
    EXPECT_EQ(code, 0);
  }
}

/// What `rustorch devices` prints with these settings before it.
std::string devices_with(const std::string& settings) {
  std::FILE* pipe = ::popen((settings + " '" RUSTORCH_PROGRAM "' devices 2>&1").c_str(), "r");
  if (pipe == nullptr) return "no pipe";
  std::string text;
  std::array<char, 256> chunk{};
  while (std::fgets(chunk.data(), static_cast<int>(chunk.size()), pipe) != nullptr) text += chunk.data();
  ::pclose(pipe);
  return text;
}

TEST(OpenClLoader, WithoutDriversTheReasonIsTold) {
  const std::string told = devices_with("env -u OCL_ICD_FILENAMES OCL_ICD_VENDORS=/nonexistent");
  EXPECT_NE(told.find("opencl  absent: the OpenCL loader "), std::string::npos) << told;
  EXPECT_EQ(told.find("opencl:0"), std::string::npos) << told;
}

}  // namespace
}  // namespace rustorch::testing
