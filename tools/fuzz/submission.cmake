# Its corpus is replayed by tests/unit/runner/submission.
if(SPARKCRON_FUZZERS)
  add_executable(fuzz_submission submission_fuzzer.cpp)
  target_link_libraries(fuzz_submission PRIVATE runner_submission)
  target_link_options(fuzz_submission PRIVATE -fsanitize=fuzzer)
endif()
