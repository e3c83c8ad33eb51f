# rustorch_public: what users of the library need too.
add_library(rustorch_public INTERFACE)
target_compile_features(rustorch_public INTERFACE cxx_std_20)
target_link_libraries(rustorch_public INTERFACE fmt::fmt tl::expected Threads::Threads)

# rustorch_private: the libraries that our sources use and our headers do not.
add_library(rustorch_private INTERFACE)
target_link_libraries(
  rustorch_private INTERFACE rustorch_dep_hwy rustorch_dep_dnnl rustorch_dep_stb ZLIB::ZLIB
                             nlohmann_json::nlohmann_json OpenMP::OpenMP_CXX)

# Tables of kernels have a place for each instruction set; the ones left out stay empty and are never selected.
foreach(target IN LISTS RUSTORCH_CPU_TARGETS)
  if(NOT target IN_LIST RUSTORCH_ALL_CPU_TARGETS)
    message(FATAL_ERROR "RUSTORCH_CPU_TARGETS has '${target}'; choose from ${RUSTORCH_ALL_CPU_TARGETS}")
  endif()
endforeach()
foreach(target IN LISTS RUSTORCH_ALL_CPU_TARGETS)
  if(NOT target IN_LIST RUSTORCH_CPU_TARGETS)
    string(TOUPPER ${target} target)
    target_compile_definitions(rustorch_private INTERFACE RUSTORCH_WITHOUT_${target})
  endif()
endforeach()

# rustorch_flags: how each of our sources is compiled (library, program, tests, benchmarks).
add_library(rustorch_flags INTERFACE)
target_include_directories(rustorch_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(
  rustorch_flags
  INTERFACE -Wall -Wextra -Wconversion -Wshadow
            # Fused multiply-adds only where written: results are equal on every instruction set.
            -ffp-contract=off)
target_link_libraries(rustorch_flags INTERFACE rustorch_public)

# Errors name rustorch/folder/file.cpp, wherever the clone lies; ccache may have made the path relative.
file(RELATIVE_PATH relative_source_dir ${CMAKE_BINARY_DIR} ${PROJECT_SOURCE_DIR})
string(REGEX REPLACE "/$" "" relative_source_dir "${relative_source_dir}")
target_compile_options(rustorch_flags INTERFACE -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
                                                -fmacro-prefix-map=${relative_source_dir}/=)

if(RUSTORCH_WERROR)
  target_compile_options(rustorch_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # The compiler's own garbage collection takes up to 15 % of its time; without it a process needs 0.1 GB more.
  target_compile_options(rustorch_flags INTERFACE "SHELL:--param ggc-min-heapsize=1000000")
  # ccache needs -fpch-preprocess to hit with precompiled headers.
  target_compile_options(rustorch_flags INTERFACE -fpch-preprocess)
  # fmt raises -O0 to -Og around itself. From a precompiled header __OPTIMIZE__ stays defined after that, and the
  # intrinsics become functions that -O0 cannot compile.
  target_compile_options(rustorch_flags INTERFACE "-DFMT_GCC_PRAGMA(arg)=")
  # Shape leaves the dims that it does not use uninitialized and moves them along: GCC 12 takes that for a mistake.
  target_compile_options(rustorch_flags INTERFACE -Wno-maybe-uninitialized)
  if(RUSTORCH_SANITIZE OR RUSTORCH_COVERAGE)
    # GCC's flow analysis sees ghosts in instrumented code; the plain builds keep these warnings.
    target_compile_options(rustorch_flags INTERFACE -Wno-array-bounds -Wno-stringop-overflow -Wno-null-dereference)
  endif()
elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # The clang counterpart for ccache, and pragmas that only GCC knows.
  target_compile_options(rustorch_flags INTERFACE "SHELL:-Xclang -fno-pch-timestamp"
                                                  -Wno-unknown-warning-option)
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  # Highway's NEON code needs the AES instructions, in the baseline too: GCC inlines nothing across targets.
  target_compile_options(rustorch_flags INTERFACE -march=armv8-a+crypto)
endif()

if(RUSTORCH_SANITIZE)
  target_compile_options(rustorch_flags INTERFACE -fsanitize=${RUSTORCH_SANITIZE} -fno-sanitize-recover=all
                                                  -fno-omit-frame-pointer)
  target_link_options(rustorch_flags INTERFACE -fsanitize=${RUSTORCH_SANITIZE})
endif()
if(RUSTORCH_COVERAGE)
  # -pthread makes the counters atomic; ccache does not know the option that says so.
  target_compile_options(rustorch_flags INTERFACE --coverage -pthread)
  target_link_options(rustorch_flags INTERFACE --coverage)
  # Atomic counters in the innermost loops of products slow training down; these may lose a count.
  set_source_files_properties(rustorch/backends/cpu/gemm_floating_simd.cpp rustorch/backends/cpu/panel_product_simd.cpp
                              PROPERTIES COMPILE_OPTIONS -fprofile-update=single)
endif()
if(RUSTORCH_SANITIZE MATCHES "undefined")
  # stb_image reads one past a table on damaged JPEGs' way out; it is not ours to mend.
  set_source_files_properties(rustorch/data/image_decoder.cpp PROPERTIES COMPILE_OPTIONS -fno-sanitize=bounds)
endif()
