#include <gtest/gtest.h>

#include "rustorch/model_io/safetensors/safetensors_file.h"
#include "rustorch/tensor/operations/creation.h"
#include "support/expect_error.h"
#include "support/print.h"
#include "support/temporary_folder.h"

namespace rustorch {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;
using testing::test_data;
using testing::write_file;

TEST(SafetensorsIndex, ReadsAModelInSeveralFiles) {
  const SafetensorsIndex index(test_data("safetensors/sharded/model.safetensors.index.json"));
  EXPECT_EQ(index.files().size(), 2u);
  EXPECT_TRUE(index.contains("b.weight"));
  EXPECT_EQ(index.tensor("b.weight").to_vector<int>(), (std::vector<int>{7, 7, 7}));
  const StateDict tensors = load_safetensors(index.path());
  EXPECT_EQ(tensors.names(), (std::vector<std::string>{"a.weight", "a.bias", "b.weight"}));
  EXPECT_EQ(tensors.at("a.weight").shape(), (Shape{2, 2}));
  expect_error(ErrorCode::not_found, "no tensor `b.wieght` among 3", "did you mean `b.weight`?",
               [&] { return index.tensor("b.wieght"); });
}

class SafetensorsIndexRules : public ::testing::Test {
 protected:
  SafetensorsIndexRules() {
    save_safetensors(folder_ / "1.safetensors", {{"a", zeros({1})}, {"b", zeros({1})}});
    save_safetensors(folder_ / "2.safetensors", {{"c", zeros({1})}});
  }
  void refuse(const std::string& json, std::string_view rule, ErrorCode code = ErrorCode::corrupt_data) {
    const auto path = folder_ / "model.safetensors.index.json";
    write_file(path, json);
    expect_error(code, rule, [&] { return SafetensorsIndex(path).files().size(); });
  }
  void refuse_map(const std::string& map, std::string_view rule, ErrorCode code = ErrorCode::corrupt_data) {
    refuse(R"({"metadata":{"total_size":12},"weight_map":)" + map + "}", rule, code);
  }
  TemporaryFolder folder_;
};

TEST_F(SafetensorsIndexRules, FilesAndIndexAgreeInBothDirections) {
  refuse_map(R"({"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors","d":"2.safetensors"})",
             "the files lack `d` (`2.safetensors`)");
  refuse_map(R"({"a":"1.safetensors","c":"2.safetensors"})",
             "the index does not say that there is `b` (`1.safetensors`)");
  refuse_map(
      R"({"a":"1.safetensors","b":"2.safetensors","c":"2.safetensors"})",
      "the files lack `b` (`2.safetensors`); the index does not say that there is `b` (`1.safetensors`)");
  refuse_map(R"({"a":"3.safetensors"})", "3.safetensors: no such file", ErrorCode::not_found);
  std::string many = "{\"a\":\"1.safetensors\"";
  for (int i = 0; i < 20; ++i) many += fmt::format(R"(,"x{}":"1.safetensors")", i);
  refuse_map(many + "}", "and 15 more");
}

TEST_F(SafetensorsIndexRules, Json) {
  refuse("", "byte 0: invalid JSON");
  refuse("[]", "the index is not an object");
  refuse("{}", "the index has no weight_map");
  refuse(R"({"weight_map":1})", "weight_map is not an object");
  refuse(R"({"weight_map":{},"weight_map":{}})", "the key `weight_map` comes twice");
  refuse_map(R"({"a":1})", "the file of `a` is not a text");
  refuse_map(R"({"a":{}})", "the file of `a` is not a text");
  refuse_map(R"({"a":"1.safetensors","a":"1.safetensors"})", "the key `a` comes twice");
  refuse(R"({"metadata":)" + std::string(1000, '['), "nested deeper");
}

TEST_F(SafetensorsIndexRules, FilesStayInTheModelsFolder) {
  for (const char* name : {"", ".", "..", "../1.safetensors", "/etc/passwd", "a/b", "a\\\\b", "x\\u0000y"}) {
    refuse_map(std::string(R"({"a":")") + name + "\"}", "which is no file name");
  }
}

}  // namespace
}  // namespace rustorch
