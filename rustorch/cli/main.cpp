#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "rustorch/cli/command_line.h"
#include "rustorch/cli/commands.h"
#include "rustorch/cli/terminal.h"
#include "rustorch/error/error.h"

namespace {

using namespace rustorch;
using namespace rustorch::cli;

/// `error: …`, then `  while: …` lines, then `  try: …`.
void print_error(const Error& error) {
  const std::string text = error.what();
  fmt::print(stderr, "{} {}\n", styled(stderr, Style::red, "error:"), text);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file beyond the allowed size is an Error of the write, not a silent end
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run_command_line(argc, argv);
  } catch (const Error& error) {
    print_error(error);
    return exit_error;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "{} out of memory\n", styled(stderr, Style::red, "error:"));
    return exit_error;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{} {}\n", styled(stderr, Style::red, "error:"), error.what());
    return exit_error;
  }
}
