#include "tools/sparkcron/node_events.h"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "tests/support/catch.h"
#include "tests/support/memory_api.h"

namespace sparkcron {
namespace {

TEST_CASE("a node that starts without a java says so in an event") {
  base::set_log_level(base::LogLevel::Off);
  tests::MemoryEvents events;
  report_java({}, events, "host-1");
  CHECK(events.all().empty());
  report_java(base::failure(base::Code::NotFound, "no java found"), events, "host-1");
  CHECK(events.all() == std::vector<std::string>{"JavaMissing: no java found"});
}

}  // namespace
}  // namespace sparkcron
