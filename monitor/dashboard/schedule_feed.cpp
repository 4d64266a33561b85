#include "monitor/dashboard/schedule_feed.h"

#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/guard.h"
#include "base/json.h"
#include "config/names.h"
#include "kube/object.h"

namespace monitor::dashboard {
namespace {

using base::Code;
using base::failure;
using kube::Json;

std::shared_ptr<const std::string> line_of(const Json& message) {
  return std::make_shared<const std::string>(base::dump_json(message) + "\n");
}

bool is_considered(const Scope& scope, const std::string& ns) {
  return scope.all || scope.considered.contains(ns);
}

}  // namespace

ScheduleFeed::ScheduleFeed(base::Clock& clock, ScheduleFeedOptions options)
    : clock_(clock), options_(options) {}

ScheduleFeed::~ScheduleFeed() {
  stop();
}

void ScheduleFeed::follow(const kube::Cache& cache, std::function<bool()> ready) {
  base::MutexLock lock(mutex_);
  if (cache_ != nullptr || stopping_) return;
  cache_ = &cache;
  ready_ = std::move(ready);
  thread_ = base::start_thread("schedule-feed", [this] { run(); });
}

void ScheduleFeed::stop() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    cache_ = nullptr;
    for (const Reader& reader : readers_)
      reader.stream->close();
    readers_.clear();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ScheduleFeed::run() {
  base::MutexLock lock(mutex_);
  while (!stopping_) {
    const base::SteadyTime next = clock_.steady_now() + options_.sign;
    while (!stopping_ && clock_.steady_now() < next)
      clock_.wait_until(lock, changed_, next);
    tend();
  }
}

void ScheduleFeed::tend() {
  const base::SteadyTime now = clock_.steady_now();
  const auto alive = line_of({{"type", "ALIVE"}});
  std::erase_if(readers_, [&](const Reader& reader) {
    if (now >= reader.until) reader.stream->close();
    return now >= reader.until || !reader.stream->write(alive);
  });
}

void ScheduleFeed::changed(const kube::PackedObject& schedule) {
  base::MutexLock lock(mutex_);
  if (cache_ == nullptr || readers_.empty()) return;
  const kube::ObjectKey& key = schedule.key();
  const auto now = cache_->get(config::scheduled_spark_applications(), key);
  const auto line = line_of(
      {{"type", now ? "MODIFIED" : "DELETED"}, {"object", now ? *now : *schedule.object()}});
  std::erase_if(readers_, [&](const Reader& reader) {
    if (reader.scope.has(key.ns)) return !reader.stream->write(line);
    if (!now || is_considered(reader.scope, key.ns)) return false;
    // Whether they may see it is asked when the page comes back.
    reader.stream->close();
    return true;
  });
}

base::Status ScheduleFeed::check_ready() const {
  if (cache_ != nullptr && ready_()) return {};
  return failure(Code::Unavailable, "the schedules have not been read yet");
}

base::Result<std::vector<std::string>> ScheduleFeed::namespaces() const {
  base::MutexLock lock(mutex_);
  RETURN_IF_ERROR(check_ready());
  std::set<std::string> found;
  for (const kube::ObjectKey& key : cache_->keys(config::scheduled_spark_applications(), ""))
    found.insert(key.ns);
  return std::vector<std::string>(found.begin(), found.end());
}

base::Status ScheduleFeed::open(base::http::Responder& responder, Scope scope) {
  base::MutexLock lock(mutex_);
  RETURN_IF_ERROR(check_ready());
  std::erase_if(readers_, [](const Reader& reader) { return reader.stream->closed(); });
  if (readers_.size() >= options_.max_streams)
    return failure(base::Error{.code = Code::ResourceExhausted,
                               .message = "too many pages are open: try again",
                               .retry_after = options_.sign});
  // Under the lock: what changes meanwhile follows.
  Json items = Json::array();
  bool is_whole = true;
  cache_->for_each(config::scheduled_spark_applications(), "", [&](const Json& schedule) {
    const std::string ns = kube::key_of(schedule).ns;
    if (scope.has(ns)) items.push_back(schedule);
    is_whole = is_whole && is_considered(scope, ns);
  });
  auto stream =
      responder.stream(200, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}});
  if (!stream->write(line_of({{"type", "LIST"}, {"items", std::move(items)}}))) return {};
  if (is_whole)
    readers_.push_back({.stream = std::move(stream),
                        .scope = std::move(scope),
                        .until = clock_.steady_now() + options_.life});
  else  // a namespace came while rights were asked about
    stream->close();
  return {};
}

size_t ScheduleFeed::streams() const {
  base::MutexLock lock(mutex_);
  return readers_.size();
}

}  // namespace monitor::dashboard
