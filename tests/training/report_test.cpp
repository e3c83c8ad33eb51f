#include "rustorch/training/report.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "rustorch/data/image.h"
#include "rustorch/data/png.h"
#include "rustorch/tensor/operations/creation.h"
#include "rustorch/tensor/operations/random.h"
#include "rustorch/training/report_chart.h"
#include "tests/support/expect_error.h"

namespace rustorch::training {
namespace {

TEST(Ticks, AreRoundAndCover) {
  EXPECT_EQ(round_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  const auto small = round_ticks(0.013, 0.087, 5);
  EXPECT_LE(small.front(), 0.013);
  EXPECT_GE(small.back(), 0.087);
  EXPECT_GE(round_ticks(3, 3, 5).size(), 2u);  // one value: a margin around it
}

TEST(Smoothing, AveragesNeighboursAndSkipsNan) {
  const Curve curve{"", "#000", {0, 1, 2, 3}, {1, NAN, 3, 5}};
  const Curve smooth = smoothed(curve, 1, 100);
  EXPECT_EQ(smooth.y, (std::vector<double>{1, 2, 4, 4}));
}

TEST(Chart, WithoutDataSaysSo) {
  EXPECT_NE(to_svg({"Loss", "step", {Curve{"a", "#000", {}, {}}}}).find("no data"), std::string::npos);
}

TEST(Confusion, CountsAndRefusesForeignClasses) {
  ConfusionMatrix matrix(3);
  const Tensor scores = tensor({{5.f, 1.f, 0.f}, {0.f, 2.f, 1.f}, {0.f, 2.f, 1.f}});
  matrix.add(scores, tensor({0, 1, 2}));
  EXPECT_EQ(matrix.count(2, 1), 1);
  EXPECT_NEAR(matrix.accuracy(), 2.0 / 3, 1e-12);
  EXPECT_EQ(count_correct(scores, tensor({0, 1, 2})), 2);
  EXPECT_EQ(testing::error_of([&] {
              matrix.add(scores, tensor({0, 1, 3}));
            })->code(),
            ErrorCode::index_out_of_range);
  EXPECT_EQ(testing::error_of([&] {
              matrix.add(scores, tensor({0, 1}));
            })->code(),
            ErrorCode::shape_mismatch);
}

TEST(Wrong, AreSortedByConfidence) {
  const Tensor scores = tensor({{5.f, 1.f}, {3.f, 0.f}, {9.f, 0.f}, {0.f, 1.f}});
  const Tensor images = zeros({4, 2, 2}, {.dtype = uint8});
  const auto wrong = most_confidently_wrong(scores, tensor({0, 1, 1, 0}), images, 2);
  ASSERT_EQ(wrong.size(), 2u);
  EXPECT_EQ(wrong[0].index, 2);
  EXPECT_EQ(wrong[1].index, 1);
  EXPECT_EQ(wrong[0].predicted, 0);
  EXPECT_GT(wrong[0].confidence, wrong[1].confidence);
}

TEST(Report, IsOnePageWithAllParts) {
  Report report;
  report.title = "A & <b>";
  report.facts = {{"device", "cpu"}};
  for (int i = 1; i <= 20; ++i) report.log.steps.push_back({i, i <= 10 ? 1 : 2, 2.0 / i, 1e-3, 1000.0, 0.5});
  report.log.epochs = {{1, 0.5, 0.6, 0.5, 0.7, 1.0, 10.0}, {2, 0.4, 0.7, 0.4, 0.8, 1.0, 10.0}};
  report.class_names = {"shirt", "shoe"};
  ConfusionMatrix matrix(2);
  const Tensor scores = tensor({{5.f, 1.f}, {3.f, 0.f}});
  matrix.add(scores, tensor({0, 1}));
  report.confusion = &matrix;
  report.wrong =
      most_confidently_wrong(scores, tensor({0, 1}), randint(0, 255, {2, 28, 28}, {.dtype = uint8}), 5);
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "report_test.html";
  write_report(path, report);
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  const std::string html = text.str();
  EXPECT_NE(html.find("A &amp; &lt;b&gt;"), std::string::npos);
  EXPECT_NE(html.find("data:image/png;base64,iVBOR"), std::string::npos);
  EXPECT_NE(html.find("shoe taken for shirt: 1"), std::string::npos);
  EXPECT_EQ(html.find("src=\"http"), std::string::npos);
  std::filesystem::remove(path);
}

TEST(Png, ComesBackAsItWent) {
  const Tensor image = randint(0, 256, {5, 7, 3}, {.dtype = uint8});
  const auto bytes = data::encode_png(image);
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "png_test.png";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  EXPECT_TRUE(data::read_image(path).equal(image));
  std::filesystem::remove(path);
  EXPECT_TRUE(testing::error_of([] { data::encode_png(zeros({2, 2})); }));
}

}  // namespace
}  // namespace rustorch::training
