#pragma once

// MemoryRecorder: the ledger's promises, kept in memory; survives the controllers of a test as the
// database survives a process. `before` and `after` see every call, as in FakeApi.
// MemoryEvents: the events that were recorded, as text.
//
// Threads: one.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "kube/event_recorder.h"
#include "runner/run_recorder.h"

namespace tests {

class MemoryRecorder final : public runner::RunRecorder {
 public:
  using Hook = std::function<std::optional<base::Error>(const std::string& call)>;

  base::Status record_run(const runner::RunRecord& run) override;
  base::Result<std::vector<runner::RunRecord>> runs_after(const std::string& schedule_uid,
                                                          base::WallTime slot) override;
  base::Result<std::optional<runner::RunRecord>> find_run(const std::string& schedule_uid,
                                                          const std::string& name) override;
  base::Status record_skip(const runner::SkipRecord& skip) override;
  base::Result<runner::RunCounts> counts(const kube::ObjectKey& schedule,
                                         const std::string& schedule_uid,
                                         const runner::RunCounts& floor,
                                         const std::string& trigger) override;
  base::Result<std::optional<runner::Remembered>> remembered(
      const std::string& schedule_uid, std::chrono::sys_seconds until) override;

  base::Status handled(const std::string& schedule_uid, const std::string& trigger) override;

  // As when the file is lost.
  void lose();
  // Whether remembered() has an answer.
  [[nodiscard]] bool knows(const std::string& schedule_uid) const;

  const base::Clock* clock = nullptr;  // needed when something is lost
  Hook before;
  Hook after;
  std::map<std::string, runner::RunRecord> runs;  // by UID
  std::map<std::tuple<std::string, std::chrono::sys_seconds, std::chrono::sys_seconds>,
           runner::SkipRecord>
      skips;  // by schedule UID, from, to

 private:
  struct Book {
    runner::RunCounts counts;
    runner::RunCounts owed;  // told by a status, up to `at`
    base::WallTime at{};
    std::optional<std::string> trigger;  // nullopt: no status was written
  };
  void count(const std::string& schedule_uid, runner::RunCounts more, base::WallTime when);

  std::map<std::string, Book> books_;  // by schedule UID
};

class MemoryEvents final : public kube::EventRecorder {
 public:
  void record(const nlohmann::json& regarding, kube::EventType type, std::string_view reason,
              std::string_view action, std::string_view note) override;

  std::vector<std::string> notes;  // "Normal RunStarted: Created SparkApplication …"
};

}  // namespace tests
