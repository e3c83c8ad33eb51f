#include "rustorch/backends/gpu/compile_log.h"

#include <gtest/gtest.h>

namespace rustorch::gpu {
namespace {

constexpr std::string_view source = "first line\n  second line;\nthird line";

TEST(CompileLog, ShowsTheLineThatNvrtcNames) {
  EXPECT_EQ(annotate_log(source, "kernels.cu(2): error: no\n\n1 error detected\n"),
            "kernels.cu(2): error: no\n     2 |   second line;\n\n1 error detected");
}

TEST(CompileLog, ShowsTheLineThatClangNames) {
  EXPECT_EQ(annotate_log(source, "<program source>:3:5: error: no"),
            "<program source>:3:5: error: no\n     3 | third line");
  EXPECT_EQ(annotate_log(source, "error: /tmp/kernels.cl:1:12: no"),
            "error: /tmp/kernels.cl:1:12: no\n     1 | first line");
}

TEST(CompileLog, ShowsNoLineTwice) {
  const std::string_view log = "kernels.cu(2): error: no\n    second line;\n    ^";
  EXPECT_EQ(annotate_log(source, log), log);
}

TEST(CompileLog, LeavesOtherTextAlone) {
  for (const std::string_view log :
       {"", "ptxas fatal : f(3) uses too much", "kernels.cu(0): error", "kernels.cu(4): error", "(1)",
        "12:30 o'clock", "a(99999999999999999999999): error", ":1:", "a::b"}) {
    EXPECT_EQ(annotate_log(source, log), log);
  }
}

TEST(CompileLog, TakesLinesThatEndAsOnWindows) {
  EXPECT_EQ(annotate_log("one\r\ntwo\r\n", "a(2): error\r\n"), "a(2): error\n     2 | two");
}

}  // namespace
}  // namespace rustorch::gpu
