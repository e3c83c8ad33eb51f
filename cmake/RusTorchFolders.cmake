# The folders of rustorch/ from the ground up: each may use only those before it.
# cmake/check_include_direction.py reads this list too.
set(RUSTORCH_FOLDERS
    error
    core
    memory
    device
    compute
    backends
    tensor
    autograd
    nn
    optim
    data
    model_io
    training
    profiler
    viz)

include(RusTorchKernelTexts)

set(RUSTORCH_STANDARD_HEADERS
    <algorithm> <array> <atomic> <chrono> <cmath> <complex> <cstdint> <cstring> <filesystem> <functional>
    <limits> <map> <memory> <mutex> <numeric> <optional> <source_location> <span> <string> <string_view>
    <thread> <tuple> <type_traits> <unordered_map> <utility> <variant> <vector>
    <fmt/format.h> <tl/expected.hpp>)

# One precompiled header for all folders. It needs a source of its own to be built.
if(RUSTORCH_PCH)
  file(CONFIGURE OUTPUT pch.cpp CONTENT "")
  add_library(rustorch_pch OBJECT ${CMAKE_CURRENT_BINARY_DIR}/pch.cpp)
  target_link_libraries(rustorch_pch PRIVATE rustorch_flags rustorch_private)
  set_target_properties(rustorch_pch PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_precompile_headers(rustorch_pch PRIVATE ${RUSTORCH_STANDARD_HEADERS})
endif()

# The sources of a folder; <result> is empty where there are none yet.
function(rustorch_sources folder result)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rustorch/${folder}/*.cpp)
  set(${result} ${sources} PARENT_SCOPE)
endfunction()

add_library(rustorch)
add_library(rustorch::rustorch ALIAS rustorch)

set(built_folders "")
foreach(folder IN LISTS RUSTORCH_FOLDERS)
  rustorch_sources(${folder} sources)
  if(NOT sources)
    continue()
  endif()
  set(target rustorch_${folder})
  if(folder STREQUAL "backends")
    list(APPEND sources ${RUSTORCH_KERNEL_TEXTS})
  endif()
  add_library(${target} OBJECT ${sources})
  target_link_libraries(${target} PRIVATE rustorch_flags rustorch_private ${built_folders})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  if(RUSTORCH_PCH)
    target_precompile_headers(${target} REUSE_FROM rustorch_pch)
  endif()
  target_sources(rustorch PRIVATE $<TARGET_OBJECTS:${target}>)
  list(APPEND built_folders ${target})
endforeach()

set_target_properties(
  rustorch
  PROPERTIES LINKER_LANGUAGE CXX  # known even while no folder has a source
             VERSION ${PROJECT_VERSION}
             SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
             EXPORT_NAME rustorch)
target_include_directories(rustorch PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(rustorch PUBLIC cxx_std_20)
target_link_libraries(rustorch PUBLIC fmt::fmt tl::expected Threads::Threads)
target_link_libraries(rustorch PRIVATE $<BUILD_INTERFACE:rustorch_flags> $<BUILD_INTERFACE:rustorch_private>)

if(RUSTORCH_BUILD_CLI)
  rustorch_sources(cli cli_sources)
  if(cli_sources)
    add_executable(rustorch_cli ${cli_sources})
    target_link_libraries(rustorch_cli PRIVATE rustorch rustorch_flags rustorch_private CLI11::CLI11)
    # Option parsing and JSON are large templates that run once: compiled for compile time.
    target_compile_options(rustorch_cli PRIVATE $<$<CONFIG:Release>:-O1>)
    target_compile_definitions(rustorch_cli PRIVATE RUSTORCH_VERSION="${PROJECT_VERSION}")
    set_target_properties(rustorch_cli PROPERTIES OUTPUT_NAME rustorch POSITION_INDEPENDENT_CODE ON)
    # Found beside the library once installed, wherever that is.
    file(RELATIVE_PATH lib_from_bin ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
    set_target_properties(rustorch_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${lib_from_bin}")
  endif()
endif()
