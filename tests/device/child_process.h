#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <string>
#include <utility>

namespace rustorch::testing {

/// What `work` returns, or "Error: " and what it throws, when it runs in a copy of this process with these
/// environment variables set (or unset, where the value is nullptr). For what is read once per process.
template <class Work>
std::string in_child(std::initializer_list<std::pair<const char*, const char*>> environment,
                     const Work& work) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return "no pipe";
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    for (const auto& [name, value] : environment) {
      if (value != nullptr) {
        ::setenv(name, value, 1);
      } else {
        ::unsetenv(name);
      }
    }
    std::string text;
    try {
      text = work();
    } catch (const std::exception& error) {
      text = std::string("Error: ") + error.what();
    }
    const bool written = ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    std::exit(written ? 0 : 1);  // not _exit: coverage is written by exit handlers
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 256> chunk{};
  for (ssize_t bytes = 0; (bytes = ::read(ends[0], chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<std::size_t>(bytes));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child ended with status " << status;
  return text;
}

}  // namespace rustorch::testing
