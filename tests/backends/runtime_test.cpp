#include "rustorch/backends/runtime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "host_tensor.h"
#include "rustorch/backends/cpu/cpu_backend.h"
#include "rustorch/backends/device_check.h"
#include "rustorch/memory/buffer.h"
#include "support/expect_error.h"

namespace rustorch::testing {
namespace {

/// A device for tests: it keeps its buffers in host memory that only copies may look into, and computes a few
/// kinds of work for a few dtypes (with the CPU's kernels on its own memory).
class PartialBackend final : public ComputeBackend {
 public:
  explicit PartialBackend(Device device) : device_(device) {}

  std::string_view name() const noexcept override { return "partial"; }
  Device device() const noexcept override { return device_; }
  std::vector<std::pair<std::string, std::string>> capabilities() const override {
    return {{"name", "partial"}};
  }
  bool supports(Kind kind, DType dtype) const noexcept override {
    return (kind == Kind::matmul || kind == Kind::elementwise) && dtype == DType::float32;
  }
  bool prefers_channels_last(DType) const noexcept override { return false; }

  MemoryAllocator& allocator() override { return cpu_allocator(); }
  void copy_from_host(void* destination, std::size_t offset, const void* source, std::size_t bytes) override {
    cpu_.copy_from_host(destination, offset, source, bytes);
    ++copies_in;
  }
  void copy_to_host(void* destination, const void* source, std::size_t offset, std::size_t bytes) override {
    cpu_.copy_to_host(destination, source, offset, bytes);
    ++copies_out;
  }
  void synchronize() override {}

  void elementwise(const Program& program, std::span<const View> inputs,
                   std::span<const View> outputs) override {
    ++own_work;
    cpu_.elementwise(program, inputs, outputs);
  }
  void matmul(const Matmul& work) override {
    ++own_work;
    cpu_.matmul(work);
  }
  // What it does not support must never be called.
  void reduce(const Reduction&) override { refuse(); }
  void arg_reduce(const ArgReduction&) override { refuse(); }
  void scan(const Scan&) override { refuse(); }
  void convolution_forward(const ConvolutionForward&) override { refuse(); }
  void convolution_backward_input(const ConvolutionBackwardInput&) override { refuse(); }
  void convolution_backward_weight(const ConvolutionBackwardWeight&) override { refuse(); }
  void pooling_forward(const PoolingForward&) override { refuse(); }
  void pooling_backward(const PoolingBackward&) override { refuse(); }
  void gather(const Gather&) override { refuse(); }
  void scatter(const Scatter&) override { refuse(); }
  void nonzero(const View&, const View&) override { refuse(); }
  void sort(const Sort&) override { refuse(); }
  void generate(const Generate&) override { refuse(); }
  void batch_norm_forward(const BatchNormForward&) override { refuse(); }
  void batch_norm_backward(const BatchNormBackward&) override { refuse(); }
  void layer_norm_forward(const LayerNormForward&) override { refuse(); }
  void layer_norm_backward(const LayerNormBackward&) override { refuse(); }
  void softmax_forward(const SoftmaxForward&) override { refuse(); }
  void softmax_backward(const SoftmaxBackward&) override { refuse(); }
  void cross_entropy_forward(const CrossEntropyForward&) override { refuse(); }
  void cross_entropy_backward(const CrossEntropyBackward&) override { refuse(); }

  int own_work = 0, copies_in = 0, copies_out = 0;

 private:
  static void refuse() { fail(ErrorCode::internal, "work that the device does not support reached it"); }

  Device device_;
  CpuBackend cpu_;
};

class Fallback : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = std::make_unique<PartialBackend>(Device(DeviceType::metal, 0));
    partial = made.get();  // the registry keeps it alive
    register_backend(std::move(made));
    backend = &backend_for(Device(DeviceType::metal, 0));
    set_strict_mode(false);
    reset_fallback_count();
  }
  void TearDown() override { set_strict_mode(false); }

  /// Runs the same work on the device and on the CPU, on equal operands.
  template <class Work>
  void expect_equal(const Work& work, std::vector<HostTensor> operands) {
    std::vector<HostTensor> on_cpu = operands;
    work(*backend, operands);
    work(cpu_backend(), on_cpu);
    for (std::size_t i = 0; i < operands.size(); ++i) {
      EXPECT_EQ(values_of(operands[i]), values_of(on_cpu[i])) << "operand " << i;
      EXPECT_TRUE(operands[i].gaps_untouched());
    }
  }

  PartialBackend* partial = nullptr;
  ComputeBackend* backend = nullptr;
};

HostTensor filled(DType dtype, Shape shape, unsigned seed, Order order = Order::plain) {
  HostTensor tensor(dtype, std::move(shape), order);
  tensor.randomize(seed);
  return tensor;
}

TEST(Runtime, TheCpuIsAlwaysThere) {
  EXPECT_EQ(&backend_for(Device{}), &cpu_backend());
  EXPECT_EQ(cpu_backend().name(), "cpu");
  EXPECT_TRUE(cpu_backend().device().is_cpu());
  EXPECT_EQ(available_devices().front(), Device{});
  EXPECT_FALSE(cpu_backend().capabilities().empty());
  EXPECT_TRUE(cpu_backend().prefers_channels_last(DType::float32));
}

TEST(Runtime, AbsentDevicesSayWhy) {
  std::set<DeviceType> types{DeviceType::cpu};
  for (const Device device : available_devices()) types.insert(device.type);
  for (const AbsentBackend& absent : absent_backends()) {
    EXPECT_FALSE(absent.reason.empty());
    EXPECT_TRUE(types.insert(absent.type).second) << to_string(absent.type) << " is both there and absent";
    const Device device(absent.type, 0);
    expect_error(ErrorCode::not_found, fmt::format("{} is not available: {}", device, absent.reason), "cpu",
                 [&] { return &backend_for(device); });
  }
  EXPECT_EQ(types.size(), 4u);  // the CPU, CUDA, OpenCL and Metal: there, or the reason why not
  for (const DeviceType type : types) {
    const Device beyond(type, 63);
    if (!beyond.is_cpu())
      expect_error(ErrorCode::not_found, beyond.to_string(), "cpu", [&] { return &backend_for(beyond); });
  }
}

TEST_F(Fallback, DevicesAppearWhenTheyAreRegistered) {
  const std::vector<Device> devices = available_devices();
  EXPECT_EQ(devices.front(), Device{});
  EXPECT_EQ(std::ranges::count(devices, Device(DeviceType::metal, 0)), 1);
  for (const AbsentBackend& a : absent_backends()) EXPECT_NE(a.type, DeviceType::metal);
  EXPECT_EQ(backend->name(), "partial");
  EXPECT_EQ(backend->device(), Device(DeviceType::metal, 0));
  expect_error(ErrorCode::not_found, "metal:3", "metal:0",
               [] { return &backend_for(Device(DeviceType::metal, 3)); });
}

TEST_F(Fallback, OnlyOtherDevicesRegister) {
  expect_error(ErrorCode::invalid_argument, "cpu", [] {
    register_backend(std::make_unique<PartialBackend>(Device{}));
    return 0;
  });
  expect_error(ErrorCode::invalid_argument, "no backend", [] {
    register_backend(nullptr);
    return 0;
  });
}

TEST_F(Fallback, SupportedWorkStaysOnTheDevice) {
  expect_equal(
      [](ComputeBackend& b, std::vector<HostTensor>& t) {
        b.matmul({t[0].view(), t[1].view(), t[2].view(), {}});
      },
      {filled(DType::float32, {4, 5}, 1), filled(DType::float32, {5, 3}, 2),
       filled(DType::float32, {4, 3}, 3)});
  EXPECT_EQ(partial->own_work, 1);
  EXPECT_EQ(partial->copies_out, 0);
  EXPECT_EQ(fallback_count(), 0u);
  EXPECT_TRUE(backend->supports(Kind::matmul, DType::float32));
  EXPECT_FALSE(backend->supports(Kind::matmul, DType::float64));
}

TEST_F(Fallback, OtherWorkRunsOnTheCpuAndIsCounted) {
  expect_equal(
      [](ComputeBackend& b, std::vector<HostTensor>& t) {
        b.matmul({t[0].view(), t[1].view(), t[2].view(), t[3].view(), Op::relu});
      },
      {filled(DType::float64, {4, 5}, 1, Order::reversed), filled(DType::float64, {5, 3}, 2),
       filled(DType::float64, {4, 3}, 3, Order::gaps), filled(DType::float64, {4, 3}, 4)});
  EXPECT_EQ(partial->own_work, 0);
  EXPECT_GT(partial->copies_out, 0);
  EXPECT_EQ(fallback_count(), 1u);
  reset_fallback_count();
  EXPECT_EQ(fallback_count(), 0u);
}

TEST_F(Fallback, ElementwiseGoesBackIfAnyTypeOfItIsMissing) {
  Program program;
  const Program::Register x = program.input(DType::float32);
  program.output(program.cast(x, DType::float64), DType::float64);
  expect_equal(
      [&](ComputeBackend& b, std::vector<HostTensor>& t) {
        const View in = t[0].view(), out = t[1].view();
        b.elementwise(program, {&in, 1}, {&out, 1});
      },
      {filled(DType::float32, {6, 7}, 1), filled(DType::float64, {6, 7}, 2, Order::gaps)});
  EXPECT_EQ(fallback_count(), 1u);
}

TEST_F(Fallback, ManyRunsOfAProgramStayOrGoBackTogether) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    Program program;
    const auto x = program.input(dtype), y = program.input(dtype);
    program.output(program.apply(Op::add, x, y), dtype);
    reset_fallback_count();
    partial->own_work = 0;
    expect_equal(
        [&](ComputeBackend& b, std::vector<HostTensor>& t) {
          const View views[] = {t[0].view(), t[1].view(), t[0].view(), t[2].view(), t[3].view(), t[4].view()};
          b.elementwise_many(program, views);
        },
        {filled(dtype, {6, 7}, 1), filled(dtype, {6, 7}, 2, Order::gaps), filled(dtype, {0}, 3),
         filled(dtype, {0}, 4), filled(dtype, {0}, 5)});
    EXPECT_EQ(fallback_count(), dtype == DType::float32 ? 0u : 2u);
    EXPECT_EQ(partial->own_work, dtype == DType::float32 ? 2 : 0);
  }
}

TEST_F(Fallback, DtypesThatLackTheSameShareAReason) {
  const std::vector<TensorNeed> needs = {
      {"a", DType::int8, 1}, {"b", DType::int16, 2}, {"c", DType::int8, 1}};
  EXPECT_EQ(can_run(needs, backend->device()).reasons,
            std::vector<std::string>{"all work in int8, int16 runs on the cpu, with copies"});
}

TEST_F(Fallback, InPlaceAndSharedBuffers) {
  HostTensor x = filled(DType::float64, {2, 12}, 1);
  const std::vector<Wide> before = values_of(x);
  const Layout left({2, 6}, {12, 1}, 0), right({2, 6}, {12, 1}, 6);
  View in = x.view(), out = x.view();
  in.layout = &left, out.layout = &right;
  Program program;
  program.output(program.input(DType::float64), DType::float64);
  backend->elementwise(program, {&in, 1}, {&out, 1});  // the right half becomes the left one
  for (std::int64_t i = 0; i < 24; ++i) {
    const std::int64_t from = i % 12 < 6 ? i : i - 6;
    EXPECT_EQ(x.get(i), before[static_cast<std::size_t>(from)]);
  }
  Program negate;
  negate.output(negate.apply(Op::neg, negate.input(DType::float64)), DType::float64);
  backend->elementwise(negate, {&out, 1}, {&out, 1});
  EXPECT_EQ(x.get(6), -before[0]);
  EXPECT_EQ(x.get(0), before[0]);
}

TEST_F(Fallback, StrictModeRefuses) {
  set_strict_mode(true);
  EXPECT_TRUE(strict_mode());
  HostTensor a = filled(DType::float64, {2, 2}, 1), out = filled(DType::float64, {2, 2}, 2);
  expect_error(ErrorCode::unsupported, "metal:0 has no matmul for float64", "cpu", [&] {
    backend->matmul({a.view(), a.view(), out.view(), {}});
    return 0;
  });
  EXPECT_EQ(fallback_count(), 0u);
}

TEST_F(Fallback, ConvolutionPoolingAndNorms) {
  ConvolutionParameters conv;
  conv.padding = {1, 1, 0};
  const Shape image = {2, 3, 6, 6};
  expect_equal(
      [&](ComputeBackend& b, std::vector<HostTensor>& t) {
        b.convolution_forward({conv, t[0].view(), t[1].view(), t[2].view(), t[3].view()});
        b.convolution_backward_input({conv, t[3].view(), t[1].view(), t[4].view()});
        b.convolution_backward_weight({conv, t[0].view(), t[3].view(), t[5].view(), t[6].view()});
      },
      {filled(DType::float32, image, 1), filled(DType::float32, {4, 3, 3, 3}, 2),
       filled(DType::float32, {4}, 3), filled(DType::float32, {2, 4, 6, 6}, 4, Order::gaps),
       filled(DType::float32, image, 5), filled(DType::float32, {4, 3, 3, 3}, 6),
       filled(DType::float32, {4}, 7)});
  EXPECT_EQ(fallback_count(), 3u);

  PoolingParameters pool;
  pool.kernel = pool.stride = {2, 2, 1};
  expect_equal(
      [&](ComputeBackend& b, std::vector<HostTensor>& t) {
        b.pooling_forward({pool, t[0].view(), t[1].view(), t[2].view()});
        b.pooling_backward({pool, t[1].view(), t[2].view(), t[3].view()});
      },
      {filled(DType::float32, image, 1), filled(DType::float32, {2, 3, 3, 3}, 2),
       filled(DType::uint8, {2, 3, 3, 3}, 3), filled(DType::float32, image, 4)});

  expect_equal(
      [&](ComputeBackend& b, std::vector<HostTensor>& t) {
        BatchNormForward forward;
        forward.input = t[0].view(), forward.training = true;
        forward.scale = t[6].view(), forward.shift = t[7].view();
        forward.running_mean = t[2].view(), forward.running_variance = t[3].view();
        forward.saved_mean = t[4].view(), forward.saved_inverse_std = t[5].view();
        b.batch_norm_forward(forward);
        BatchNormBackward backward;
        backward.input = t[0].view(), backward.d_output = t[1].view(), backward.mean = t[4].view();
        backward.inverse_std = t[5].view(), backward.by_output_gradient = t[8].view();
        backward.by_input = t[9].view(), backward.shift = t[10].view();
        b.batch_norm_backward(backward);
      },
      {filled(DType::float32, image, 1), filled(DType::float32, image, 2), filled(DType::float32, {3}, 3),
       filled(DType::float32, {3}, 4), filled(DType::float32, {3}, 5), filled(DType::float32, {3}, 6),
       filled(DType::float32, {3}, 7), filled(DType::float32, {3}, 8), filled(DType::float32, {3}, 9),
       filled(DType::float32, {3}, 10), filled(DType::float32, {3}, 11)});
  EXPECT_EQ(fallback_count(), 7u);
}

TEST_F(Fallback, GatherAndScatterReachBeyondTheirBase) {
  const Layout row({5}, {0}, 2);  // base stands still; the indices move along 9 elements
  expect_equal(
      [&](ComputeBackend& b, std::vector<HostTensor>& t) {
        t[1].set(0, 8), t[1].set(1, 0), t[1].set(2, -1), t[1].set(3, 4), t[1].set(4, 4);
        View base = t[0].view();
        base.layout = &row;
        const IndexOperand index{t[1].view(), 9, 1};
        b.gather({"take", base, {&index, 1}, t[2].view()});
        b.scatter({"put", ScatterMode::add, base, {&index, 1}, t[2].view()});
      },
      {filled(DType::float32, {11}, 1), filled(DType::int64, {5}, 2), filled(DType::float32, {5}, 3)});
  EXPECT_EQ(fallback_count(), 2u);
}

TEST_F(Fallback, ReductionsSortsAndTheRest) {
  expect_equal(
      [&](ComputeBackend& b, std::vector<HostTensor>& t) {
        Reduction reduction;
        const View in = t[0].view();
        reduction.inputs = {&in, 1};
        reduction.out = t[1].view();
        b.reduce(reduction);
        b.arg_reduce({ArgReduceOp::max, t[0].view(), 1, t[1].view(), t[2].view()});
        b.scan({ScanOp::sum, t[0].view(), 1, t[3].view(), {}});
        b.sort({t[0].view(), 1, false, true, t[3].view(), t[4].view()});
        b.softmax_forward({t[0].view(), 1, true, t[3].view()});
        b.softmax_backward({t[3].view(), t[0].view(), 1, true, t[3].view()});
        Generate generate;
        generate.out = t[3].view();
        b.generate(generate);
      },
      {filled(DType::float32, {4, 6}, 1), filled(DType::float32, {4, 1}, 2), filled(DType::int64, {4, 1}, 3),
       filled(DType::float32, {4, 6}, 4), filled(DType::int64, {4, 6}, 5)});
  EXPECT_EQ(fallback_count(), 7u);

  expect_equal(
      [&](ComputeBackend& b, std::vector<HostTensor>& t) {
        for (std::int64_t i = 0; i < 6; ++i) t[0].set(i, i % 2 == 0 ? 1.0L : 0.0L);
        b.nonzero(t[0].view(), t[1].view());
      },
      {filled(DType::float32, {2, 3}, 1), filled(DType::int64, {3, 2}, 2)});

  expect_equal(
      [&](ComputeBackend& b, std::vector<HostTensor>& t) {
        LayerNormForward norm;
        norm.input = t[0].view(), norm.output = t[1].view(), norm.mean = t[2].view(),
        norm.inverse_std = t[3].view();
        b.layer_norm_forward(norm);
        LayerNormBackward back;
        back.input = t[0].view(), back.d_output = t[1].view(), back.mean = t[2].view(),
        back.inverse_std = t[3].view();
        back.d_input = t[4].view();
        b.layer_norm_backward(back);
        for (std::int64_t i = 0; i < 4; ++i) t[5].set(i, static_cast<long double>(i));
        CrossEntropyForward loss;
        loss.logits = t[0].view(), loss.targets = t[5].view(), loss.losses = t[6].view(),
        loss.log_sum_exp = t[7].view();
        b.cross_entropy_forward(loss);
        CrossEntropyBackward d_loss;
        d_loss.logits = t[0].view(), d_loss.targets = t[5].view(), d_loss.log_sum_exp = t[7].view();
        d_loss.d_losses = t[6].view(), d_loss.d_logits = t[4].view();
        b.cross_entropy_backward(d_loss);
      },
      {filled(DType::float32, {4, 6}, 1), filled(DType::float32, {4, 6}, 2), filled(DType::float32, {4}, 3),
       filled(DType::float32, {4}, 4), filled(DType::float32, {4, 6}, 5), filled(DType::int64, {4}, 6),
       filled(DType::float32, {4}, 7), filled(DType::float32, {4}, 8)});
}

TEST_F(Fallback, EmptyOperandsCopyNothing) {
  expect_equal(
      [](ComputeBackend& b, std::vector<HostTensor>& t) {
        b.matmul({t[0].view(), t[1].view(), t[2].view(), {}});
      },
      {HostTensor(DType::float64, {0, 5}), HostTensor(DType::float64, {5, 3}),
       HostTensor(DType::float64, {0, 3})});
}

TEST_F(Fallback, LogsOncePerKindWhenAsked) {
  const char* before = std::getenv("RUSTORCH_LOG");
  const std::string kept = before == nullptr ? "" : before;
  HostTensor a = filled(DType::float64, {2, 2}, 1), out = filled(DType::float64, {2, 2}, 2);
  ::setenv("RUSTORCH_LOG", "warn", 1);
  ::testing::internal::CaptureStderr();
  backend->matmul({a.view(), a.view(), out.view(), {}});
  backend->matmul({a.view(), a.view(), out.view(), {}});
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(text, "rustorch: warn: metal:0 has no matmul for float64; it runs on the cpu with copies\n");
  if (before == nullptr) {
    ::unsetenv("RUSTORCH_LOG");
  } else {
    ::setenv("RUSTORCH_LOG", kept.c_str(), 1);
  }
}

}  // namespace
}  // namespace rustorch::testing
