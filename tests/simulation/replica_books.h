#pragma once

// ReplicaBooks: what really happened to the schedule of replicas.h, seen from outside, and what of
// it breaks a promise. The first violation is kept.
//
// Threads: one at a time (fiber.h).

#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "scheduler/schedule.h"
#include "tests/support/fake_api.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_recorder.h"

namespace simulation {

inline const kube::ObjectKey kControllerLease{"spark", "sparkcron-controller"};

class ReplicaBooks {
 public:
  ReplicaBooks(const tests::FakeApi& api, const tests::FakeClock& clock)
      : api_(api), clock_(clock) {}

  void write_begins(const std::string& who, const std::string& what);
  void run_created(const kube::ObjectKey& key);
  // `others`: drivers of other runs that are alive.
  void driver_started(const std::string& run_uid, const std::string& policy, size_t others);
  // The user asks for a run by hand, or changes their mind about the one asked for before.
  void triggered(const std::string& value) { last_trigger_ = value; }
  // … by a word that goes when it is taken up: no more runs than wishes, and one after the last.
  void triggered_by_word() {
    ++words_;
    word_is_open_ = true;
  }

  // Everything has ended and been looked at; slots from `created` to `until` are owed.
  void balance(const nlohmann::json& schedule, scheduler::Instant created, scheduler::Instant until,
               const std::vector<tests::MemoryRecorder*>& ledgers, const std::string& policy);

  std::string violation;

 private:
  struct Run {
    std::string name;
    scheduler::Instant slot;  // or the time it was asked for
    bool by_hand = false;
    int drivers = 0;
  };

  void violated(const std::string& what);
  void expect(const nlohmann::json& schedule, const char* name, uint64_t truth);
  uint64_t runs_by_hand(const nlohmann::json& schedule,
                        const std::vector<tests::MemoryRecorder*>& ledgers);
  [[nodiscard]] bool slot_has(scheduler::Instant slot, bool (*what)(const Run&)) const;

  const tests::FakeApi& api_;
  const tests::FakeClock& clock_;
  std::map<std::string, Run> runs_;             // by UID
  std::map<std::string, int> drivers_of_name_;  // a slot, or a wish, is a name
  std::string last_trigger_;
  size_t words_ = 0;
  bool word_is_open_ = false;
};

}  // namespace simulation
