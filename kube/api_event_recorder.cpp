#include "kube/api_event_recorder.h"

#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/guard.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "base/text.h"
#include "base/thread_priority.h"

namespace kube {
namespace {

// As the events API's own clients.
constexpr std::chrono::minutes kSeriesWindow{6};
constexpr size_t kMaxSeries = 4096;
constexpr size_t kMaxNote = 1024;
constexpr size_t kMaxReason = 128;
constexpr int kTries = 3;
constexpr std::chrono::seconds kBetweenTries{1};
constexpr std::chrono::minutes kBetweenWarnings{1};
constexpr std::chrono::minutes kBetweenLooks{1};

Json reference_to(const Json& object) {
  Json reference = {{"apiVersion", base::string_at(object, {"apiVersion"})},
                    {"kind", base::string_at(object, {"kind"})},
                    {"name", key_of(object).name},
                    {"uid", uid_of(object)}};
  if (const std::string ns = key_of(object).ns; !ns.empty()) reference["namespace"] = ns;
  return reference;
}

}  // namespace

ApiEventRecorder::ApiEventRecorder(Api& api, base::Clock& clock, EventSource source,
                                   size_t max_queue)
    : api_(api), clock_(clock), source_(std::move(source)), max_queue_(max_queue) {
  thread_ = base::start_thread("events", [this] { run(); });
}

ApiEventRecorder::~ApiEventRecorder() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void ApiEventRecorder::record(const nlohmann::json& regarding, EventType type,
                              std::string_view reason, std::string_view action,
                              std::string_view note) {
  // Best effort: an event without memory is one event less.
  const base::Status recorded = base::guarded(
      "record an event", [&] { put(reference_to(regarding), type, reason, action, note); });
  if (recorded) return;
  base::MutexLock lock(mutex_);
  ++dropped_;
}

void ApiEventRecorder::put(const Json& regarding, EventType type, std::string_view reason,
                           std::string_view action, std::string_view note) {
  Identity identity{.regarding = base::dump_json(regarding),
                    .type = type == EventType::Normal ? "Normal" : "Warning",
                    .reason = base::cut_text(reason, kMaxReason),
                    .action = base::cut_text(action, kMaxReason),
                    .note = base::cut_text(note, kMaxNote)};
  const base::WallTime now = clock_.now();
  base::MutexLock lock(mutex_);
  const auto known = pending_.find(identity);
  if (known != pending_.end()) {
    ++known->second.count;
    known->second.last = now;
    return;
  }
  if (pending_.size() >= max_queue_) {
    ++dropped_;
    return;
  }
  // In this order: without memory for the second an identity waits in vain, and run() skips it; the
  // other way round the event would wait for ever and swallow its repeats.
  order_.push_back(identity);
  pending_.emplace(std::move(identity),
                   Pending{.count = 1, .first = now, .last = now, .since = clock_.steady_now()});
  changed_.notify_all();
}

uint64_t ApiEventRecorder::dropped() const {
  base::MutexLock lock(mutex_);
  return dropped_;
}

bool ApiEventRecorder::await_work() {
  base::MutexLock lock(mutex_);
  while (order_.empty() && !stopping_)
    changed_.wait(lock);
  return !order_.empty();
}

void ApiEventRecorder::give_way_to(AwaitTurn await_turn) {
  base::MutexLock lock(turn_mutex_);
  await_turn_ = std::move(await_turn);
}

void ApiEventRecorder::await_turn(const Pending& pending) {
  const auto most =
      std::chrono::ceil<std::chrono::milliseconds>(pending.since + kPatience - clock_.steady_now());
  base::MutexLock lock(turn_mutex_);
  if (await_turn_ && most.count() > 0) await_turn_(most);
}

void ApiEventRecorder::run() {
  base::give_way();
  while (await_work()) {
    Identity identity;
    Pending pending;
    {
      base::MutexLock lock(mutex_);
      identity = std::move(order_.front());
      order_.pop_front();
      const auto found = pending_.find(identity);
      if (found == pending_.end()) continue;
      pending = found->second;
      pending_.erase(found);
    }
    const base::Status sent = base::guarded("send an event", [&] {
      await_turn(pending);
      send(identity, pending);
    });
    if (sent) continue;
    base::log_warning("kube", "Event dropped",
                      {{"reason", identity.reason}, {"error", sent.error().message}});
    base::MutexLock lock(mutex_);
    ++dropped_;
  }
}

void ApiEventRecorder::send(const Identity& identity, const Pending& pending) {
  forget_old_series();
  for (int tries = 1;; ++tries) {
    const base::Status sent = send_once(identity, pending);
    if (sent) return;
    const bool passing = sent.error().code == base::Code::Unavailable ||
                         sent.error().code == base::Code::ResourceExhausted ||
                         sent.error().code == base::Code::DeadlineExceeded;
    if (passing && tries < kTries && wait_before_retry()) continue;
    tell_of_dropped(identity, sent.error());
    base::MutexLock lock(mutex_);
    ++dropped_;
    return;
  }
}

base::Status ApiEventRecorder::send_once(const Identity& identity, const Pending& pending) {
  const auto known = series_.find(identity);
  if (known == series_.end() || !is_recent(known->second, clock_.now()))
    return create(identity, pending);
  Series& series = known->second;
  const int64_t count = series.count + pending.count;
  const Json patch = {
      {"series",
       {{"count", count}, {"lastObservedTime", base::format_rfc3339_micro(pending.last)}}}};
  const auto patched = api_.patch(events(), series.event, PatchType::MergePatch, patch);
  if (!patched && patched.error().code == base::Code::NotFound) {
    series_.erase(known);  // pruned by the server meanwhile
    return create(identity, pending);
  }
  if (!patched) return base::failure(patched.error());
  series.count = count;
  series.last = pending.last;
  return {};
}

base::Status ApiEventRecorder::create(const Identity& identity, const Pending& pending) {
  const Json regarding = Json::parse(identity.regarding);
  const std::string ns = base::string_at(regarding, {"namespace"});
  char suffix[40];
  std::snprintf(suffix, sizeof suffix, ".%llx%04llx",
                static_cast<unsigned long long>(pending.first.time_since_epoch().count()),
                static_cast<unsigned long long>(names_++ & 0xFFFFU));
  Json event = {{"apiVersion", events().api_version()},
                {"kind", "Event"},
                {"metadata",
                 {{"name", base::cut_text(base::string_at(regarding, {"name"}), 200) + suffix},
                  {"namespace", ns.empty() ? "default" : ns}}},
                {"eventTime", base::format_rfc3339_micro(pending.first)},
                {"reportingController", source_.controller},
                {"reportingInstance",
                 base::cut_text(source_.instance.empty() ? source_.controller : source_.instance,
                                kMaxReason)},
                {"action", identity.action},
                {"reason", identity.reason},
                {"regarding", regarding},
                {"note", identity.note},
                {"type", identity.type}};
  if (pending.count > 1) {
    event["series"] = {{"count", pending.count},
                       {"lastObservedTime", base::format_rfc3339_micro(pending.last)}};
  }
  const auto created = api_.create(events(), event);
  if (!created) return base::failure(created.error());
  series_.insert_or_assign(
      identity, Series{.event = key_of(event), .count = pending.count, .last = pending.last});
  return {};
}

// What is not allowed is not allowed for any of them: once a minute is enough.
void ApiEventRecorder::tell_of_dropped(const Identity& identity, const base::Error& error) {
  const base::SteadyTime now = clock_.steady_now();
  if (told_ && now - *told_ < kBetweenWarnings) return;
  told_ = now;
  base::log_warning("kube", "An event could not be written",
                    {{"reason", identity.reason}, {"error", error.message}});
}

bool ApiEventRecorder::wait_before_retry() {
  const base::SteadyTime until = clock_.steady_now() + kBetweenTries;
  base::MutexLock lock(mutex_);
  while (!stopping_ && clock_.steady_now() < until)
    clock_.wait_until(lock, changed_, until);
  return !stopping_;
}

bool ApiEventRecorder::is_recent(const Series& series, base::WallTime now) {
  return now - series.last <= kSeriesWindow && series.last <= now + kSeriesWindow;
}

// Each event would look at all series; a minute more or less is none to an event.
void ApiEventRecorder::forget_old_series() {
  const base::WallTime now = clock_.now();
  const bool looked = now - looked_at_series_ < kBetweenLooks && now >= looked_at_series_;
  if (looked && series_.size() < kMaxSeries) return;
  looked_at_series_ = now;
  std::erase_if(series_, [&](const auto& entry) { return !is_recent(entry.second, now); });
  if (series_.size() >= kMaxSeries) series_.clear();
}

}  // namespace kube
