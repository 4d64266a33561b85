# One static library per folder, one test executable per tested folder.

# sparkcron_library(NAME SOURCES a.cpp … [DEPENDS public…] [PRIVATE_DEPENDS private…])
function(sparkcron_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
  sparkcron_precompile(${name})
endfunction()

# sparkcron_test(NAME SOURCES a_test.cpp … DEPENDS libraries… [LABELS …] [TIMEOUT seconds]
#                [COST …]): of several at a time, those that cost most begin first.
# A test that runs no assertion fails: an empty test is a lie.
function(sparkcron_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT;COST" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 1800)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} Catch2::Catch2WithMain)
  sparkcron_precompile(${name} TESTS)
  # Only where it is used: a path of this checkout would keep others from sharing the compiler cache.
  foreach(source IN LISTS ARG_SOURCES)
    file(STRINGS ${source} uses REGEX SPARKCRON_SOURCE_DIR)
    if(uses)
      set_source_files_properties(${source} PROPERTIES
        COMPILE_DEFINITIONS SPARKCRON_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    endif()
  endforeach()
  add_test(NAME ${name} COMMAND ${name} -w NoAssertions --order rand --rng-seed time
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  if(ARG_COST)
    set_tests_properties(${name} PROPERTIES COST ${ARG_COST})
  endif()
endfunction()
