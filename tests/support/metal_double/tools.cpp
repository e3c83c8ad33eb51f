// Running clang and the linker, and the files between their steps.
#include "tools.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <sstream>
#include <system_error>

namespace metal_double {
namespace {

/// The path of the first of these programs that can be run; empty if none can.
std::string find_program(std::initializer_list<std::string> names) {
  const char* search = std::getenv("PATH");
  for (const std::string& name : names) {
    if (name.find('/') != std::string::npos && ::access(name.c_str(), X_OK) == 0) return name;
    std::istringstream folders(search != nullptr ? search : "/usr/bin:/bin");
    for (std::string folder; std::getline(folders, folder, ':');) {
      std::string path = folder;
      path.append("/").append(name);
      if (::access(path.c_str(), X_OK) == 0) return path;
    }
  }
  return {};
}

Tools find_tools() {
  Tools found;
  if (__builtin_cpu_supports("avx2") == 0 || __builtin_cpu_supports("fma") == 0) {
    found.absence = "the Metal double compiles kernels for x86-64-v3 (AVX2, FMA), which this processor lacks";
    return found;
  }
  const char* chosen = std::getenv("METAL_DOUBLE_CLANG");
  found.clang = chosen != nullptr ? find_program({chosen}) : find_program({"clang-14", "clang-16", "clang"});
  if (found.clang.empty()) {
    found.absence =
        chosen != nullptr
            ? std::string("METAL_DOUBLE_CLANG names '") + chosen + "', which is not here"
            : "the Metal double compiles kernels with clang-14 or clang-16, and neither is on the "
              "PATH (apt-get install clang-14 lld-14)";
    return found;
  }
  found.linker = find_program({"ld.lld", "ld.lld-14", "ld.lld-16", "ld"});
  if (found.linker.empty()) {
    found.absence =
        "the Metal double links kernels with ld.lld or ld, and neither is on the PATH "
        "(apt-get install lld-14)";
    return found;
  }
  const CommandResult version = run_command(shell_word(found.clang) + " --version");
  found.identity = version.output;
  if (version.status != 0) found.absence = found.clang + " --version fails";
  return found;
}

}  // namespace

const Tools& tools() {
  static const Tools& found = *new Tools(find_tools());
  return found;
}

CommandResult run_command(const std::string& command) {
  CommandResult result;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {127, "cannot run a shell"};
  std::array<char, 65536> chunk{};
  for (std::size_t bytes = 0; (bytes = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
    result.output.append(chunk.data(), bytes);
  }
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return result;
}

std::string shell_word(const std::string& word) {
  std::string text = "'";
  for (const char character : word) {
    if (character == '\'') {
      text += "'\\''";
    } else {
      text += character;
    }
  }
  return text + "'";
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
}

WorkFolder::WorkFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "metal-double-XXXXXX").string();
  if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
}

WorkFolder::~WorkFolder() {
  std::error_code error;
  if (!path_.empty()) std::filesystem::remove_all(path_, error);
}

}  // namespace metal_double
