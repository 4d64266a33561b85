// One program per target: SPARKCRON_FUZZ_TARGET names it.

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/machinery_inputs.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const tests::fuzz::MachineryTarget* const target = [] {
    for (const auto& one : tests::fuzz::machinery_targets()) {
      if (one.name == SPARKCRON_FUZZ_TARGET) return &one;
    }
    return static_cast<const tests::fuzz::MachineryTarget*>(nullptr);
  }();
  target->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
