#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace metal_double {

/// The programs that compile kernels.
struct Tools {
  std::string clang, linker;  ///< paths
  std::string identity;       ///< what clang says of its version; part of the key of kept kernels
  std::string absence;        ///< not empty: what is missing, and where it comes from
};

/// Looked for once.
const Tools& tools();

/// A command's exit status, and what it wrote to standard output.
struct CommandResult {
  int status = 0;
  std::string output;
};
/// Runs a command of the shell.
CommandResult run_command(const std::string& command);

/// A word as the shell takes it, whatever is in it.
std::string shell_word(const std::string& word);

/// All of a file; empty if it cannot be read.
std::string read_text(const std::filesystem::path& path);
/// Writes a file.
void write_text(const std::filesystem::path& path, std::string_view text);

/// A folder that goes with all that is in it.
class WorkFolder {
 public:
  WorkFolder();
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace metal_double
