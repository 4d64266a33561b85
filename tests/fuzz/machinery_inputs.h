#pragma once

// What the fuzzers of kube/server/machinery do with an input, and the laws that they check. The
// ordinary tests replay the committed corpus (tests/fuzz/corpus) through the same functions, so
// that they and the fuzzers cannot drift apart. A broken law ends the process.
//
// Threads: pure functions.

#include <string>
#include <string_view>
#include <vector>

namespace tests::fuzz {

struct MachineryTarget {
  std::string name;  // the folder of its corpus
  void (*run)(std::string_view input);
};

// selector: a selector's text. schema: [schema, object]. patch: [target, patch].
// apply: [{manager, object, force, update}, …]. protobuf: a body. table: [columns, object].
const std::vector<MachineryTarget>& machinery_targets();

}  // namespace tests::fuzz
