#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <string>
#include <thread>
#include <utility>

namespace rustorch::testing {

/// The exit code that `work` gives in a copy of this process; 1000 and the signal's number if one ended it,
/// 1000 alone if it did not end within a minute. Exit handlers do not run.
template <class Work>
int exit_code_in_child(const Work& work) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < limit) {
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) == child)
      return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return 1000;
}

/// What `work` returns, or "Error: " and what it throws, when it runs in a copy of this process with these
/// environment variables set (or unset, where the value is nullptr). For what is read once per process. As
/// much text as a pipe holds, 64 KiB.
template <class Work>
std::string in_child(std::initializer_list<std::pair<const char*, const char*>> environment,
                     const Work& work) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return "no pipe";
  const int code = exit_code_in_child([&]() -> int {
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
#if defined(__SANITIZE_ADDRESS__)
    ::_exit(written ? 0 : 1);  // what the parent's other threads hold would count as leaked here
#else
    std::exit(written ? 0 : 1);  // coverage is written by exit handlers
#endif
  });
  ::close(ends[1]);
  std::string text;
  std::array<char, 256> chunk{};
  for (ssize_t bytes = 0; (bytes = ::read(ends[0], chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<std::size_t>(bytes));
  }
  ::close(ends[0]);
  EXPECT_EQ(code, 0) << "of the child";
  return text;
}

}  // namespace rustorch::testing
