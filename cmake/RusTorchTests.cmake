# tests/<folder>/**/*_test.cpp make one program a folder, test_<folder>.
find_package(GTest QUIET)
if(NOT GTest_FOUND)
  message(STATUS "GoogleTest is missing (scripts/install-deps test): tests are not built")
  return()
endif()

file(GLOB_RECURSE support_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/support/*.cpp)
list(FILTER support_sources EXCLUDE REGEX "_test\\.cpp$")
list(FILTER support_sources EXCLUDE REGEX "/metal_double/")
include(RusTorchMetalDouble)

add_library(rustorch_test_flags INTERFACE)
target_link_libraries(rustorch_test_flags INTERFACE rustorch rustorch_flags rustorch_private GTest::gtest
                                                    GTest::gmock)
target_include_directories(rustorch_test_flags INTERFACE ${PROJECT_SOURCE_DIR}/tests)
target_compile_definitions(
  rustorch_test_flags
  INTERFACE RUSTORCH_TEST_DATA_DIR="${PROJECT_SOURCE_DIR}/tests/data"
            RUSTORCH_PROGRAM="${PROJECT_BINARY_DIR}/bin/rustorch")
if(TARGET metal_double)
  target_compile_definitions(rustorch_test_flags INTERFACE RUSTORCH_METAL_DOUBLE="$<TARGET_FILE:metal_double>")
endif()
# Tests are compiled for compile time; what they measure is in the library.
target_compile_options(rustorch_test_flags INTERFACE $<$<CONFIG:Release>:-O1>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees ghosts where std::string is put together from literals (GCC bug 105651).
  target_compile_options(rustorch_test_flags INTERFACE -Wno-stringop-overflow -Wno-restrict -Wno-array-bounds)
endif()

# Also holds what tests share (tests/support/*.cpp), compiled once.
file(CONFIGURE OUTPUT test_pch.cpp CONTENT "")
add_library(rustorch_test_support OBJECT ${CMAKE_CURRENT_BINARY_DIR}/test_pch.cpp ${support_sources})
target_link_libraries(rustorch_test_support PRIVATE rustorch_test_flags)
if(RUSTORCH_PCH)
  target_precompile_headers(rustorch_test_support PRIVATE ${RUSTORCH_STANDARD_HEADERS} <gtest/gtest.h>
                            <gmock/gmock.h>)
endif()

# The cases of every operation, which benchmarks/op_cases takes too.
file(GLOB op_case_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/tensor/op_cases/*.cpp)
add_library(rustorch_op_cases OBJECT ${op_case_sources})
target_link_libraries(rustorch_op_cases PRIVATE rustorch_test_flags)
if(RUSTORCH_PCH)
  target_precompile_headers(rustorch_op_cases REUSE_FROM rustorch_test_support)
endif()

# NVIDIA's headers are for the files that compare our declarations with them: others would take the toolkit's
# OpenCL headers too.
find_path(RUSTORCH_CUBLASLT_INCLUDE cublasLt.h HINTS ENV CUDA_PATH ENV CUDA_HOME PATHS /usr/local/cuda
          PATH_SUFFIXES include)
# With the packages of a PyTorch (scripts/make-oracle-venv) both libraries' headers are here.
file(GLOB nvidia_packages ${PROJECT_SOURCE_DIR}/.venv-oracle/lib/python3*/site-packages/nvidia)
find_path(RUSTORCH_CUDNN_INCLUDE cudnn_graph.h HINTS ENV CUDNN_PATH ENV CUDA_PATH ENV CUDA_HOME
          PATHS ${nvidia_packages}/cudnn /usr/local/cuda PATH_SUFFIXES include)
find_path(RUSTORCH_CUDART_INCLUDE cuda_runtime_api.h HINTS ENV CUDA_PATH ENV CUDA_HOME
          PATHS ${nvidia_packages}/cu13 /usr/local/cuda PATH_SUFFIXES include)
mark_as_advanced(RUSTORCH_CUBLASLT_INCLUDE RUSTORCH_CUDNN_INCLUDE RUSTORCH_CUDART_INCLUDE)
if(RUSTORCH_CUBLASLT_INCLUDE)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/tests/backends/gpu/cublaslt_header_test.cpp
                              PROPERTIES COMPILE_OPTIONS "-isystem;${RUSTORCH_CUBLASLT_INCLUDE}")
endif()
if(RUSTORCH_CUDNN_INCLUDE AND RUSTORCH_CUDART_INCLUDE)
  set_source_files_properties(
    ${PROJECT_SOURCE_DIR}/tests/backends/gpu/cudnn_header_test.cpp
    PROPERTIES COMPILE_OPTIONS "-isystem;${RUSTORCH_CUDNN_INCLUDE};-isystem;${RUSTORCH_CUDART_INCLUDE}")
endif()

file(GLOB test_folders CONFIGURE_DEPENDS LIST_DIRECTORIES ON ${PROJECT_SOURCE_DIR}/tests/*)
foreach(path IN LISTS test_folders)
  cmake_path(GET path FILENAME folder)
  if(NOT IS_DIRECTORY ${path})
    continue()
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${path}/*_test.cpp)
  list(FILTER sources EXCLUDE REGEX "/op_cases/")
  if(NOT sources)
    continue()
  endif()
  set(target test_${folder})
  add_executable(${target} ${sources} $<TARGET_OBJECTS:rustorch_test_support>)
  if(folder STREQUAL "tensor")
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:rustorch_op_cases>)
  endif()
  target_link_libraries(${target} PRIVATE rustorch_test_flags GTest::gmock_main)
  if(RUSTORCH_PCH)
    target_precompile_headers(${target} REUSE_FROM rustorch_test_support)
  endif()
  if(TARGET rustorch_cli)
    add_dependencies(${target} rustorch_cli)  # some tests run the program
  endif()
  if(folder STREQUAL "metal" AND TARGET metal_double)
    add_dependencies(${target} metal_double)
  endif()
  add_test(NAME ${target} COMMAND ${target})
endforeach()
