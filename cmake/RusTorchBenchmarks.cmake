# benchmarks/*.cpp make one program each.
find_package(benchmark QUIET)
if(NOT benchmark_FOUND)
  message(WARNING "Google Benchmark is missing (libbenchmark-dev): benchmarks are not built")
  return()
endif()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/benchmarks/*.cpp)
foreach(source IN LISTS sources)
  cmake_path(GET source STEM name)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE rustorch rustorch_flags rustorch_private benchmark::benchmark)
endforeach()
