#pragma once

// Truth: what really happened, seen from outside the controllers: which runs were created, which
// driver processes lived when, what the user wanted. It judges. A broken promise is a Violation.

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "scheduler/schedule.h"
#include "tests/support/fake_api.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_recorder.h"

namespace simulation {

using scheduler::Instant;

struct Violation {
  std::string what;
};

// A driver, as the operating system knows it.
struct Process {
  kube::ObjectKey pod;
  std::string run_uid;
  bool alive = false;
};

// What a trigger annotation holds: a value, which asks once, or always the same word.
enum class Wish { Number, Word };

// One life of a schedule: from its creation to its deletion.
struct Life {
  std::map<Instant, int> started;      // slots
  std::map<std::string, int> by_hand;  // names
  // Nothing up to here may start …
  Instant anchor{};
  Instant anchor_seen{};  // the anchor that belongs to the schedule in the status
  // … and everything after this must be accounted for.
  Instant owed_from{};
  bool owed_is_open = false;  // an edit has not been seen by the controller yet
  bool edited = false;
  bool policy_edited = false;
  bool gone = false;
  // A ledger that was lost knew what the status did not say yet.
  bool records_lost = false;
  // The status and the ledger were lost: what has gone before is in no count.
  bool counts_lost = false;
  // Runs by hand that were asked for.
  size_t wishes = 0;
  // One was asked for by a word, and none has started since.
  bool wish_is_open = false;
  // Slots that a clock had reached before it was set back, after the first up to the second: what
  // was skipped of them may start in its time after all.
  std::vector<std::pair<Instant, Instant>> reached;
};

class Truth {
 public:
  Truth(tests::FakeClock& clock, tests::FakeApi& api, tests::MemoryRecorder& recorder)
      : clock_(clock), api_(api), recorder_(recorder) {}

  // What the user does.
  void schedule_created();
  void schedule_deleted();
  void schedule_edited();
  void policy_edited();
  void suspended();
  void resumed();
  void clock_moved();
  // Between these two the clock is years ahead of the time.
  void clock_went_wrong();
  void clock_was_set_right();

  void run_wished(Wish wish);
  void status_lost();
  void ledger_lost();

  // What the controllers do.
  void run_created(const kube::ObjectKey& key);
  void status_written();
  void run_status_written(const kube::ObjectKey& key);
  void run_deleted_by_schedules(const kube::ObjectKey& key);

  // What the node does.
  void process_started(const Process& process);

  // The latest the clock ever showed, while it was not wrong.
  [[nodiscard]] Instant latest() const { return latest_; }
  // Everything has ended and been looked at.
  void settled();

  std::vector<Process> processes;
  std::set<std::string> forced;  // runs that were taken away by force, by UID

 private:
  void read_the_books();
  // As it is now, or null; valid until the next call.
  [[nodiscard]] const nlohmann::json& schedule() const;
  Life& life() { return lives_[current_uid_]; }
  [[nodiscard]] Instant now() const;
  [[nodiscard]] size_t alive_besides(const std::string& run_uid) const;
  [[nodiscard]] size_t unfinished_besides(const std::string& run_uid) const;
  void slot_started(const nlohmann::json& schedule, Instant slot);
  void check_slots(const std::string& uid, const Life& life) const;
  void check_clock() const;
  void check_skips(const std::string& uid, const Life& life) const;
  void check_counts(const std::string& uid, const Life& life) const;
  void check_sum(const Life& life, uint64_t succeeded) const;
  void check_ledger(const std::string& uid) const;
  void check_history() const;
  void check_gone(const std::string& uid) const;

  tests::FakeClock& clock_;
  tests::FakeApi& api_;
  tests::MemoryRecorder& recorder_;
  // All that was ever recorded.
  std::map<std::string, runner::RunRecord> runs_recorded_;
  decltype(tests::MemoryRecorder::skips) skips_recorded_;
  std::map<std::string, Life> lives_;        // by UID of the schedule
  std::map<std::string, std::string> runs_;  // UID of each run to that of its schedule
  std::set<std::string> driven_;             // UIDs of runs that have had a driver
  std::string current_uid_;
  mutable std::shared_ptr<const nlohmann::json> schedule_;
  Instant latest_{};  // the latest the clock ever showed, while it was not wrong
  bool clock_is_wrong_ = false;
  Instant wrong_latest_{};
};

inline const kube::ObjectKey kSchedule{"etl", "job"};

}  // namespace simulation
