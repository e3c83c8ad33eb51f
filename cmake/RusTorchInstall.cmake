# What `cmake --install` lays out, and what find_package(RusTorch) and pkg-config need to find it.
include(CMakePackageConfigHelpers)
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/RusTorch)

install(TARGETS rustorch EXPORT RusTorchTargets)
if(TARGET rustorch_cli)
  install(TARGETS rustorch_cli)
endif()
install(
  DIRECTORY ${PROJECT_SOURCE_DIR}/rustorch
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING
  PATTERN "*.h"
  PATTERN "*.def"
  PATTERN "*.inc"
  PATTERN "rustorch/cli" EXCLUDE
  # Inner matters of the backends and of vector code: no public header includes them.
  PATTERN "rustorch/backends/cpu" EXCLUDE
  PATTERN "rustorch/backends/gpu" EXCLUDE
  PATTERN "rustorch/compute/simd" EXCLUDE)

install(EXPORT RusTorchTargets NAMESPACE rustorch:: DESTINATION ${config_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/RusTorchConfig.cmake.in RusTorchConfig.cmake
                              INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(RusTorchConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/RusTorchConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/RusTorchConfigVersion.cmake DESTINATION ${config_dir})

# A static library passes on what it links to.
set(pc_private "")
if(NOT BUILD_SHARED_LIBS)
  set(pc_private "${RUSTORCH_hwy_LIBRARY} ${RUSTORCH_dnnl_LIBRARY} -lz -lgomp")
endif()
file(RELATIVE_PATH pc_include_dir ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_FULL_INCLUDEDIR})
configure_file(${PROJECT_SOURCE_DIR}/cmake/rustorch.pc.in rustorch.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/rustorch.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
