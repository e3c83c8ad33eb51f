// Which products the backend of all GPUs gives to an API's library, and how it describes them: a library that
// computes on the host makes them, so that this needs no GPU.
#include "rustorch/backends/gpu/matrix_library.h"

#include "backends/gpu/text_executor.h"
#include "backends/host_tensor.h"
#include "rustorch/backends/gpu/gpu_backend.h"
#include "rustorch/backends/launch_profile.h"
#include "rustorch/backends/runtime.h"

namespace rustorch::testing {
namespace {

/// Makes float32 products in the host's memory.
class HostLibrary final : public gpu::MatrixLibrary {
 public:
  bool takes_all = true, takes_rows = true, takes_activations = true;
  std::vector<gpu::LibraryProduct> calls;

  std::string description() override { return "host"; }
  bool takes(const gpu::LibraryProduct& product) override {
    return takes_all && (takes_rows || product.bias != gpu::LibraryBias::row) &&
           (takes_activations || !product.activation);
  }
  void multiply(const gpu::LibraryProduct& product) override {
    calls.push_back(product);
    for (std::int64_t batch = 0; batch < product.batches; ++batch) {
      for (std::int64_t i = 0; i < product.rows; ++i) {
        for (std::int64_t j = 0; j < product.columns; ++j) {
          float& out = element(product.out, batch, i, j);
          double sum = 0;
          if (product.bias == gpu::LibraryBias::row)
            sum = static_cast<const float*>(product.row)[product.row_offset + j];
          if (product.bias == gpu::LibraryBias::out) sum = static_cast<double>(out);
          for (std::int64_t k = 0; k < product.depth; ++k)
            sum += static_cast<double>(element(product.a, batch, i, k)) *
                   static_cast<double>(element(product.b, batch, k, j));
          out = static_cast<float>(product.activation == Op::relu ? std::max(sum, 0.0) : sum);
        }
      }
    }
  }

 private:
  static float& element(const gpu::LibraryMatrix& matrix, std::int64_t batch, std::int64_t row,
                        std::int64_t column) {
    if (matrix.transposed) std::swap(row, column);
    return static_cast<float*>(
        matrix.buffer)[matrix.offset + batch * matrix.batch_stride + row * matrix.leading + column];
  }
};

/// Has that library, and counts the kernels that it is to launch.
class LibraryExecutor final : public TextExecutor {
 public:
  HostLibrary library;
  int launches = 0;

  LibraryExecutor() { has_binaries = false; }  // nothing for the cache on disk

  gpu::MatrixLibrary* matrix_library() noexcept override { return &library; }
  void launch(gpu::Kernel&, const gpu::LaunchShape&, std::span<const gpu::KernelArgument>) override {
    ++launches;
  }
  gpu::BufferHandle allocate(std::size_t) override { return &library; }  // some address
};

class LibraryProducts : public ::testing::Test {
 protected:
  HostLibrary& library() { return executor_.library; }
  int launches() const { return executor_.launches; }
  gpu::GpuBackend& backend() { return backend_; }

  void multiply(HostTensor& a, HostTensor& b, HostTensor& out, HostTensor* bias = nullptr,
                std::optional<Op> activation = std::nullopt) {
    Matmul work{a.view(), b.view(), out.view(), {}, activation};
    if (bias != nullptr) work.bias = bias->view();
    backend_.matmul(work);
  }
  /// The library makes the products with this many calls, and they are right.
  void expect_by_library(HostTensor& a, HostTensor& b, HostTensor& out, HostTensor* bias, std::size_t calls,
                         const std::string& what, std::optional<Op> activation = std::nullopt) {
    HostTensor expected = out;
    Matmul work{a.view(), b.view(), expected.view(), {}, activation};
    if (bias != nullptr) work.bias = bias->view();
    cpu_backend().matmul(work);
    library().calls.clear();
    multiply(a, b, out, bias, activation);
    EXPECT_EQ(library().calls.size(), calls) << what;
    expect_near(out, values_of(expected), 1e-5, what);
  }
  void expect_by_kernel(HostTensor& a, HostTensor& b, HostTensor& out, const std::string& what) {
    const int before = launches();
    library().calls.clear();
    multiply(a, b, out);
    EXPECT_TRUE(library().calls.empty()) << what;
    EXPECT_GT(launches(), before) << what;
  }

 private:
  std::unique_ptr<LibraryExecutor> owned_ = std::make_unique<LibraryExecutor>();
  LibraryExecutor& executor_ = *owned_;
  gpu::GpuBackend backend_{Device(DeviceType::cuda, 0), std::move(owned_)};
};

TEST_F(LibraryProducts, OfEveryOrder) {
  unsigned seed = 1;
  for (const Order a_order : {Order::plain, Order::reversed}) {
    for (const Order b_order : {Order::plain, Order::reversed}) {
      for (const Order out_order : {Order::plain, Order::reversed}) {
        HostTensor a(DType::float32, {33, 20}, a_order), b(DType::float32, {20, 40}, b_order);
        HostTensor out(DType::float32, {33, 40}, out_order);
        a.randomize(seed++), b.randomize(seed++);
        expect_by_library(a, b, out, nullptr, 1, std::to_string(seed));
      }
    }
  }
}

TEST_F(LibraryProducts, AreToldToObservers) {
  struct Names final : LaunchObserver {
    void launched(std::string_view kernel, std::unique_ptr<DeviceEvent>,
                  std::unique_ptr<DeviceEvent>) override {
      all.emplace_back(kernel);
    }
    std::vector<std::string> all;
  };
  const auto names = std::make_shared<Names>();
  HostTensor a(DType::float32, {33, 20}), b(DType::float32, {20, 40}), out(DType::float32, {33, 40});
  backend().observe_launches(names);
  multiply(a, b, out);
  backend().stop_observing(names.get());
  multiply(a, b, out);
  EXPECT_EQ(names->all, std::vector<std::string>{"matrix library"});
}

TEST_F(LibraryProducts, WithOffsetsAndGaps) {
  HostTensor a(DType::float32, Layout({33, 20}, {25, 1}, 3)), b(DType::float32, Layout({20, 40}, {1, 23}, 7));
  HostTensor out(DType::float32, Layout({33, 40}, {50, 1}, 11)),
      bias(DType::float32, Layout({33, 40}, {0, 1}, 5));
  a.randomize(1), b.randomize(2), bias.randomize(3);
  expect_by_library(a, b, out, &bias, 1, "with a bias");
  EXPECT_EQ(library().calls.front().bias, gpu::LibraryBias::row);
  EXPECT_EQ(launches(), 0);
}

TEST_F(LibraryProducts, OfDepthOne) {
  for (const Order order : {Order::plain, Order::reversed}) {
    HostTensor a(DType::float32, {33, 1}, order), b(DType::float32, {1, 40}, order);
    HostTensor out(DType::float32, {33, 40});
    a.randomize(1), b.randomize(2);
    expect_by_library(a, b, out, nullptr, 1, "depth 1");
  }
}

TEST_F(LibraryProducts, OfBatches) {
  const Layout plain_a = Layout::contiguous({3, 4, 17, 20}), plain_b = Layout::contiguous({3, 4, 20, 30});
  const Layout heads({3, 4, 17, 20}, {4 * 17 * 20, 20, 4 * 20, 1});
  const Layout one_a(plain_a.shape, {0, 0, 20, 1}), one_b(plain_b.shape, {0, 0, 30, 1});
  HostTensor out(DType::float32, {3, 4, 17, 30});
  const auto check = [&](const Layout& a_layout, const Layout& b_layout, std::int64_t batches) {
    HostTensor a(DType::float32, a_layout), b(DType::float32, b_layout);
    a.randomize(1), b.randomize(2);
    expect_by_library(a, b, out, nullptr, 1, fmt::format("{} batches", batches));
    ASSERT_EQ(library().calls.size(), 1U);
    EXPECT_EQ(library().calls.front().batches, batches);
  };
  check(plain_a, plain_b, 12);
  check(one_a, plain_b, 12);
  check(plain_a, one_b, 1);  // the matrices of a are rows of one
  // Two dims that do not join, and too little work for three calls.
  HostTensor a(DType::float32, heads), b(DType::float32, plain_b);
  a.randomize(1), b.randomize(2);
  expect_by_kernel(a, b, out, "heads inside rows");
}

TEST_F(LibraryProducts, OfLargeMatricesInSeveralCalls) {
  HostTensor a(DType::float32, Layout({2, 2, 128, 260}, {2 * 128 * 260, 260, 2 * 260, 1}));
  HostTensor b(DType::float32, {2, 2, 260, 256}), out(DType::float32, {2, 2, 128, 256});
  a.randomize(1), b.randomize(2);
  expect_by_library(a, b, out, nullptr, 2, "heads inside rows");
}

TEST_F(LibraryProducts, OtherBiasesAreWrittenToTheResultBefore) {
  HostTensor a(DType::float32, {33, 20}), b(DType::float32, {20, 40}), out(DType::float32, {33, 40});
  HostTensor column(DType::float32, Layout({33, 40}, {1, 0})), row(DType::float32, Layout({33, 40}, {0, 1}));
  const auto expect_out = [&](HostTensor& bias) {
    const int before = launches();
    library().calls.clear();
    multiply(a, b, out, &bias);
    ASSERT_EQ(library().calls.size(), 1U);
    EXPECT_EQ(library().calls.front().bias, gpu::LibraryBias::out);
    EXPECT_EQ(launches(), before + 1);  // the copy
  };
  expect_out(column);
  library().takes_rows = false;
  expect_out(row);
}

TEST_F(LibraryProducts, ActivationsByTheLibraryOrByALaunchBehindIt) {
  HostTensor a(DType::float32, {33, 20}), b(DType::float32, {20, 40}), out(DType::float32, {33, 40});
  HostTensor row(DType::float32, Layout({33, 40}, {0, 1}));
  a.randomize(1), b.randomize(2), row.randomize(3);
  for (HostTensor* bias : {static_cast<HostTensor*>(nullptr), &row}) {
    const int before = launches();
    library().takes_activations = true;
    expect_by_library(a, b, out, bias, 1, "with relu", Op::relu);
    EXPECT_EQ(library().calls.front().activation, Op::relu);
    EXPECT_EQ(launches(), before);

    library().takes_activations = false;
    library().calls.clear();
    multiply(a, b, out, bias, Op::relu);
    ASSERT_EQ(library().calls.size(), 1U);
    EXPECT_EQ(library().calls.front().activation, std::nullopt);
    EXPECT_EQ(library().calls.front().bias, bias == nullptr ? gpu::LibraryBias::none : gpu::LibraryBias::row);
    EXPECT_EQ(launches(), before + 1);
  }
}

TEST_F(LibraryProducts, InThePrecisionThatIsSet) {
  HostTensor a(DType::float32, {33, 20}), b(DType::float32, {20, 40}), out(DType::float32, {33, 40});
  multiply(a, b, out);
  set_float32_matmul_precision("high");
  multiply(a, b, out);
  set_float32_matmul_precision("highest");
  ASSERT_EQ(library().calls.size(), 2U);
  EXPECT_EQ(library().calls[0].precision, Float32Precision::highest);
  EXPECT_EQ(library().calls[1].precision, Float32Precision::high);
}

TEST_F(LibraryProducts, NotWhereOurKernelsServe) {
  const auto check = [&](DType dtype, const Layout& a_layout, const Layout& b_layout,
                         const Layout& out_layout, const std::string& what) {
    HostTensor a(dtype, a_layout), b(dtype, b_layout), out(dtype, out_layout);
    expect_by_kernel(a, b, out, what);
  };
  const auto plain = [](Shape shape) { return Layout::contiguous(shape); };
  check(DType::float32, plain({4, 300}), plain({300, 200}), plain({4, 200}), "four rows");
  check(DType::float32, plain({16, 100}), plain({100, 16}), plain({16, 16}), "a small result");
  check(DType::int32, plain({33, 20}), plain({20, 40}), plain({33, 40}), "integers");
  check(DType::float32, Layout({33, 20}, {60, 2}), plain({20, 40}), plain({33, 40}), "gaps both ways");
  check(DType::float32, Layout({33, 20}, {0, 1}), plain({20, 40}), plain({33, 40}), "one row for all");
  check(DType::float32, plain({33, 20}), Layout({20, 40}, {1, 1}), plain({33, 40}), "windows");
  check(DType::float32, plain({33, 20}), plain({20, 40}), Layout({33, 40}, {100, 2}), "a result with gaps");
  library().takes_all = false;
  check(DType::float32, plain({33, 20}), plain({20, 40}), plain({33, 40}), "the library does not take it");
}

}  // namespace
}  // namespace rustorch::testing
