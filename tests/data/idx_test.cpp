#include "rustorch/data/idx.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/shape.h"
#include "support/expect_error.h"
#include "support/print.h"
#include "support/temporary_folder.h"

namespace rustorch::data {
namespace {

using testing::expect_error;
using testing::read_file;
using testing::TemporaryFolder;
using testing::write_file;
using namespace std::string_literals;

std::string gzip(const std::string& contents) {
  std::string out(compressBound(static_cast<uLong>(contents.size())) + 64, '\0');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string input = contents;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// uint8 [2, 3]: 1 … 6.
const std::string small = "\0\0\x08\x02\0\0\0\x02\0\0\0\x03\x01\x02\x03\x04\x05\x06"s;

class Idx : public ::testing::Test {
 protected:
  Tensor read(const std::string& contents) {
    write_file(folder_ / "file", contents);
    return read_idx(folder_ / "file");
  }
  void expect_corrupt(const std::string& contents, std::string_view message) {
    expect_error(ErrorCode::corrupt_data, message, [&] { return read(contents); });
    expect_error(ErrorCode::corrupt_data, (folder_ / "file").string(), [&] { return read(contents); });
  }
  TemporaryFolder folder_;
};

TEST_F(Idx, ReadsBytes) {
  const Tensor x = read(small);
  EXPECT_EQ(x.dtype(), uint8);
  EXPECT_EQ(x.shape(), (Shape{2, 3}));
  EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{1, 2, 3, 4, 5, 6}));
}

TEST_F(Idx, ReadsEveryDtypeBigEndian) {
  const auto one_dim = [](char code, const std::string& data, char count) {
    return "\0\0"s + code + "\x01\0\0\0"s + count + data;
  };
  EXPECT_EQ(read(one_dim(0x09, "\xff\x01", 2)).to_vector<int>(), (std::vector<int>{-1, 1}));
  EXPECT_EQ(read(one_dim(0x0b, "\xff\xfe\x01\x02", 2)).to_vector<int>(), (std::vector<int>{-2, 258}));
  EXPECT_EQ(read(one_dim(0x0c, "\x01\x02\x03\x04", 1)).to_vector<int>(), (std::vector<int>{0x01020304}));
  EXPECT_EQ(read(one_dim(0x0d, "\x3f\xc0\0\0"s, 1)).to_vector<float>(), (std::vector<float>{1.5f}));
  const Tensor f64 = read(one_dim(0x0e, "\xc0\x04\0\0\0\0\0\0"s, 1));
  EXPECT_EQ(f64.dtype(), float64);
  EXPECT_EQ(f64.to_vector<double>(), (std::vector<double>{-2.5}));
}

TEST_F(Idx, ReadsGzipWhateverTheName) {
  EXPECT_EQ(read(gzip(small)).to_vector<int>(), (std::vector<int>{1, 2, 3, 4, 5, 6}));
  // Several members, one after the other, are one file.
  EXPECT_EQ(read(gzip(small.substr(0, 7)) + gzip(small.substr(7))).to_vector<int>(),
            (std::vector<int>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(read(gzip("\0\0\x08\x01\0\0\0\0"s)).shape(), (Shape{0}));
}

TEST_F(Idx, EmptyTensors) {
  EXPECT_EQ(read("\0\0\x08\x02\0\0\0\0\xff\xff\xff\xff"s).shape(), (Shape{0, 4294967295}));
}

TEST_F(Idx, RefusesOtherFiles) {
  expect_corrupt("", "byte 0: not an IDX file, it is empty");
  expect_corrupt("\x89PNG\r\n", "byte 0: not an IDX file, it begins with 89 50 4e 47");
  expect_corrupt("\0\0\x0a\x01\0\0\0\0"s, "byte 2: 0x0a is no IDX dtype");
  expect_corrupt("\0\0\x08\0"s, "byte 3: 0 dims");
  expect_corrupt("\0\0\x08\x09"s, "byte 3: 9 dims");
}

TEST_F(Idx, RefusesTruncatedAndTrailingBytes) {
  for (std::size_t length = 4; length < small.size(); ++length) {
    expect_corrupt(small.substr(0, length), "truncated");
    expect_corrupt(gzip(small.substr(0, length)), "truncated");
  }
  expect_corrupt(small.substr(0, 15), "byte 12: truncated: the header declares uint8 [2, 3]");
  expect_corrupt(gzip(small.substr(0, 15)), "byte 15: truncated: uint8 [2, 3] needs 3 bytes more");
  expect_corrupt(small + "x", "byte 18: trailing bytes after uint8 [2, 3]");
  expect_corrupt(gzip(small + "x"), "byte 18: trailing bytes");
  expect_corrupt(gzip(small) + gzip("x"), "byte 18: trailing bytes");
}

TEST_F(Idx, RefusesSizesThatTheFileCannotHave) {
  // Were they believed, the allocation alone would fail or take all memory.
  expect_corrupt("\0\0\x08\x02\xff\xff\xff\xff\xff\xff\xff\xff"s, "does not fit");
  expect_corrupt("\0\0\x0e\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s, "does not fit");
  expect_corrupt(gzip("\0\0\x08\x02\xff\xff\xff\xff\xff\xff\xff\xff"s), "at the best gzip ratio");
}

TEST_F(Idx, RefusesDamagedGzip) {
  const std::string good = gzip(small);
  for (std::size_t length = 3; length < good.size(); ++length) {
    expect_corrupt(good.substr(0, length), length < 18 ? "" : "the gzip data are truncated");
  }
  std::string checksum = good;
  checksum[good.size() - 8] = static_cast<char>(checksum[good.size() - 8] ^ 1);
  expect_corrupt(checksum, "incorrect data check");
  std::string length = good;
  length[good.size() - 1] = static_cast<char>(length[good.size() - 1] ^ 1);
  expect_corrupt(length, "incorrect length check");
  expect_corrupt(good + "garbage", "damaged gzip data: incorrect header check");
  // Any one byte: an Error or the same values (some bytes of gzip's header mean nothing), never anything
  // else.
  for (std::size_t i = 2; i < good.size(); ++i) {
    std::string damaged = good;
    damaged[i] = static_cast<char>(~damaged[i]);
    try {
      EXPECT_EQ(read(damaged).to_vector<int>(), (std::vector<int>{1, 2, 3, 4, 5, 6})) << i;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corrupt_data) << error.what();
    }
  }
}

TEST_F(Idx, SaysWhatCannotBeOpened) {
  expect_error(ErrorCode::not_found, "absent: no such file", [&] { return read_idx(folder_ / "absent"); });
  expect_error(ErrorCode::io, "not a regular file", [&] { return read_idx(folder_.path()); });
}

TEST_F(Idx, WritesWhatItReads) {
  for (const DType dtype : {uint8, int8, int16, int32, float32, float64}) {
    const Tensor x = arange(-3, 3).to(dtype).reshape({1, 2, 3});
    for (const char* name : {"x.idx", "x.idx.gz"}) {
      write_idx(folder_ / name, x.permute({2, 0, 1}));
      const Tensor y = read_idx(folder_ / name);
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_EQ(y.shape(), (Shape{3, 1, 2}));
      EXPECT_EQ(y.to_vector<double>(), x.permute({2, 0, 1}).to_vector<double>());
    }
  }
  write_idx(folder_ / "small", tensor(std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6}).reshape({2, 3}));
  EXPECT_EQ(read_file(folder_ / "small"), small);
  write_idx(folder_ / "small.gz", tensor(std::vector<std::uint8_t>{1}));
  EXPECT_EQ(read_file(folder_ / "small.gz").substr(0, 2), "\x1f\x8b");
}

TEST_F(Idx, RefusesToWriteWhatIdxLacks) {
  expect_error(ErrorCode::dtype_mismatch, "int64",
               [&] { return write_idx(folder_ / "x", zeros({1}).to(int64)), 0; });
  expect_error(ErrorCode::shape_mismatch, "0 dims", [&] { return write_idx(folder_ / "x", zeros({})), 0; });
  expect_error(ErrorCode::io, "cannot write", [&] { return write_idx(folder_ / "no" / "x", zeros({1})), 0; });
}

TEST_F(Idx, IsToldFromOtherFiles) {
  write_file(folder_ / "idx", small);
  write_file(folder_ / "gzipped", gzip(small));
  write_file(folder_ / "png", "\x89PNG\r\n");
  write_file(folder_ / "short", "\0\0\x08"s);
  EXPECT_TRUE(is_idx_file(folder_ / "idx"));
  EXPECT_TRUE(is_idx_file(folder_ / "gzipped"));
  EXPECT_FALSE(is_idx_file(folder_ / "png"));
  EXPECT_FALSE(is_idx_file(folder_ / "short"));
  EXPECT_FALSE(is_idx_file(folder_ / "absent"));
}

}  // namespace
}  // namespace rustorch::data
