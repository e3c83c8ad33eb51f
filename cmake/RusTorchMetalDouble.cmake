# libmetal_double.so, which stands in for Apple's Metal in tests (tests/support/metal_double/metal_double.h). Makes the
# target metal_double where its assembly can run: on Linux on x86-64. It is loaded at run time, never linked.
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  return()
endif()

set(metal_double_folder ${PROJECT_SOURCE_DIR}/tests/support/metal_double)
file(GLOB metal_double_sources CONFIGURE_DEPENDS ${metal_double_folder}/*.cpp)
add_library(metal_double SHARED ${metal_double_sources})
target_compile_features(metal_double PRIVATE cxx_std_20)
target_compile_definitions(metal_double PRIVATE METAL_DOUBLE_SHIM_FOLDER="${metal_double_folder}/shim")
# Not rustorch_flags: sanitizers do not know fibers.
target_compile_options(metal_double PRIVATE -O1 -Wall -Wextra -Wconversion -Wshadow
                                            $<$<BOOL:${RUSTORCH_WERROR}>:-Werror>)
target_link_libraries(metal_double PRIVATE ${CMAKE_DL_LIBS})
set_target_properties(
  metal_double
  PROPERTIES CXX_VISIBILITY_PRESET hidden
             VISIBILITY_INLINES_HIDDEN ON
             LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
