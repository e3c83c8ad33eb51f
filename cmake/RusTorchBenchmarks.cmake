# benchmarks/NAME.cpp makes the program benchmark_NAME, when it is asked for (benchmarks/compare.sh does).
find_package(benchmark QUIET)
if(NOT benchmark_FOUND)
  return()
endif()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/benchmarks/*.cpp)
foreach(source IN LISTS sources)
  cmake_path(GET source STEM name)
  add_executable(benchmark_${name} EXCLUDE_FROM_ALL ${source})
  target_link_libraries(benchmark_${name} PRIVATE rustorch rustorch_flags benchmark::benchmark)
endforeach()

# Every operation that has a test case, with that case's inputs.
if(TARGET rustorch_op_cases AND TARGET benchmark_op_cases)
  target_sources(benchmark_op_cases PRIVATE $<TARGET_OBJECTS:rustorch_op_cases> $<TARGET_OBJECTS:rustorch_test_support>)
  target_link_libraries(benchmark_op_cases PRIVATE rustorch_test_flags GTest::gmock)
endif()
