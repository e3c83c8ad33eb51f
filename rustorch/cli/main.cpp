#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "rustorch/cli/commands.h"
#include "rustorch/cli/terminal.h"
#include "rustorch/cli/usage.h"
#include "rustorch/error/error.h"

namespace {

using namespace rustorch;
using namespace rustorch::cli;

/// `error: …`, then `  while: …` lines, then `  try: …`.
void print_error(const Error& error) {
  const std::string text = error.what();
  fmt::print(stderr, "{} {}\n", styled(stderr, Style::red, "error:"), text);
}

int run(int argc, char** argv) {
  CLI::App app("RusTorch: tensors and deep learning", "rustorch");
  app.require_subcommand(1);
  app.set_version_flag("--version", RUSTORCH_VERSION);
  app.failure_message(CLI::FailureMessage::simple);
  Action action;
  add_devices(app, action);
  add_train(app, action);
  add_evaluate(app, action);
  add_predict(app, action);
  add_inspect(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    print_usage_error(app, error, {argv + 1, argv + argc});
    return exit_usage;
  }
  return action();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file beyond the allowed size is an Error of the write, not a silent end
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
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
