// One program per target: SPARKCRON_FUZZ_TARGET names it.

#include <cstddef>
#include <cstdint>

#include "tools/fuzz/machinery_inputs.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const tools::fuzz::MachineryTarget* const target = [] {
    for (const auto& one : tools::fuzz::machinery_targets()) {
      if (one.name == SPARKCRON_FUZZ_TARGET) return &one;
    }
    return static_cast<const tools::fuzz::MachineryTarget*>(nullptr);
  }();
  target->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
