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
