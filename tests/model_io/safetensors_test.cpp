#include "rustorch/model_io/safetensors/safetensors_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "rustorch/nn/container.h"
#include "rustorch/nn/convolution.h"
#include "rustorch/nn/flatten.h"
#include "rustorch/nn/linear.h"
#include "rustorch/nn/normalization.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/elementwise.h"
#include "rustorch/tensor/operations/random.h"
#include "rustorch/tensor/operations/shape.h"
#include "support/expect_error.h"
#include "support/print.h"
#include "support/temporary_folder.h"

// The files of tests/data/safetensors were written by the safetensors library
// (scripts/oracle/safetensors_files.py).

namespace rustorch {
namespace {

using testing::expect_error;
using testing::read_file;
using testing::TemporaryFolder;
using testing::test_data;
using Values = std::vector<double>;

const std::vector<DType> file_dtypes{bool_,   uint8,    int8,    int16,     int32,  int64,
                                     float16, bfloat16, float32, complex64, float64};

TEST(Safetensors, ReadsEveryDtype) {
  const SafetensorsFile file(test_data("safetensors/all_dtypes.safetensors"));
  EXPECT_EQ(file.metadata(), (ModelMetadata{{"made_by", "safetensors \"quoted\"\n\tüñí"}}));
  EXPECT_EQ(file.entries().size(), 18u);
  for (const DType dtype : file_dtypes) {
    const Tensor x = file.tensor(to_string(dtype));
    EXPECT_EQ(x.dtype(), dtype);
    EXPECT_EQ(x.shape(), (Shape{2, 3}));
    const Values wanted = dtype == bool_ ? Values{0, 1, 0, 1, 0, 1} : Values{0, 1, 2, 3, 4, 5};
    if (dtype == complex64) {
      EXPECT_EQ(x.data<std::complex<float>>()[5], (std::complex<float>{5.f, -5.f}));
    } else {
      EXPECT_EQ(x.to_vector<double>(), wanted) << to_string(dtype);
    }
  }
}

TEST(Safetensors, ListsDtypesThatItCannotLoad) {
  const SafetensorsFile file(test_data("safetensors/all_dtypes.safetensors"));
  for (const auto& [name, dtype_name] :
       std::initializer_list<std::pair<const char*, const char*>>{{"uint16", "U16"},
                                                                  {"uint32", "U32"},
                                                                  {"uint64", "U64"},
                                                                  {"float8_e4m3fn", "F8_E4M3"},
                                                                  {"float8_e5m2", "F8_E5M2"},
                                                                  {"float8_e4m3fnuz", "F8_E4M3FNUZ"},
                                                                  {"float8_e5m2fnuz", "F8_E5M2FNUZ"}}) {
    const SafetensorsEntry& entry = file.entry(name);
    EXPECT_EQ(entry.dtype_name, dtype_name);
    EXPECT_FALSE(entry.dtype);
    EXPECT_EQ(entry.shape, (Shape{2, 3}));
    expect_error(ErrorCode::unsupported, fmt::format("tensor `{}` is {}", name, dtype_name),
                 [&] { return file.tensor(name); });
  }
  expect_error(ErrorCode::unsupported, "a dtype that RusTorch does not have",
               [&] { return load_safetensors(test_data("safetensors/all_dtypes.safetensors")); });
}

TEST(Safetensors, ReadsShapesOfAllKinds) {
  const StateDict tensors = load_safetensors(test_data("safetensors/shapes.safetensors"));
  EXPECT_EQ(tensors.at("scalar").shape(), Shape{});
  EXPECT_EQ(tensors.at("scalar").item<float>(), 2.5f);
  EXPECT_EQ(tensors.at("empty").shape(), (Shape{0, 4}));
  EXPECT_EQ(tensors.at("empty_last").shape(), (Shape{4, 0}));
  EXPECT_EQ(tensors.at("deep").rank(), 10u);
  EXPECT_EQ(tensors.at("deep").to_vector<double>(), (Values{0, 1}));
  EXPECT_TRUE(load_safetensors(test_data("safetensors/nothing.safetensors")).empty());
}

TEST(Safetensors, WritesTheSameBytesAsTheLibrary) {
  const TemporaryFolder folder;
  for (const char* name : {"network", "shapes", "nothing", "sharded/model-00001-of-00002"}) {
    const SafetensorsFile file(test_data(std::string("safetensors/") + name + ".safetensors"));
    save_safetensors(folder / "copy.safetensors", file.state_dict(), file.metadata());
    EXPECT_EQ(read_file(folder / "copy.safetensors"), read_file(file.path())) << name;
  }
}

TEST(Safetensors, LoadsAStateDictOfPyTorch) {
  nn::Sequential net(nn::Conv2d(1, 2, {.kernel_size = 3}), nn::BatchNorm2d(2), nn::Flatten(),
                     nn::Linear(8, 3));
  const StateDict saved = load_safetensors(test_data("safetensors/network.safetensors"));
  net.load_state_dict(saved);
  for (const auto& [name, tensor] : net.state_dict()) {
    EXPECT_EQ(tensor.to_vector<double>(), saved.at(name).to_vector<double>()) << name;
  }
}

TEST(Safetensors, GivesBackWhatWasSaved) {
  const TemporaryFolder folder;
  StateDict tensors;
  for (const DType dtype : file_dtypes)
    tensors.insert(std::string(to_string(dtype)), arange(6).to(dtype).reshape({2, 3}));
  tensors.insert("transposed", arange(6).reshape({2, 3}).t());
  tensors.insert("part", arange(10).narrow(0, 3, 4));
  tensors.insert("channels_last", arange(24, {.dtype = float32}).reshape({1, 2, 3, 4}).channels_last());
  tensors.insert("expanded", tensor(std::vector<float>{1, 2}).reshape({1, 2}).expand({3, 2}));
  tensors.insert("", zeros({1}));
  tensors.insert("strange \"name\"\n\\ ü", ones({1}));
  const Tensor weight = randn({3}, {.requires_grad = true});
  tensors.insert("weight", weight);
  tensors.insert("tied", weight);
  const ModelMetadata metadata{
      {"", "empty key"}, {"b", ""}, {"json", R"({"a": [1, "\u0000"]})"}, {"ü", "\x01\x7f"}};
  save_safetensors(folder / "x.safetensors", tensors, metadata);

  const SafetensorsFile file(folder / "x.safetensors");
  EXPECT_EQ(file.metadata(), metadata);
  EXPECT_EQ(file.entries().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const Tensor x = file.tensor(name);
    EXPECT_EQ(x.dtype(), tensor.dtype()) << name;
    EXPECT_EQ(x.shape(), tensor.shape()) << name;
    EXPECT_TRUE(x.is_contiguous()) << name;
    EXPECT_FALSE(x.requires_grad()) << name;
    EXPECT_EQ(x.to_vector<std::complex<double>>(), tensor.to_vector<std::complex<double>>()) << name;
  }
}

TEST(Safetensors, AlignsAndOrdersAsTheFormatAsks) {
  const TemporaryFolder folder;
  save_safetensors(folder / "x.safetensors", {{"b", ones({3}).to(bool_)},
                                              {"z", ones({3})},
                                              {"a", ones({3}).to(float16)},
                                              {"y", ones({3}).to(int64)},
                                              {"c", ones({3})}});
  const SafetensorsFile file(folder / "x.safetensors");
  EXPECT_EQ(file.names(), (std::vector<std::string>{"y", "c", "z", "a", "b"}));
  EXPECT_EQ(file.entries().front().begin % 8, 0u);
  for (const SafetensorsEntry& entry : file.entries()) EXPECT_EQ(entry.begin % item_size(*entry.dtype), 0u);
  EXPECT_EQ(file.state_dict().names(), file.names());
}

TEST(Safetensors, TensorsAreTheFileUntilChanged) {
  const TemporaryFolder folder;
  const auto path = folder / "x.safetensors";
  save_safetensors(path, {{"a", arange(4, {.dtype = float32})}});
  const std::string before = read_file(path);
  Tensor a;
  {
    const SafetensorsFile file(path);
    a = file.tensor("a");
    EXPECT_EQ(a.data<float>().data(), file.tensor("a").data<float>().data());  // no copies
  }
  a.mul_(2);  // the mapping outlives the file object, and keeps the change to itself
  EXPECT_EQ(a.to_vector<double>(), (Values{0, 2, 4, 6}));
  EXPECT_EQ(read_file(path), before);
  // A file that is replaced meanwhile does not change what was loaded.
  Tensor b = load_safetensors(path).at("a");
  save_safetensors(path, {{"a", zeros({4})}});
  EXPECT_EQ(b.to_vector<double>(), (Values{0, 1, 2, 3}));
  EXPECT_EQ(load_safetensors(path).at("a").to_vector<double>(), (Values{0, 0, 0, 0}));
}

TEST(Safetensors, SavesOverTheFileThatItsTensorsAreMappedFrom) {
  const TemporaryFolder folder;
  const auto path = folder / "x.safetensors";
  save_safetensors(path, {{"a", arange(100000)}});
  StateDict tensors = load_safetensors(path);
  tensors.insert("b", ones({1}));
  save_safetensors(path, tensors);
  EXPECT_EQ(load_safetensors(path).at("a")[99999].item<int>(), 99999);
}

TEST(Safetensors, NamesWhatIsNotThere) {
  const SafetensorsFile file(test_data("safetensors/network.safetensors"));
  EXPECT_TRUE(file.contains("0.weight"));
  EXPECT_FALSE(file.contains("0.wieght"));
  expect_error(ErrorCode::not_found, "no tensor `0.wieght`", "did you mean `0.weight`?",
               [&] { return file.tensor("0.wieght"); });
  expect_error(ErrorCode::not_found, "netwrok.safetensors: no such file",
               "did you mean `network.safetensors`?",
               [] { return SafetensorsFile(test_data("safetensors/netwrok.safetensors")).names(); });
  expect_error(ErrorCode::io, "not a regular file",
               [] { return SafetensorsFile(test_data("safetensors")).names(); });
}

TEST(Safetensors, RefusesToWriteWhatTheFormatLacks) {
  const TemporaryFolder folder;
  const auto save = [&](const StateDict& tensors, const ModelMetadata& metadata = {}) {
    return [&, tensors, metadata] {
      save_safetensors(folder / "x.safetensors", tensors, metadata);
      return 0;
    };
  };
  expect_error(ErrorCode::unsupported, "tensor `z` is complex128", "complex64",
               save({{"z", zeros({1}).to(complex128)}}));
  expect_error(ErrorCode::invalid_argument, "__metadata__", save({{"__metadata__", zeros({1})}}));
  expect_error(ErrorCode::invalid_argument, "tensor `u` is undefined", save({{"u", Tensor()}}));
  expect_error(ErrorCode::invalid_argument, "not UTF-8", save({{"\xff", zeros({1})}}));
  expect_error(ErrorCode::invalid_argument, "not UTF-8", save({}, {{"a", "\xc3"}}));
  EXPECT_EQ(folder.count(), 0);
}

}  // namespace
}  // namespace rustorch
