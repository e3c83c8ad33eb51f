// The example of the user's view (README and API), as a program that compiles and runs.
#include <gtest/gtest.h>
#include <rustorch/rustorch.h>

#include <filesystem>

using namespace rustorch;

namespace {

struct Net : nn::Module {
  nn::Conv2d conv = layer("conv", nn::Conv2d(1, 32, {.kernel_size = 3, .padding = 1}));
  nn::BatchNorm2d norm = layer("norm", nn::BatchNorm2d(32));
  nn::Linear head = layer("head", nn::Linear(32 * 14 * 14, 10));
  Tensor forward(const Tensor& x) override { return head(max_pool2d(relu(norm(conv(x))), 2).flatten(1)); }
};

TEST(Api, TensorsAndGradients) {
  Tensor a = tensor({{1.f, 2.f}, {3.f, 4.f}});  // float32 [2, 2]
  EXPECT_EQ(a.dtype(), float32);
  EXPECT_EQ(a.shape(), (Shape{2, 2}));
  Tensor b = randn({2, 3}, {.dtype = float64, .device = "cpu", .requires_grad = true});
  Tensor c = matmul(a.to(float64), b).relu();
  Tensor d = c.index({Slice(0, 1), Ellipsis});
  EXPECT_EQ(d.shape(), (Shape{1, 3}));
  d = c[0];
  EXPECT_EQ(d.shape(), (Shape{3}));
  d = where(c > 0, c, 0);
  EXPECT_TRUE(d.equal(c));
  float v = c.sum().item<float>();
  std::span<const double> raw = c.data<double>();
  double sum = 0;
  for (double x : raw) sum += x;
  EXPECT_NEAR(v, sum, 1e-5);
  c.sum().backward();
  Tensor gb = b.grad();
  EXPECT_EQ(gb.shape(), b.shape());
  {
    NoGrad guard;
    b.sub_(gb * 0.1);
  }
  EXPECT_TRUE(b.is_leaf() && b.requires_grad());
  Tensor e = 2 * a + 1.5 - a / 2;
  EXPECT_FLOAT_EQ(e[1][1].item<float>(), 7.5f);
}

TEST(Api, Devices) {
  Device where_it_is = ones({1}).device();
  EXPECT_EQ(where_it_is.to_string(), "cpu");
  set_default_device("auto");
  {
    DeviceScope scope("cpu");
    EXPECT_TRUE(zeros({4}).device().is_cpu());
  }
  EXPECT_THROW(ones({2}).to("cuda:0"), Error);
  EXPECT_THROW(ones({2}).to("cudda:0"), Error);
}

TEST(Api, SeedsRepeat) {
  manual_seed(7);
  const Tensor x = randn({5});
  manual_seed(7);
  EXPECT_TRUE(x.equal(randn({5})));
}

TEST(Api, TrainAndSave) {
  manual_seed(0);
  const Tensor images = randn({64, 1, 28, 28});
  const Tensor labels = randint(0, 10, {64});
  data::TensorDataset dataset(images, labels);
  Net net;
  net.to("cpu");
  net.train();
  optim::AdamW optimizer(net.parameters(), {.lr = 2e-3, .weight_decay = 1e-2});
  float first = 0, last = 0;
  for (int epoch = 0; epoch < 6; ++epoch) {
    for (auto [x, y] : data::DataLoader(dataset, {.batch_size = 16, .shuffle = true, .workers = 1})) {
      optimizer.zero_grad();
      Tensor loss = nn::functional::cross_entropy(net(x), y);
      loss.backward();
      optimizer.step();
      last = loss.item<float>();
      if (first == 0) first = last;
    }
  }
  EXPECT_LT(last, first / 2);
  const std::string path = (std::filesystem::path(::testing::TempDir()) / "net.safetensors").string();
  save_state_dict(net.state_dict(), path);
  Net other;
  other.load_state_dict(load_state_dict(path));
  net.eval();
  other.eval();
  EXPECT_TRUE(net(images).equal(other(images)));
  std::filesystem::remove(path);
}

TEST(Api, ErrorsHelp) {
  try {
    matmul(zeros({4, 3}), zeros({4, 5}));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::shape_mismatch);
    EXPECT_NE(std::string(e.what()).find("[4, 3]"), std::string::npos);
    EXPECT_FALSE(e.suggestion().empty());
    EXPECT_TRUE(e.context().empty());
    EXPECT_GT(e.location().line(), 0u);
  }
  Result<Tensor> r = try_matmul(zeros({4, 3}), zeros({4, 5}));
  EXPECT_FALSE(r.has_value());
  EXPECT_TRUE(try_matmul(zeros({4, 3}), zeros({3, 5})).has_value());
}

}  // namespace
