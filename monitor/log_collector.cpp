#include "monitor/log_collector.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "config/names.h"
#include "monitor/packed_log.h"
#include "runner/application.h"

namespace monitor {
namespace {

using base::Code;
using base::failure;
using base::Result;
using base::Status;
using kube::Json;

constexpr int kFailuresToTell = 3;
// Of four workers.
constexpr int kMaxFollows = 2;

bool is_driver(const Json& pod) {
  return base::string_at(pod, {"metadata", "labels", config::kSparkRoleLabel}) == "driver" &&
         !config::name_from_label(pod, config::kAppNameLabel).empty();
}

// It prints no more, or not for long.
bool is_due(const Json& pod) {
  return is_driver(pod) && (kube::is_deleting(pod) || runner::has_ended(runner::read_driver(pod)));
}

KeptLog log_of(const Json& pod) {
  KeptLog log{.schedule = config::name_from_label(pod, config::kScheduledAppNameLabel),
              .run = {kube::key_of(pod).ns, config::name_from_label(pod, config::kAppNameLabel)},
              .run_uid = "-",
              .pod = kube::key_of(pod),
              .pod_uid = kube::uid_of(pod),
              .container = config::kDriverContainer,
              .attempt = attempt_of(pod)};
  if (const auto owner = kube::controller_of(pod)) log.run_uid = owner->uid;
  return log;
}

}  // namespace

void LogCollector::seen(const Json& pod) {
  const std::string uid = kube::uid_of(pod);
  const auto current = cache_.get(kube::pods(), kube::key_of(pod));
  const bool gone = current == nullptr || kube::uid_of(*current) != uid;
  base::MutexLock lock(mutex_);
  if (gone) {
    done_.erase(uid);
  } else if (is_due(*current) && !done_.contains(uid)) {
    pending_.try_emplace(uid, Pending{.log = log_of(*current), .since = clock_.steady_now()});
  }
}

Result<kube::Reconciled> LogCollector::reconcile(const kube::ObjectKey& key) {
  const auto pod = cache_.get(kube::pods(), key);
  lose_others(key, pod == nullptr ? "" : kube::uid_of(*pod));
  if (pod == nullptr || !is_due(*pod)) return kube::Reconciled{};
  const KeptLog log = log_of(*pod);
  {
    base::MutexLock lock(mutex_);
    if (stopped_ || done_.contains(log.pod_uid)) return kube::Reconciled{};
  }
  ASSIGN_OR_RETURN(const bool known, store_.has(log));
  if (!known) {
    const bool ended = runner::has_ended(runner::read_driver(*pod));
    ASSIGN_OR_RETURN(const std::optional<std::string> packed, read(log, !ended));
    if (packed) RETURN_IF_ERROR(put(log, *packed));
  }
  settle(log);
  return kube::Reconciled{};
}

// What is pending of pods that had this name before: nobody reads it now, and nobody can any more.
void LogCollector::lose_others(const kube::ObjectKey& pod, const std::string& uid) {
  std::vector<KeptLog> lost;
  {
    base::MutexLock lock(mutex_);
    for (auto one = pending_.begin(); one != pending_.end();) {
      const bool gone = one->second.log.pod == pod && one->first != uid;
      if (gone) lost.push_back(one->second.log);
      one = gone ? pending_.erase(one) : std::next(one);
    }
    numbers_.lost += lost.size();
    if (!lost.empty()) changed_.notify_all();
  }
  for (const KeptLog& log : lost) {
    base::log_warning("monitor", "A driver's pod went before its log was kept",
                      {{"pod", log.pod.to_string()}});
    events_.record(
        {{"apiVersion", "v1"},
         {"kind", "Pod"},
         {"metadata", {{"namespace", pod.ns}, {"name", pod.name}, {"uid", log.pod_uid}}}},
        kube::EventType::Warning, "LogLost", "Keeping",
        "the pod went before the driver's log was kept");
  }
}

// nullopt: there is none, since the container never ran or its pod is gone.
Result<std::optional<std::string>> LogCollector::read(const KeptLog& log, bool follow) {
  // One that is being deleted may hang with its node for ever: such must leave room for others.
  if (follow && !begin_follow())
    return failure(Code::Unavailable, "other logs are followed to their end just now");
  const std::unique_ptr<LogCollector, void (*)(LogCollector*)> following(
      follow ? this : nullptr, [](LogCollector* collector) { collector->end_follow(); });
  auto stream = fetch_(log.pod, {.container = log.container, .follow = follow, .timestamps = true});
  if (!stream) {
    const Code code = stream.error().code;
    if (code == Code::NotFound || code == Code::Refused) return std::optional<std::string>{};
    return failure(stream.error().with_context("read the log of pod " + log.pod.to_string()));
  }
  {
    base::MutexLock lock(mutex_);
    if (stopped_) return failure(Code::Cancelled, "stopped");
    reading_.insert(stream->get());
  }
  NewestLines lines(kMaxLog);
  Status ended;
  while (true) {
    auto bytes = (*stream)->read();
    if (!bytes)
      ended = failure(bytes.error().with_context("read the log of pod " + log.pod.to_string()));
    if (!bytes || !*bytes) break;
    lines.add(**bytes);
  }
  {
    base::MutexLock lock(mutex_);
    reading_.erase(stream->get());
  }
  RETURN_IF_ERROR(ended);
  ASSIGN_OR_RETURN(std::string packed, pack(lines.take()));
  return std::optional<std::string>(std::move(packed));
}

bool LogCollector::begin_follow() {
  base::MutexLock lock(mutex_);
  if (follows_ >= kMaxFollows) return false;
  ++follows_;
  return true;
}

void LogCollector::end_follow() {
  base::MutexLock lock(mutex_);
  --follows_;
}

Status LogCollector::put(const KeptLog& log, const std::string& packed) {
  const Status stored = store_.put(log, packed);
  {
    base::MutexLock lock(mutex_);
    numbers_.store = stored;
    stored ? ++numbers_.kept : ++numbers_.failures;
    if (!stored) changed_.notify_all();
  }
  if (stored || meanwhile_ == nullptr) return stored;
  // Tried again while the pod is there; when it goes, the log is not lost.
  if (const Status aside = meanwhile_->put(log, packed); !aside) return aside;
  base::MutexLock lock(mutex_);
  pending_.erase(log.pod_uid);
  changed_.notify_all();
  return stored;
}

void LogCollector::settle(const KeptLog& log) {
  {
    base::MutexLock lock(mutex_);
    pending_.erase(log.pod_uid);
    done_.insert(log.pod_uid);
    changed_.notify_all();
  }
  // Gone meanwhile: seen() may have been told before it was noted as done.
  const auto pod = cache_.get(kube::pods(), log.pod);
  if (pod != nullptr && kube::uid_of(*pod) == log.pod_uid) return;
  base::MutexLock lock(mutex_);
  done_.erase(log.pod_uid);
}

void LogCollector::failing(const kube::ObjectKey& key, const base::Error& error, int failures) {
  if (failures != kFailuresToTell) return;
  if (const auto pod = cache_.get(kube::pods(), key))
    events_.record(*pod, kube::EventType::Warning, "LogNotKept", "Keeping",
                   "the driver's log could not be kept yet and is tried again: " + error.message);
}

void LogCollector::await_pod(const kube::ObjectKey& pod) {
  await([&pod](const Pending& one) { return one.log.pod == pod; });
}

void LogCollector::await_run(const kube::ObjectKey& run) {
  await([&run](const Pending& one) { return one.log.run == run; });
}

void LogCollector::await(const std::function<bool(const Pending&)>& concerns) {
  base::MutexLock lock(mutex_);
  // A store that fails holds up nobody.
  while (!stopped_ && numbers_.store) {
    const base::SteadyTime now = clock_.steady_now();
    const auto one = std::find_if(pending_.begin(), pending_.end(), [&](const auto& entry) {
      return concerns(entry.second) && now - entry.second.since < kPatience;
    });
    if (one == pending_.end()) return;
    clock_.wait_until(lock, changed_, one->second.since + kPatience);
  }
}

void LogCollector::stop() {
  base::MutexLock lock(mutex_);
  stopped_ = true;
  for (base::http::BodyStream* stream : reading_)
    stream->cancel();
  changed_.notify_all();
}

LogCollectorNumbers LogCollector::numbers() const {
  base::MutexLock lock(mutex_);
  LogCollectorNumbers numbers = numbers_;
  numbers.waiting = pending_.size();
  return numbers;
}

}  // namespace monitor
