#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

namespace rustorch::testing {

/// What the program prints and how it ends.
struct Outcome {
  std::string output;
  int code = -1;
};

inline Outcome run(const std::string& arguments) {
  Outcome outcome;
  std::FILE* const pipe = ::popen((RUSTORCH_PROGRAM " " + arguments).c_str(), "r");
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> part;
  while (const std::size_t read = std::fread(part.data(), 1, part.size(), pipe))
    outcome.output.append(part.data(), read);
  const int status = ::pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

/// Tests of the program; skipped where it is not built.
class OfTheProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(RUSTORCH_PROGRAM)) GTEST_SKIP() << "the program is not built here";
  }
};

}  // namespace rustorch::testing
