#pragma once

// A ledger in a folder of its own, and runs of one schedule: what the tests of Ledger share.

#include <memory>
#include <string>
#include <utility>

#include "monitor/ledger.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/monitor/temporary_folder.h"

namespace tests {

inline const kube::ObjectKey kSchedule{.ns = "etl", .name = "nightly"};
inline constexpr const char* kScheduleUid = "schedule-uid";

struct LedgerFixture {
  std::unique_ptr<monitor::Ledger> open() { return open({}); }
  std::unique_ptr<monitor::Ledger> open(monitor::LedgerOptions options) {
    options.path = folder.file("ledger.db");
    auto ledger = monitor::Ledger::open(std::move(options), clock);
    REQUIRE(ledger);
    return std::move(*ledger);
  }
  runner::RunRecord run(const std::string& uid) const {
    runner::RunRecord record;
    record.schedule = kSchedule;
    record.schedule_uid = kScheduleUid;
    record.name = "nightly-" + uid;
    record.uid = uid;
    record.created = clock.now();
    record.state = "SUBMITTED";
    return record;
  }
  runner::RunRecord ended(const std::string& uid, const std::string& state) const {
    runner::RunRecord record = run(uid);
    record.state = state;
    record.ended = clock.now();
    return record;
  }

  tests::TemporaryFolder folder;
  tests::FakeClock clock;
};

inline runner::RunCounts counts(monitor::Ledger& ledger, const runner::RunCounts& floor = {}) {
  const auto result = ledger.counts(kSchedule, kScheduleUid, floor, "");
  REQUIRE(result);
  return *result;
}

}  // namespace tests
