// From MSL to machine code: preprocess behind the shim; read the signatures; then, side by side, compile with
// an entry for each kernel and check the syntax tree; load the shared object.
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <regex>
#include <system_error>

#include "program.h"
#include "signature_reader.h"
#include "syntax_tree_checks.h"
#include "tools.h"

namespace metal_double {
namespace {

/// MSL is closest to C++ for OpenCL 2021. Only 16-bit floats and pointers without an address space are
/// allowed of its extensions; the latter so that the checks find them, with Metal's own message.
constexpr const char* language =
    " -x cl -cl-std=clc++2021 -cl-no-stdinc -nostdinc -Xclang -cl-ext=-all,+cl_khr_fp16,"
    "+__opencl_c_generic_address_space -Werror=implicit-function-declaration -Wno-unknown-attributes"
    " -Wno-unknown-pragmas -Wno-unused-value -fno-color-diagnostics ";

/// One instruction set for all machines, with fused multiply-adds and 16-bit floats. Metal contracts
/// a * b + c unless a pragma forbids it. Large variables do not step over the pages below a fiber's stack.
constexpr const char* code_generation =
    " -march=x86-64-v3 -O1 -fPIC -fstack-clash-protection -fno-math-errno -Xclang "
    "-ffp-contract=fast-honor-pragmas ";
constexpr const char* fast_math_option = " -cl-fast-relaxed-math ";

/// A text without its comments, with its lines.
std::string without_comments(const std::string& text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.compare(at, 2, "//") == 0) {
      while (at < text.size() && text[at] != '\n') ++at;
      if (at < text.size()) plain += '\n';
    } else if (text.compare(at, 2, "/*") == 0) {
      const std::size_t end = std::min(text.find("*/", at + 2), text.size());
      plain.append(
          static_cast<std::size_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(at),
                                              text.begin() + static_cast<std::ptrdiff_t>(end), '\n')),
          '\n');
      plain += ' ';
      at = end + 1;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

/// What must be seen in the text itself, because clang takes it with another meaning.
std::string check_text(const std::string& source) {
  static const std::regex long_long(R"(\blong\s+long\b)");
  static const std::regex vector_cast(
      R"(\(\s*(half|float|u?int|u?short|u?char|u?long)[234]\s*\)\s*\([^()]*,)");
  const std::string plain = without_comments(source);
  std::smatch match;
  if (std::regex_search(plain, match, long_long))
    return "program_source: error: 'long long' is not supported\n";
  if (std::regex_search(plain, match, vector_cast))
    return "program_source: error: '" + match.str() +
           "...)' is a comma expression in Metal, not a vector's constructor\n";
  return {};
}

/// The preprocessed text as the next steps take it: without the poison, which has done its work and would
/// refuse the shim's own words, and with clang's name for Metal's pragma.
std::string translate_pragmas(const std::string& text) {
  constexpr std::string_view poison = "#pragma GCC poison", contract = "#pragma METAL fp contract(";
  std::string translated;
  translated.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    if (line.starts_with(contract)) {
      translated.append("#pragma clang fp contract(").append(line.substr(contract.size()));
    } else if (!line.starts_with(poison)) {
      translated.append(line);
    }
    translated += '\n';
    at = end + 1;
  }
  return translated;
}

/// A function without parameters for each kernel, which fetches the arguments from the fibers' side.
std::string entries(const std::map<std::string, KernelCode>& kernels) {
  std::string code =
      "\nextern \"C\" { ulong metal_double_buffer(uint index, ulong bytes); uint3 metal_double_place(uint "
      "which); "
      "}\n";
  for (const auto& [name, kernel] : kernels) {
    code += "extern \"C\" void metal_double_entry_" + name + "() { " + name + "(";
    const char* separator = "";
    for (const Parameter& parameter : kernel.parameters) {
      code += separator;
      separator = ", ";
      if (parameter.attribute == "buffer") {
        const std::string index = std::to_string(parameter.index);
        code += parameter.reference ? "*(" + parameter.type + "*)metal_double_buffer(" + index + ", sizeof(" +
                                          parameter.type + "))"
                                    : "(" + parameter.type + ")metal_double_buffer(" + index + ", 0)";
        continue;
      }
      const auto which = std::find(place_attributes.begin(), place_attributes.end(), parameter.attribute) -
                         place_attributes.begin();
      const char width = parameter.type.back();
      code += "metal_double_place(" + std::to_string(which) + ")";
      code += width == '3' ? "" : width == '2' ? ".xy" : ".x";
    }
    code += "); }\n";
  }
  return code;
}

/// The path of this library, which compiled kernels call back.
std::string own_path() {
  Dl_info info{};
  ::dladdr(reinterpret_cast<const void*>(&own_path), &info);
  return std::filesystem::absolute(info.dli_fname).string();
}

/// Where compiled texts are kept; empty where they are not.
std::filesystem::path cache_entry(const std::string& source, bool fast_math) {
  const char* folder = std::getenv("METAL_DOUBLE_CACHE");
  if (folder == nullptr || *folder == '\0') return {};
  // What this library itself does to a text is part of the key, too.
  static const std::string makers =
      read_text(METAL_DOUBLE_SHIM_FOLDER "/metal_stdlib") + read_text(own_path());
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::string key =
      source + '\0' + makers + language + code_generation + tools().identity + (fast_math ? "fast" : "safe");
  return std::filesystem::path(folder) /
         (std::to_string(std::hash<std::string>{}(key)) + "-" + std::to_string(key.size()));
}

/// Copies a file so that other processes see all of it or nothing.
void keep(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code error;
  const std::filesystem::path part = to.string() + ".part" + std::to_string(::getpid());
  if (std::filesystem::copy_file(from, part, std::filesystem::copy_options::overwrite_existing, error))
    std::filesystem::rename(part, to, error);
}

/// Finds the kernels' threadgroup variables, which clang makes zeroed static ones, in the symbols of a shared
/// object. Their mangled names begin with the kernel's; what names none counts for every kernel.
void find_threadgroup_memory(const std::string& file, char* base,
                             std::map<std::string, KernelCode>& kernels) {
  const auto at = [&]<class T>(std::size_t offset, T value) {
    if (offset + sizeof(T) <= file.size()) std::memcpy(&value, file.data() + offset, sizeof(T));
    return value;
  };
  const auto header = at(0, Elf64_Ehdr{});
  const auto section = [&](std::size_t index) {
    return at(header.e_shoff + index * sizeof(Elf64_Shdr), Elf64_Shdr{});
  };
  for (std::size_t index = 0; index < header.e_shnum; ++index) {
    const Elf64_Shdr symbols = section(index);
    if (symbols.sh_type != SHT_SYMTAB) continue;
    const Elf64_Shdr names = section(symbols.sh_link);
    for (std::size_t offset = 0; offset + sizeof(Elf64_Sym) <= symbols.sh_size; offset += sizeof(Elf64_Sym)) {
      const auto symbol = at(symbols.sh_offset + offset, Elf64_Sym{});
      if (ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT || symbol.st_shndx >= header.e_shnum ||
          section(symbol.st_shndx).sh_type != SHT_NOBITS)
        continue;
      const std::string_view name = file.data() + std::min(names.sh_offset + symbol.st_name, file.size());
      const std::span<char> memory(base + symbol.st_value, symbol.st_size);
      const auto belongs = [&](const std::string& kernel) {
        return name.starts_with("_ZZ" + std::to_string(kernel.size()) + kernel) ||
               name.starts_with(kernel + ".");
      };
      const bool is_known = std::any_of(kernels.begin(), kernels.end(),
                                        [&](const auto& entry) { return belongs(entry.first); });
      for (auto& [kernel, code] : kernels) {
        if (!is_known || belongs(kernel)) code.threadgroup_memory.push_back(memory);
      }
    }
  }
}

}  // namespace

Program::~Program() {
  if (library_ != nullptr) ::dlclose(library_);
}

const KernelCode* Program::kernel(const std::string& name) const {
  const auto found = kernels_.find(name);
  return found == kernels_.end() ? nullptr : &found->second;
}

bool Program::load(const std::string& path, std::string& diagnostics) {
  library_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  link_map* map = nullptr;
  if (library_ == nullptr || ::dlinfo(library_, RTLD_DI_LINKMAP, &map) != 0) {
    diagnostics = std::string("program_source: error: ") + ::dlerror();
    return false;
  }
  for (auto& [name, kernel] : kernels_) {
    kernel.entry = reinterpret_cast<void (*)()>(::dlsym(library_, ("metal_double_entry_" + name).c_str()));
  }
  find_threadgroup_memory(read_text(path), reinterpret_cast<char*>(map->l_addr), kernels_);
  return true;
}

bool Program::compile(const std::string& source, bool fast_math, std::string& diagnostics) {
  if (!tools().absence.empty()) {
    diagnostics = tools().absence;
    return false;
  }
  const std::filesystem::path kept = cache_entry(source, fast_math);
  const std::filesystem::path kept_text = kept.string() + ".txt", kept_object = kept.string() + ".so";
  if (!kept.empty() && std::filesystem::exists(kept_object) && std::filesystem::exists(kept_text)) {
    kernels_ = read_signatures(read_text(kept_text), diagnostics);
    return load(kept_object.string(), diagnostics);
  }

  diagnostics = check_text(source);
  if (!diagnostics.empty()) return false;
  const WorkFolder folder;
  const std::string enter = "cd " + shell_word(folder.path().string()) + " && ";
  const std::string clang = shell_word(tools().clang) + language;
  write_text(folder.path() / "program_source", source);
  const CommandResult preprocessed = run_command(enter + clang + "-I" + shell_word(METAL_DOUBLE_SHIM_FOLDER) +
                                                 " -E program_source -o text 2>&1");
  if (preprocessed.status != 0) {
    diagnostics = preprocessed.output;
    return false;
  }
  const std::string text = translate_pragmas(read_text(folder.path() / "text"));
  kernels_ = read_signatures(text, diagnostics);
  if (!diagnostics.empty()) return false;

  write_text(folder.path() / "checked", text);
  write_text(folder.path() / "compiled", text + entries(kernels_));
  const std::string compile =
      clang + code_generation + (fast_math ? fast_math_option : "") + "-c compiled -o object > log 2>&1";
  const std::string link = shell_word(tools().linker) + " -shared -Bsymbolic -o program.so object " +
                           shell_word(own_path()) + " >> log 2>&1";
  // The syntax tree goes through a pipe while the other clang compiles.
  const CommandResult checked =
      run_command(enter + "{ { " + compile + " && " + link + "; }; echo $? > status; } & " + enter + clang +
                  "-fsyntax-only -Xclang -ast-dump checked 2> /dev/null; wait");
  if (read_text(folder.path() / "status") != "0\n") {
    diagnostics = read_text(folder.path() / "log");
    return false;
  }
  diagnostics = check_syntax_tree(checked.output, source);
  if (!diagnostics.empty()) return false;
  if (!kept.empty()) {
    keep(folder.path() / "checked", kept_text);
    keep(folder.path() / "program.so", kept_object);
  }
  return load((folder.path() / "program.so").string(), diagnostics);
}

}  // namespace metal_double
