# Headers compiled once for all targets: four fifths of the time of a build for developers.
# Off in the release build, so that a file which forgets an include does not pass.
option(SPARKCRON_PCH "Precompile the standard library, JSON and Catch2" OFF)
if(NOT SPARKCRON_PCH)
  function(sparkcron_precompile)
  endfunction()
  return()
endif()

if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # The compiler cache compares contents; times differ from checkout to checkout.
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
endif()

# In angle brackets: relative to the checkout, for the compiler cache again.
# The empty file is what the header is made for: without one that uses it there would be none.
file(WRITE ${CMAKE_BINARY_DIR}/precompiled_empty.cpp "")
add_library(precompiled STATIC ${PROJECT_SOURCE_DIR}/cmake/precompiled.cpp
            ${CMAKE_BINARY_DIR}/precompiled_empty.cpp)
# Compiled once and used by all: worth the optimizer.
set_source_files_properties(${PROJECT_SOURCE_DIR}/cmake/precompiled.cpp PROPERTIES
  COMPILE_OPTIONS -O1 SKIP_PRECOMPILE_HEADERS ON)
target_include_directories(precompiled PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(precompiled PUBLIC nlohmann_json::nlohmann_json tl::expected)
target_precompile_headers(precompiled PRIVATE <cmake/precompiled.h>)
link_libraries(precompiled)

if(SPARKCRON_TESTS)
  file(WRITE ${CMAKE_BINARY_DIR}/precompiled_tests.cpp "")
  add_library(precompiled_tests STATIC ${CMAKE_BINARY_DIR}/precompiled_tests.cpp)
  target_include_directories(precompiled_tests PRIVATE ${PROJECT_SOURCE_DIR})
  target_precompile_headers(precompiled_tests PRIVATE <cmake/precompiled.h> <tests/support/catch.h>)
endif()

# sparkcron_precompile(TARGET [TESTS])
function(sparkcron_precompile name)
  get_target_property(type ${name} TYPE)
  if(type STREQUAL "EXECUTABLE")
    # Compiled as the header was: -fPIC, not -fPIE.
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIC)
  endif()
  if("TESTS" IN_LIST ARGN)
    target_precompile_headers(${name} REUSE_FROM precompiled_tests)
  else()
    target_precompile_headers(${name} REUSE_FROM precompiled)
  endif()
endfunction()
