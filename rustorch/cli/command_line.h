#pragma once

namespace rustorch::cli {

/// Reads the command line and runs the command that it names. A mistake in it is said on standard error, with
/// the nearest option or command. Gives the exit code.
int run_command_line(int argc, char** argv);

}  // namespace rustorch::cli
