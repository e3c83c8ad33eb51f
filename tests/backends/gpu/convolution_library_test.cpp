// Which convolutions the backend of all GPUs gives to an API's library, and how it describes them: a library
// that computes on the host makes them, so that this needs no GPU.
#include "rustorch/backends/gpu/convolution_library.h"

#include "backends/gpu/convolution_case.h"
#include "backends/gpu/text_executor.h"
#include "backends/host_tensor.h"
#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/runtime.h"

namespace rustorch::testing {
namespace {

using gpu::ConvolutionDirection;

/// Has the CPU make convolutions of the host's memory.
class HostLibrary final : public gpu::ConvolutionLibrary {
 public:
  bool takes_all = true, takes_biases = true, computes = true;
  std::size_t workspace_bytes = 0;
  std::vector<gpu::LibraryConvolution> calls;
  std::vector<gpu::BufferHandle> workspaces;
  std::shared_ptr<const gpu::LibraryConvolutionPlan> plan;  ///< the last one

  std::string description() override { return "host"; }
  std::shared_ptr<const gpu::LibraryConvolutionPlan> plan_for(const gpu::LibraryConvolution& work) override {
    if (!takes_all || (work.bias && !takes_biases)) return nullptr;
    return plan = std::make_shared<gpu::LibraryConvolutionPlan>(workspace_bytes);
  }
  void run(const gpu::LibraryConvolutionPlan& its_plan, const gpu::LibraryConvolution& work,
           gpu::BufferHandle workspace) override {
    EXPECT_EQ(&its_plan, plan.get());
    calls.push_back(work);
    workspaces.push_back(workspace);
    weight_is_channels_last = work.weight.layout->is_channels_last();
    if (!computes) return;
    switch (work.direction) {
      case ConvolutionDirection::forward:
        return cpu_backend().convolution_forward(
            {work.parameters, work.input, work.weight, work.bias, work.output});
      case ConvolutionDirection::backward_input:
        return cpu_backend().convolution_backward_input(
            {work.parameters, work.output, work.weight, work.input});
      case ConvolutionDirection::backward_weight:
        return cpu_backend().convolution_backward_weight(
            {work.parameters, work.input, work.output, work.weight, {}});
    }
  }

  bool weight_is_channels_last = false;  ///< of the last call
};

/// Has that library, and counts the kernels that it is to launch.
class LibraryExecutor final : public TextExecutor {
 public:
  HostLibrary library;
  int launches = 0;

  LibraryExecutor() { has_binaries = false; }  // nothing for the cache on disk

  gpu::ConvolutionLibrary* convolution_library() noexcept override { return &library; }
  void launch(gpu::Kernel&, const gpu::LaunchShape&, std::span<const gpu::KernelArgument>) override {
    ++launches;
  }
  gpu::BufferHandle allocate(std::size_t) override { return &library; }  // some address
};

class LibraryConvolutions : public ::testing::Test {
 protected:
  const ConvolutionCase case_{{2, 6, 9, 8}, {8, 3, 3, 2}, {2, 1, 1}, {1, 1, 0}, {1, 2, 1}, 2};

  HostLibrary& library() { return executor_.library; }
  gpu::GpuBackend& backend() { return backend_; }
  /// What the calls in `work` launch.
  template <class Work>
  int launches(const Work& work) {
    const int before = executor_.launches;
    library().calls.clear();
    library().workspaces.clear();
    work();
    return executor_.launches - before;
  }

  void forward(HostTensor& input, HostTensor& weight, HostTensor* bias, HostTensor& output) {
    ConvolutionForward work{case_.parameters(), input.view(), weight.view(), {}, output.view()};
    if (bias != nullptr) work.bias = bias->view();
    backend_.convolution_forward(work);
  }
  HostTensor random(const Shape& shape, Order order, unsigned seed) const {
    return HostTensor(DType::float32, shape, order).randomize(seed);
  }

 private:
  std::unique_ptr<LibraryExecutor> owned_ = std::make_unique<LibraryExecutor>();
  LibraryExecutor& executor_ = *owned_;
  gpu::GpuBackend backend_{Device(DeviceType::cuda, 0), std::move(owned_)};
};

TEST_F(LibraryConvolutions, OfEveryDirectionAndOrder) {
  for (const Order order : {Order::plain, Order::channels_last}) {
    HostTensor input = random(case_.input, order, 1), weight = random(case_.weight, order, 2);
    HostTensor d_output = random(case_.output(), order, 3), bias = random({8}, Order::plain, 4);
    const ConvolutionParameters parameters = case_.parameters();
    // Each result beside the CPU's.
    const auto check = [&](HostTensor result, ConvolutionDirection direction, const auto& work) {
      HostTensor expected = result;
      work(cpu_backend(), expected);
      EXPECT_EQ(launches([&] { work(backend(), result); }), 0);
      ASSERT_EQ(library().calls.size(), 1U);
      EXPECT_EQ(library().calls.front().direction, direction);
      EXPECT_EQ(library().calls.front().channels_last, order == Order::channels_last);
      EXPECT_EQ(library().workspaces.front(), nullptr);
      expect_near(result, values_of(expected), 0, "direction " + std::to_string(static_cast<int>(direction)));
    };
    check(HostTensor(DType::float32, case_.output(), order), ConvolutionDirection::forward,
          [&](ComputeBackend& any, HostTensor& result) {
            any.convolution_forward({parameters, input.view(), weight.view(), bias.view(), result.view()});
          });
    check(HostTensor(DType::float32, case_.input, order), ConvolutionDirection::backward_input,
          [&](ComputeBackend& any, HostTensor& result) {
            any.convolution_backward_input({parameters, d_output.view(), weight.view(), result.view()});
          });
    check(HostTensor(DType::float32, case_.weight, order), ConvolutionDirection::backward_weight,
          [&](ComputeBackend& any, HostTensor& result) {
            any.convolution_backward_weight({parameters, input.view(), d_output.view(), result.view(), {}});
          });
  }
}

TEST_F(LibraryConvolutions, GetTheWeightInTheOrderOfTheActivations) {
  library().computes = false;  // copies are made on the device
  for (const Order order : {Order::plain, Order::channels_last}) {
    for (const Order weight_order : all_orders) {
      HostTensor input = random(case_.input, order, 1), weight = random(case_.weight, weight_order, 2);
      HostTensor output = random(case_.output(), order, 3);
      const bool is_copied = weight_order != order;
      EXPECT_EQ(launches([&] { forward(input, weight, nullptr, output); }), is_copied ? 1 : 0);
      ASSERT_EQ(library().calls.size(), 1U);
      EXPECT_EQ(library().calls.front().weight.data == weight.view().data, !is_copied);
      EXPECT_EQ(library().weight_is_channels_last, order == Order::channels_last);
      const int of_gradient = launches([&] {
        backend().convolution_backward_weight(
            {case_.parameters(), input.view(), output.view(), weight.view(), {}});
      });
      EXPECT_EQ(of_gradient, is_copied ? 1 : 0) << "the copy of the result";
    }
  }
}

TEST_F(LibraryConvolutions, OfOneCellTakeTheWeightAsItLies) {
  const ConvolutionCase one{{2, 6, 9, 8}, {8, 6, 1, 1}};
  HostTensor input = random(one.input, Order::channels_last, 1), weight = random(one.weight, Order::plain, 2);
  HostTensor output(DType::float32, one.output(), Order::channels_last);
  const auto work = [&] {
    backend().convolution_forward({one.parameters(), input.view(), weight.view(), {}, output.view()});
  };
  EXPECT_EQ(launches(work), 0);
  ASSERT_EQ(library().calls.size(), 1U);
  EXPECT_EQ(library().calls.front().weight.data, weight.view().data);
}

TEST_F(LibraryConvolutions, BiasesThatTheLibraryDoesNotAddAreAddedAfterwards) {
  HostTensor input = random(case_.input, Order::plain, 1), weight = random(case_.weight, Order::plain, 2);
  HostTensor output(DType::float32, case_.output());
  HostTensor bias = random({8}, Order::plain, 3), gaps = random({8}, Order::gaps, 3);
  const auto expect_added = [&](HostTensor& its, bool by_library) {
    EXPECT_EQ(launches([&] { forward(input, weight, &its, output); }) == 0, by_library);
    ASSERT_EQ(library().calls.size(), 1U);
    EXPECT_EQ(library().calls.front().bias.has_value(), by_library);
  };
  expect_added(bias, true);
  expect_added(gaps, false);
  library().takes_biases = false;
  expect_added(bias, false);
}

TEST_F(LibraryConvolutions, GetTheirWorkspace) {
  library().workspace_bytes = 1000;
  HostTensor input = random(case_.input, Order::plain, 1), weight = random(case_.weight, Order::plain, 2);
  HostTensor output(DType::float32, case_.output());
  launches([&] { forward(input, weight, nullptr, output); });
  ASSERT_EQ(library().workspaces.size(), 1U);
  EXPECT_NE(library().workspaces.front(), nullptr);
}

TEST_F(LibraryConvolutions, InThePrecisionThatIsSet) {
  HostTensor input = random(case_.input, Order::plain, 1), weight = random(case_.weight, Order::plain, 2);
  HostTensor output(DType::float32, case_.output());
  launches([&] {
    forward(input, weight, nullptr, output);
    set_float32_convolution_precision("high");
    EXPECT_TRUE(backend().prefers_channels_last(DType::float32));
    forward(input, weight, nullptr, output);
    set_float32_convolution_precision("highest");
  });
  ASSERT_EQ(library().calls.size(), 2U);
  EXPECT_EQ(library().calls[0].precision, Float32Precision::highest);
  EXPECT_EQ(library().calls[1].precision, Float32Precision::high);
  EXPECT_FALSE(backend().prefers_channels_last(DType::float32));
  EXPECT_TRUE(backend().prefers_channels_last(DType::float16));
}

TEST_F(LibraryConvolutions, NotWhereOurKernelsServe) {
  const auto check = [&](Order input_order, Order output_order, const char* what) {
    HostTensor input = random(case_.input, input_order, 1), weight = random(case_.weight, Order::plain, 2);
    HostTensor output(DType::float32, case_.output(), output_order);
    EXPECT_GT(launches([&] { forward(input, weight, nullptr, output); }), 0) << what;
    EXPECT_TRUE(library().calls.empty()) << what;
  };
  check(Order::gaps, Order::plain, "an input with gaps");
  check(Order::plain, Order::gaps, "a result with gaps");
  check(Order::plain, Order::channels_last, "two orders");
  check(Order::reversed, Order::reversed, "another order");
  library().takes_all = false;
  check(Order::plain, Order::plain, "the library does not take it");
  check(Order::channels_last, Order::channels_last, "the library does not take it");
}

}  // namespace
}  // namespace rustorch::testing
