#include "rustorch/error/error.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "support/expect_error.h"

namespace rustorch {
namespace {

using testing::error_of;
using Texts = std::vector<std::string>;

TEST(Error, CarriesWhatItWasMadeFrom) {
  const auto line = std::source_location::current().line() + 1;
  const Error error(ErrorCode::shape_mismatch, "matmul: [4, 3] x [4, 5]", "transpose the first operand");
  EXPECT_EQ(error.code(), ErrorCode::shape_mismatch);
  EXPECT_EQ(error.message(), "matmul: [4, 3] x [4, 5]");
  EXPECT_EQ(error.suggestion(), "transpose the first operand");
  EXPECT_TRUE(error.context().empty());
  EXPECT_EQ(error.location().line(), line);
  EXPECT_STREQ(error.what(), "matmul: [4, 3] x [4, 5]\n  try: transpose the first operand");
}

TEST(Error, WithoutContextAndSuggestionPrintsItsMessageAlone) {
  EXPECT_STREQ(Error(ErrorCode::io, "disk full").what(), "disk full");
}

TEST(Error, ContextsAndSuggestionsCanBeAddedToACopy) {
  const Error bare(ErrorCode::corrupt_data, "bad length");
  const Error full =
      bare.with_context("reading layer 3").with_context("loading model.onnx").with_suggestion("X");
  EXPECT_STREQ(full.what(), "bad length\n  while: reading layer 3\n  while: loading model.onnx\n  try: X");
  EXPECT_EQ(full.context(), (Texts{"reading layer 3", "loading model.onnx"}));
  EXPECT_EQ(full.code(), ErrorCode::corrupt_data);
  EXPECT_EQ(full.location().line(), bare.location().line());
  EXPECT_STREQ(bare.what(), "bad length");
}

TEST(Error, CopiesShareTheirTextAndNeverThrow) {
  static_assert(std::is_nothrow_copy_constructible_v<Error>);
  const Error error(ErrorCode::io, "a text that is too long to be kept in the string object itself");
  const Error copy = error;
  EXPECT_EQ(copy.what(), error.what());  // the same address
}

TEST(Error, EveryCodeHasItsName) {
  EXPECT_EQ(to_string(ErrorCode::invalid_argument), "invalid_argument");
  EXPECT_EQ(to_string(ErrorCode::out_of_memory), "out_of_memory");
  EXPECT_EQ(to_string(ErrorCode::internal), "internal");
  EXPECT_EQ(to_string(static_cast<ErrorCode>(200)), "unknown");
}

TEST(Fail, FormatsItsMessageAndRemembersItsCaller) {
  unsigned line = 0;
  const auto error = error_of([&line] {
    line = std::source_location::current().line() + 1;
    fail(ErrorCode::io, "{}: cannot open ({})", "a.png", 2);
    return 0;
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::io);
  EXPECT_EQ(error->message(), "a.png: cannot open (2)");
  EXPECT_EQ(error->location().line(), line);
  EXPECT_NE(std::string_view(error->location().file_name()).find("error_test.cpp"), std::string_view::npos);
}

TEST(Fail, TakesASuggestion) {
  testing::expect_error(ErrorCode::not_found, "no key conv2", "did you mean `conv1`?", [] {
    fail_with_suggestion(ErrorCode::not_found, "did you mean `conv1`?", "no key {}", "conv2");
    return 0;
  });
}

TEST(Check, EvaluatesItsMessageOnlyWhenItFails) {
  int evaluated = 0;
  const auto describe = [&evaluated] { return ++evaluated; };
  RUSTORCH_CHECK(true, internal, "number {}", describe());
  EXPECT_EQ(evaluated, 0);
  const auto check = [&] {
    RUSTORCH_CHECK(evaluated > 0, index_out_of_range, "number {}", describe());
    return 0;
  };
  testing::expect_error(ErrorCode::index_out_of_range, "number 1", check);
  EXPECT_EQ(evaluated, 1);
}

TEST(ErrorContext, NamesTheScopesInnermostFirst) {
  const std::string file = "model.onnx";
  ErrorContext outer([&] { return fmt::format("reading {}", file); });
  {
    const auto describe = [] { return std::string("loading layer 3"); };
    ErrorContext inner(describe);
    const Error error(ErrorCode::corrupt_data, "negative size", "redo the export");
    EXPECT_STREQ(
        error.what(),
        "negative size\n  while: loading layer 3\n  while: reading model.onnx\n  try: redo the export");
  }
  EXPECT_EQ(Error(ErrorCode::io, "gone").context(), (Texts{"reading model.onnx"}));
}

TEST(ErrorContext, EndsWithItsScopeWhenAnErrorPasses) {
  const auto work = [] {
    ErrorContext scope([] { return std::string("inside"); });
    fail(ErrorCode::io, "failed");
    return 0;
  };
  const auto error = error_of(work);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->context(), (Texts{"inside"}));
  EXPECT_TRUE(ErrorContext::collect().empty());
}

TEST(ErrorContext, DescribesOnlyWhenAnErrorIsRaised) {
  int described = 0;
  const auto describe = [&] { return std::to_string(++described); };
  { ErrorContext scope(describe); }
  EXPECT_EQ(described, 0);
  ErrorContext scope(describe);
  EXPECT_EQ(Error(ErrorCode::io, "x").context(), (Texts{"1"}));
}

TEST(ErrorContext, ANamedCallableIsReferencedNotCopied) {
  struct Describe {
    std::string text;
    std::string operator()() const { return text; }
  } describe{"before"};
  ErrorContext scope(describe);
  describe.text = "after";
  EXPECT_EQ(ErrorContext::collect(), (Texts{"after"}));
}

TEST(ErrorContext, ATemporaryCallableIsKept) {
  const int layer = 3;
  const std::string name = "conv";
  ErrorContext scope([&layer, &name] { return fmt::format("{} {}", name, layer); });
  EXPECT_EQ(ErrorContext::collect(), (Texts{"conv 3"}));
}

TEST(ErrorContext, EachThreadHasItsOwn) {
  ErrorContext scope([] { return std::string("main"); });
  std::vector<Texts> seen(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    threads.emplace_back([i, &seen] {
      ErrorContext outer([&i] { return fmt::format("thread {}", i); });
      for (int round = 0; round < 100; ++round) {
        ErrorContext inner([&round] { return fmt::format("round {}", round); });
        seen[i] = Error(ErrorCode::io, "x").context();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i], (Texts{"round 99", fmt::format("thread {}", i)}));
  }
  EXPECT_EQ(ErrorContext::collect(), (Texts{"main"}));
}

TEST(ErrorContext, SurvivesADescriptionThatFails) {
  ErrorContext outer([] { return std::string("outer"); });
  ErrorContext inner([]() -> std::string { fail(ErrorCode::internal, "no text"); });
  const Error error(ErrorCode::io, "x");
  ASSERT_EQ(error.context().size(), 2u);
  EXPECT_EQ(error.context()[1], "outer");
  EXPECT_EQ(ErrorContext::collect().size(), 2u);  // the chain is whole again
}

}  // namespace
}  // namespace rustorch
