# Embeds the texts of rustorch/backends/gpu/kernels/ into kernel_texts.cpp: the library needs no file at run time.
file(GLOB kernel_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rustorch/backends/gpu/kernels/*.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${kernel_files})
set(RUSTORCH_KERNEL_TEXTS ${CMAKE_CURRENT_BINARY_DIR}/kernel_texts.cpp)
set(entries "")
foreach(path IN LISTS kernel_files)
  cmake_path(GET path FILENAME name)
  file(READ ${path} text)
  string(APPEND entries "    {\"${name}\", R\"kernels(${text})kernels\"},\n")
endforeach()
file(CONFIGURE OUTPUT ${RUSTORCH_KERNEL_TEXTS} @ONLY CONTENT [[#include "rustorch/backends/gpu/kernel_texts.h"

#include <utility>

#include "rustorch/error/error.h"

namespace rustorch::gpu {

std::string_view kernel_text(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> texts[] = {
@entries@  };
  for (const auto& [file, text] : texts) {
    if (file == name) return text;
  }
  fail(ErrorCode::internal, "there is no kernel text `{}`", name);
}

}  // namespace rustorch::gpu
]])
