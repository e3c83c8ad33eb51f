#include "rustorch/model_io/state_dict_io.h"

#include <gtest/gtest.h>

#include "rustorch/nn/linear.h"
#include "rustorch/tensor/operations/creation.h"
#include "support/expect_error.h"
#include "support/print.h"
#include "support/temporary_folder.h"

namespace rustorch {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;

TEST(StateDictIo, SavesAndLoadsAModule) {
  const TemporaryFolder folder;
  nn::Linear saved(3, 2), loaded(3, 2);
  save_state_dict(saved.state_dict(), folder / "net.safetensors");
  loaded.load_state_dict(load_state_dict(folder / "net.safetensors"));
  EXPECT_EQ(loaded.state_dict().at("weight").to_vector<float>(),
            saved.state_dict().at("weight").to_vector<float>());
  EXPECT_EQ(loaded.state_dict().at("bias").to_vector<float>(),
            saved.state_dict().at("bias").to_vector<float>());
}

TEST(StateDictIo, TakesTheFormatFromTheName) {
  const TemporaryFolder folder;
  save_state_dict({{"a", ones({1})}}, folder / "NET.SafeTensors");
  EXPECT_EQ(load_state_dict(folder / "NET.SafeTensors").size(), 1u);
  EXPECT_EQ(load_state_dict(testing::test_data("safetensors/sharded/model.safetensors.index.json")).size(),
            3u);
  for (const char* name : {"net.pt", "net.pth", "pytorch_model.bin", "last.ckpt"}) {
    expect_error(ErrorCode::unsupported, "PyTorch's zip files cannot be read or written yet", "safetensors",
                 [&] { return load_state_dict(folder / name); });
    expect_error(ErrorCode::unsupported, "PyTorch's zip files",
                 [&] { return save_state_dict({}, folder / name), 0; });
  }
  expect_error(ErrorCode::unsupported, "`.onnx` is none that is known", "ends in .safetensors",
               [&] { return load_state_dict(folder / "net.onnx"); });
  expect_error(ErrorCode::unsupported, "no extension",
               [&] { return save_state_dict({}, folder / "net"), 0; });
  expect_error(ErrorCode::unsupported, "several files",
               [&] { return save_state_dict({}, folder / "net.safetensors.index.json"), 0; });
}

TEST(StateDictIo, TryGivesAResult) {
  const TemporaryFolder folder;
  const Result<StateDict> absent = try_load_state_dict(folder / "net.safetensors");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code(), ErrorCode::not_found);
  save_state_dict({{"a", ones({1})}}, folder / "net.safetensors");
  EXPECT_TRUE(try_load_state_dict(folder / "net.safetensors"));
}

}  // namespace
}  // namespace rustorch
