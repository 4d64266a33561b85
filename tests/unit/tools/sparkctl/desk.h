#pragma once

// Desk: sparkctl's commands at an API in memory, what they print, and a few schedules to look at.

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"
#include "tools/sparkctl/commands.h"

namespace tests {

using kube::Json;

// A body that is there at once.
class TextStream final : public base::http::BodyStream {
 public:
  explicit TextStream(std::string text) : text_(std::move(text)) {}
  int status() const override { return 200; }
  const base::http::Headers& headers() const override { return headers_; }
  base::Result<std::optional<std::string>> read() override {
    return std::exchange(text_, std::nullopt);
  }
  void cancel() override {}

 private:
  std::optional<std::string> text_;
  const base::http::Headers headers_;
};

// 2026-11-21T00:00:00Z, an API in memory, and what was printed.
struct Desk {
  tests::FakeClock clock;
  tests::MemoryApi api{clock};
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  std::vector<std::string> logs_asked;
  std::map<std::string, std::string> answers;  // of raw requests, by target
  sparkctl::Session session{
      .api = api,
      .logs = [this](const kube::ObjectKey& pod, const kube::LogOptions&)
          -> base::Result<std::unique_ptr<base::http::BodyStream>> {
        logs_asked.push_back(pod.to_string());
        return std::make_unique<TextStream>("hello from " + pod.name + "\n");
      },
      .raw = [this](const base::http::Request& request) -> base::Result<base::http::Response> {
        const auto found = answers.find(request.target());
        if (found == answers.end()) {
          return base::failure(base::Code::NotFound, "HTTP 404: " + request.target());
        }
        return base::http::Response{.body = found->second};
      },
      .clock = clock,
      .in = in,
      .out = out,
      .err = err,
      .ns = "team"};

  Json add(const kube::ResourceType& type, Json object) {
    object["apiVersion"] = type.api_version();
    object["kind"] = type.kind;
    object["metadata"].emplace("namespace", "team");
    // The API stamps what it creates with its own clock.
    const base::WallTime now = clock.now();
    const auto created =
        base::parse_rfc3339(base::string_at(object, {"metadata", "creationTimestamp"}));
    if (created) clock.set_wall(*created);
    Json stored = api.create(type, object).value();
    clock.set_wall(now);
    return stored;
  }
  void add_schedule(const std::string& name, const Json& spec, const Json& status) {
    Json object = Json::parse(R"({"metadata": {"creationTimestamp": "2026-11-11T00:00:00Z"}})");
    object["metadata"]["name"] = name;
    object["spec"] = spec;
    object["status"] = status;
    add(config::scheduled_spark_applications(), std::move(object));
  }
  void add_run(const std::string& name, const std::string& schedule, const std::string& state,
               const std::string& created, const std::string& message = "") {
    add(config::spark_applications(), run_of(name, schedule, state, created, message));
  }
  void add_run_by_hand(const std::string& name, const std::string& schedule,
                       const std::string& state, const std::string& created) {
    Json object = run_of(name, schedule, state, created, "");
    object["metadata"]["annotations"][config::kManualRunAnnotation] = "true";
    add(config::spark_applications(), std::move(object));
  }

  static Json run_of(const std::string& name, const std::string& schedule, const std::string& state,
                     const std::string& created, const std::string& message) {
    Json object = Json::parse(R"({
      "metadata": {"ownerReferences": [{"kind": "ScheduledSparkApplication"}]},
      "status": {"executionAttempts": 1}})");
    object["metadata"]["name"] = name;
    object["metadata"]["creationTimestamp"] = created;
    object["metadata"]["ownerReferences"][0]["name"] = schedule;
    object["status"]["applicationState"]["state"] = state;
    if (!message.empty()) object["status"]["applicationState"]["errorMessage"] = message;
    object["status"]["lastSubmissionAttemptTime"] = created;
    object["status"]["driverInfo"]["podName"] = name + "-driver";
    return object;
  }
};

// Half seconds pass as fast as they can.
inline void pass_time(tests::FakeClock& clock, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    clock.advance(std::chrono::milliseconds{500});
    std::this_thread::yield();
  }
}

inline std::jthread passing_time(tests::FakeClock& clock) {
  return std::jthread([&clock](const std::stop_token& stop) { pass_time(clock, stop); });
}

// As text: long nested initializer lists take a compiler minutes.
inline constexpr const char* kNightlySpec = R"({
  "schedule": "0 2 * * *", "timeZone": "Europe/Berlin", "concurrencyPolicy": "Forbid",
  "missedRunPolicy": "Latest", "dstPolicy": "Vixie", "startingDeadlineSeconds": 300,
  "successfulRunHistoryLimit": 3, "failedRunHistoryLimit": 1})";
inline constexpr const char* kNightlyStatus = R"({
  "scheduleState": "Scheduled", "lastRun": "2026-11-20T01:00:01Z",
  "lastRunName": "nightly-20261120t010000z", "lastScheduleTime": "2026-11-20T01:00:00Z",
  "nextRun": "2026-11-21T01:00:00Z",
  "nextRuns": ["2026-11-21T01:00:00Z", "2026-11-22T01:00:00Z"],
  "counts": {"started": 9, "succeeded": 8, "failed": 1, "skipped": 3, "active": 0},
  "recentRuns": [
    {"slot": "2026-11-20T01:00:00Z", "name": "nightly-20261120t010000z", "outcome": "Succeeded",
     "started": "2026-11-20T01:00:01Z", "ended": "2026-11-20T01:12:04Z"},
    {"slot": "2026-11-17T01:00:00Z", "until": "2026-11-19T01:00:00Z", "count": 3,
     "outcome": "Skipped", "reason": "Superseded"}],
  "conditions": [
    {"type": "Ready", "status": "True", "reason": "Scheduled", "message": "next run in 1 h",
     "lastTransitionTime": "2026-11-11T00:00:00Z"},
    {"type": "LastRunSucceeded", "status": "True", "reason": "Succeeded", "message": "",
     "lastTransitionTime": "2026-11-20T01:12:04Z"}]})";
inline constexpr const char* kHistory = R"({
  "runs": [
    {"name": "nightly-1", "state": "COMPLETED", "slot": "2026-11-20T01:00:00Z",
     "started": "2026-11-20T01:00:05.000000Z", "ended": "2026-11-20T01:02:05.000000Z",
     "attempts": 1, "exitCode": 0, "created": "2026-11-20T01:00:01.000000Z"},
    {"name": "nightly-manual", "state": "FAILED", "attempts": 2, "exitCode": 1,
     "message": "no\nspace", "created": "2026-11-20T09:00:00.000000Z"}],
  "skips": [
    {"from": "2026-11-17T01:00:00Z", "to": "2026-11-19T01:00:00Z", "count": 3,
     "reason": "Superseded"}]})";

inline void fill(Desk& desk) {
  desk.add_schedule("nightly", Json::parse(kNightlySpec), Json::parse(kNightlyStatus));
  desk.add_schedule("paused", Json::parse(R"({"schedule": "@hourly", "suspend": true})"),
                    Json::object());
  desk.add_schedule("wrong", Json::parse(R"({"schedule": "99 * * * *"})"),
                    Json::parse(R"({"scheduleState": "FailedValidation",
                                    "reason": "minute: 99 is out of range 0-59 (at 0)\u001b[31m"})"));
}

}  // namespace tests
