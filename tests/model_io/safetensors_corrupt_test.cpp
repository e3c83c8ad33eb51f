#include <gtest/gtest.h>

#include <span>
#include <string>

#include "rustorch/model_io/safetensors/header.h"
#include "rustorch/model_io/safetensors/safetensors_file.h"
#include "rustorch/tensor/operations/creation.h"
#include "support/expect_error.h"
#include "support/print.h"
#include "support/temporary_folder.h"

// Files of strangers: whatever is in them, they load or give an Error that names file, byte and rule.

namespace rustorch {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;
using testing::write_file;
using namespace std::string_literals;

std::string length_of(std::uint64_t length) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(length >> shift & 0xff);
  return bytes;
}

const std::string eight(8, '\0');
/// The members of a tensor that fills these eight bytes.
const std::string pair = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";

class SafetensorsRules : public ::testing::Test {
 protected:
  SafetensorsFile open(const std::string& json, const std::string& data = eight) {
    return open_bytes(length_of(json.size()) + json + data);
  }
  SafetensorsFile open_bytes(const std::string& bytes) {
    write_file(path_, bytes);
    return SafetensorsFile(path_);
  }
  void refuse(const std::string& json, std::string_view rule, const std::string& data = eight) {
    refuse_bytes(length_of(json.size()) + json + data, rule);
  }
  void refuse_bytes(const std::string& bytes, std::string_view rule) {
    const auto open = [&] { return open_bytes(bytes).names(); };
    expect_error(ErrorCode::corrupt_data, rule, open);
    expect_error(ErrorCode::corrupt_data, path_.string() + ": byte ", open);
  }
  /// A header whose only tensor has these values.
  void refuse_tensor(const std::string& dtype, const std::string& shape, const std::string& offsets,
                     std::string_view rule) {
    refuse(R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}",
           rule);
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "x.safetensors";
};

TEST_F(SafetensorsRules, AcceptWhatTheLibraryAccepts) {
  EXPECT_EQ(open("{\"a\":{" + pair + "}}").tensor("a").shape(), (Shape{2}));
  EXPECT_EQ(open(" \n\t{\"a\":{" + pair + "}}  \n").names().size(), 1u);
  EXPECT_TRUE(open(R"({"__metadata__":null,"a":{)" + pair + "}}").metadata().empty());
  EXPECT_TRUE(open(R"({"__metadata__":{},"a":{)" + pair + "}}").metadata().empty());
  EXPECT_EQ(open(R"({"a":{"later":{"deep":[1,{"x":null}],"y":-1.5},)" + pair + "}}").names().size(), 1u);
  EXPECT_TRUE(open("{}", "").entries().empty());
  EXPECT_EQ(open("{\"\":{" + pair + "}}").names(), (std::vector<std::string>{""}));
  EXPECT_EQ(open(R"({"\u00e9\ud83d\ude00":{)" + pair + "}}").names()[0], "é😀");
  // Tensors without bytes may stand at any border.
  const std::string empty = R"({"dtype":"F64","shape":[0,3],"data_offsets":)";
  EXPECT_EQ(open(R"({"b":)" + empty + R"([8,8]},"a":{)" + pair + "}}").names(),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(open(R"({"a":{)" + pair + R"(},"b":)" + empty + "[0,0]}}").names(),
            (std::vector<std::string>{"b", "a"}));
}

TEST_F(SafetensorsRules, MisalignedTensorsAreCopied) {
  const std::string odd = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                          R"("b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  const SafetensorsFile file = open(odd, "\x07\0\0\x80\x3f"s);
  EXPECT_EQ(file.tensor("a").item<int>(), 7);
  EXPECT_EQ(file.tensor("b").item<float>(), 1.0f);
}

TEST_F(SafetensorsRules, BoolsAreZeroOrOne) {
  const SafetensorsFile file =
      open(R"({"a":{"dtype":"BOOL","shape":[4],"data_offsets":[0,4]}})", "\0\x01\x02\xff"s);
  EXPECT_EQ(file.tensor("a").to_vector<int>(), (std::vector<int>{0, 1, 1, 1}));
}

TEST_F(SafetensorsRules, Length) {
  refuse_bytes("", "truncated");
  refuse_bytes("\x02\0\0"s, "byte 3: truncated");
  refuse_bytes(length_of(2), "byte 8: truncated: the header has 2 bytes");
  refuse_bytes(length_of(3) + "{}", "byte 10: truncated");
  refuse_bytes(length_of(100'000'001) + "{}", "a header of 100000001 bytes; safetensors allows 100000000");
  refuse_bytes(length_of(~std::uint64_t{0}) + "{}", "safetensors allows 100000000");
  refuse_bytes(length_of(~std::uint64_t{0} - 7) + "{}", "safetensors allows 100000000");  // 8 + N overflows
}

TEST_F(SafetensorsRules, Json) {
  refuse("", "invalid JSON", "");
  refuse("    ", "invalid JSON", "");
  refuse("{", "byte 9: invalid JSON", "");
  refuse("[]", "the header is an array", "");
  refuse("null", "the header is null", "");
  refuse("1", "the header is the number 1", "");
  refuse("{}{}", "invalid JSON", "");
  refuse("{\"a\":{" + pair + "},}", "invalid JSON");
  refuse("{'a':{" + pair + "}}", "invalid JSON");
  refuse("{\"a\":{" + pair + "}}//", "invalid JSON");
  refuse("{\"a\":{" + pair + "}}\0\0"s, "a zero byte in JSON");
  refuse("\xef\xbb\xbf{\"a\":{" + pair + "}}", "byte order mark");
  refuse("{\"\xff\":{" + pair + "}}", "invalid JSON");
  refuse(R"({"\ud800":{)" + pair + "}}", "invalid JSON");
  refuse("{\"a\nb\":{" + pair + "}}", "invalid JSON");
}

TEST_F(SafetensorsRules, Depth) {
  refuse(R"({"a":{"x":)" + std::string(200, '[') + std::string(200, ']') + "," + pair + "}}",
         "nested deeper than");
  refuse(R"({"a":{"x":)" + std::string(1'000'000, '['), "nested deeper than");
  std::string objects = R"({"a":{"x":)";
  for (int i = 0; i < 200; ++i) objects += R"({"x":)";
  refuse(objects, "nested deeper than");
  refuse(std::string(100'000, '['), "the header is an array");
}

TEST_F(SafetensorsRules, DuplicateKeys) {
  refuse("{\"a\":{" + pair + "},\"a\":{" + pair + "}}", "the key `a` comes twice");
  refuse("{\"a\":{" + pair + R"(},"\u0061":{)" + pair + "}}", "the key `a` comes twice");
  refuse("{\"a\":{" + pair + R"(,"dtype":"F32"}})", "the key `dtype` comes twice");
  refuse("{\"a\":{" + pair + R"(,"x":{"y":1,"y":2}}})", "the key `y` comes twice");
  refuse(R"({"__metadata__":{"k":"1","k":"1"},"a":{)" + pair + "}}", "the key `k` comes twice");
  refuse(R"({"__metadata__":{},"__metadata__":{},"a":{)" + pair + "}}", "the key `__metadata__` comes twice");
}

TEST_F(SafetensorsRules, Metadata) {
  refuse(R"({"__metadata__":{"k":1},"a":{)" + pair + "}}", "the metadata `k` is the number 1, not a text");
  refuse(R"({"__metadata__":{"k":null},"a":{)" + pair + "}}", "the metadata `k` is null");
  refuse(R"({"__metadata__":{"k":{}},"a":{)" + pair + "}}", "the metadata `k` is an object");
  refuse(R"({"__metadata__":[],"a":{)" + pair + "}}", "__metadata__ is an array");
  refuse(R"({"__metadata__":"x","a":{)" + pair + "}}", "__metadata__ is the text `x`");
  refuse(R"({"__metadata__":{)" + pair + "}}", "the metadata `shape` is an array");  // a tensor of that name
}

TEST_F(SafetensorsRules, Members) {
  refuse(R"({"a":1})", "tensor `a` is the number 1, not an object");
  refuse(R"({"a":null})", "tensor `a` is null");
  refuse(R"({"a":["F32",[2],[0,8]]})", "tensor `a` is an array");
  refuse(R"({"a":{"shape":[2],"data_offsets":[0,8]}})", "tensor `a` lacks dtype");
  refuse(R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", "tensor `a` lacks shape");
  refuse(R"({"a":{"dtype":"F32","shape":[2]}})", "tensor `a` lacks data_offsets");
  refuse(R"({"a":{}})", "tensor `a` lacks dtype");
  refuse_tensor(R"("F31")", "[2]", "[0,8]", "tensor `a`: unknown dtype `F31`");
  refuse_tensor(R"("f32")", "[2]", "[0,8]", "unknown dtype `f32`");
  refuse_tensor(R"("")", "[2]", "[0,8]", "unknown dtype ``");
  refuse_tensor("32", "[2]", "[0,8]", "the dtype is the number 32");
  refuse_tensor(R"(["F32"])", "[2]", "[0,8]", "the dtype is an array");
}

TEST_F(SafetensorsRules, Numbers) {
  const auto refuse_dim = [&](const std::string& dim) {
    refuse_tensor(R"("F32")", "[" + dim + "]", "[0,8]", "in shape, which is a list of integers from 0 on");
  };
  for (const char* dim : {"-2", "2.0", "2e0", "1.5", "-0", "\"2\"", "null", "true", "[2]", "{}",
                          "18446744073709551616", "1e400"}) {
    // 1e400 is out of the range of numbers, so no JSON that is read.
    if (dim == std::string("1e400")) {
      refuse_tensor(R"("F32")", "[1e400]", "[0,8]", "invalid JSON");
    } else {
      refuse_dim(dim);
    }
  }
  refuse_tensor(R"("F32")", "2", "[0,8]", "the number 2 in shape");
  refuse_tensor(R"("F32")", "{}", "[0,8]", "an object in shape");
  refuse_tensor(R"("F32")", "[9223372036854775808]", "[0,8]", "a dim of 9223372036854775808");
  for (const char* offsets : {"[-0,8]", "[0,-8]", "[0.0,8]", "[0,8.5]", "[0,\"8\"]", "8", "null", "{}"}) {
    refuse_tensor(R"("F32")", "[2]", offsets, "in data_offsets, which is a list of 2 integers from 0 on");
  }
  for (const char* offsets : {"[]", "[0]", "[0,8,8]"}) {
    refuse_tensor(R"("F32")", "[2]", offsets, "there must be 2");
  }
}

TEST_F(SafetensorsRules, Sizes) {
  refuse_tensor(R"("F32")", "[3]", "[0,8]", "F32 [3] has 12 bytes, data_offsets [0, 8] say 8");
  refuse_tensor(R"("F32")", "[]", "[0,8]", "F32 [] has 4 bytes");
  refuse_tensor(R"("F32")", "[0]", "[0,8]", "has 0 bytes");
  refuse_tensor(R"("F32")", "[2]", "[8,0]", "end before they begin");
  refuse_tensor(R"("F4")", "[3]", "[0,1]", "does not end at a whole byte");
  refuse_tensor(R"("F6_E2M3")", "[3]", "[0,2]", "does not end at a whole byte");
  refuse_tensor(R"("F32")", "[4294967296,4294967296]", "[0,8]", "overflows 64 bits");
  refuse_tensor(R"("F32")", "[4611686018427387905]", "[0,8]", "overflows 64 bits");
  refuse_tensor(R"("F32")", "[4294967296,4294967296,0]", "[0,0]", "overflows 64 bits");
  refuse_tensor(R"("F32")", "[0,4294967296,4294967296]", "[0,0]", "overflows 64 bits");
  EXPECT_EQ(open(R"({"a":{"dtype":"F4","shape":[4,4],"data_offsets":[0,8]}})").entries()[0].bytes(), 8u);
  EXPECT_EQ(open(R"({"a":{"dtype":"F6_E3M2","shape":[4],"data_offsets":[0,3]}})", "abc").entries()[0].bytes(),
            3u);
}

TEST_F(SafetensorsRules, Places) {
  const auto tensor = [](const std::string& name, int begin, int end) {
    return fmt::format(R"("{}":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}})", name, end - begin,
                       begin, end);
  };
  refuse("{" + tensor("a", 1, 8) + "}",
         "tensor `a` begins at 1 of the data, the one before it ends at 0: a hole");
  refuse("{" + tensor("a", 0, 3) + "," + tensor("b", 4, 8) + "}", "tensor `b` begins at 4 of the data");
  refuse("{" + tensor("a", 0, 4) + "," + tensor("b", 3, 8) + "}", "they overlap");
  refuse("{" + tensor("a", 0, 4) + "," + tensor("b", 0, 4) + "}", "they overlap");
  refuse("{" + tensor("a", 0, 9) + "}", "truncated: tensor `a` ends at 9 of the data, the file has 8");
  refuse("{" + tensor("a", 0, 7) + "}", "1 bytes after the last tensor");
  refuse("{}", "8 bytes after the last tensor");
  // The order in the header does not matter.
  EXPECT_EQ(open("{" + tensor("b", 4, 8) + "," + tensor("a", 0, 4) + "}").names(),
            (std::vector<std::string>{"a", "b"}));
}

TEST_F(SafetensorsRules, MessagesAreFitForATerminal) {
  const std::string long_name(100'000, 'n');
  const auto long_error = testing::error_of([&] { return open("{\"" + long_name + "\":1}").names(); });
  ASSERT_TRUE(long_error);
  EXPECT_LT(long_error->message().size(), 400u);
  const auto control = testing::error_of([&] { return open(R"({"\u001b[31m":1})").names(); });
  ASSERT_TRUE(control);
  EXPECT_EQ(control->message().find('\x1b'), std::string::npos);
  const auto syntax = testing::error_of([&] { return open("{\"" + long_name).names(); });
  ASSERT_TRUE(syntax);
  EXPECT_LT(syntax->message().size(), 400u);
}

TEST_F(SafetensorsRules, NoTruncationAndNoFlippedBitCrashes) {
  save_safetensors(
      path_, {{"weight", arange(6, {.dtype = float32})}, {"steps", arange(2)}, {"mask", ones({3}).to(bool_)}},
      {{"note", "x"}});
  const std::string whole = testing::read_file(path_);
  refuse_bytes(whole + "x", "1 bytes after the last tensor");
  const auto read = [&](const std::string& bytes) {
    return model_io::read_safetensors_header(path_, std::as_bytes(std::span(bytes))).entries.size();
  };
  for (std::size_t length = 0; length < whole.size(); ++length) {
    expect_error(ErrorCode::corrupt_data, path_.string() + ": byte ",
                 [&] { return read(whole.substr(0, length)); });
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      try {
        EXPECT_LE(read(damaged), 3u);
        if (bit == static_cast<int>(i % 8)) {  // writing each of them to a file would take long
          write_file(path_, damaged);
          for (const auto& [name, tensor] : load_safetensors(path_)) EXPECT_LE(tensor.numel(), 24);
        }
      } catch (const Error& error) {
        EXPECT_TRUE(error.code() == ErrorCode::corrupt_data || error.code() == ErrorCode::unsupported)
            << error.what();
      }
    }
  }
}

}  // namespace
}  // namespace rustorch
