# Compiler-wide settings: warnings, hardening, sanitizers, ccache. Nothing here names a target.
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths relative to the checkout, so that several checkouts share one cache; the sloppiness is
  # what precompiled headers need.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Werror)
# A designated initializer leaves the other members at their defaults on purpose.
add_compile_options(-Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # libstdc++ 12's own stable_sort uses what it calls deprecated; clang reports it at the caller.
  add_compile_options(-Wthread-safety -Wno-deprecated-declarations)
elseif(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  # GCC 12 reports these falsely inside libstdc++ and fmt once it inlines enough.
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds)
endif()
add_compile_definitions(JSON_USE_IMPLICIT_CONVERSIONS=0 _GLIBCXX_ASSERTIONS)

# Empty, or what -fsanitize= takes: address,undefined or thread or fuzzer-no-link,address,undefined.
set(SPARKCRON_SANITIZE "" CACHE STRING "Sanitizers of this build")
if(SPARKCRON_SANITIZE)
  add_compile_options(-fsanitize=${SPARKCRON_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SPARKCRON_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_options(-fstack-protector-strong)
  add_compile_definitions(_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(MOLD mold)
if(MOLD AND CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_link_options(-fuse-ld=mold)
endif()

option(SPARKCRON_COVERAGE "Instrument for gcovr" OFF)
if(SPARKCRON_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
