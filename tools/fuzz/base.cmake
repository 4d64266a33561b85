# Fuzz targets of base/. Their corpora are replayed by tests/unit/base/fuzz.
if(SPARKCRON_FUZZERS)
  foreach(target yaml request_target)
    add_executable(fuzz_${target} ${target}_fuzzer.cpp)
    target_link_libraries(fuzz_${target} PRIVATE base_http_head base_yaml)
    target_link_options(fuzz_${target} PRIVATE -fsanitize=fuzzer)
  endforeach()
endif()
