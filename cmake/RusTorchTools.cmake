# Faster builds where the tools are present. Off with -DRUSTORCH_CCACHE=OFF, -DRUSTORCH_MOLD=OFF.
option(RUSTORCH_CCACHE "Use ccache where present" ON)
option(RUSTORCH_MOLD "Use the mold linker where present" ON)

if(RUSTORCH_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(CCACHE_PROGRAM ccache)
  find_program(ENV_PROGRAM env)
  mark_as_advanced(CCACHE_PROGRAM ENV_PROGRAM)
  if(CCACHE_PROGRAM AND ENV_PROGRAM)
    # The sloppiness is what ccache asks for with precompiled headers. The base folder lets clones share
    # hits: ccache then calls the compiler with paths relative to the build folder.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${ENV_PROGRAM} CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
  endif()
endif()

if(RUSTORCH_MOLD AND PROJECT_IS_TOP_LEVEL)
  include(CheckLinkerFlag)
  check_linker_flag(CXX -fuse-ld=mold RUSTORCH_HAS_MOLD)
  if(RUSTORCH_HAS_MOLD)
    add_link_options(-fuse-ld=mold)
  endif()
endif()
