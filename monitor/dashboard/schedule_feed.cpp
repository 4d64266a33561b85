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

}  // namespace

ScheduleFeed::ScheduleFeed(base::Clock& clock, ScheduleFeedOptions options)
    : clock_(clock), options_(options) {}

ScheduleFeed::~ScheduleFeed() {
  stop();
}

void ScheduleFeed::follow(const kube::Cache& cache) {
  base::MutexLock lock(mutex_);
  if (cache_ != nullptr || stopping_) return;
  cache_ = &cache;
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

void ScheduleFeed::changed(const Json& schedule) {
  base::MutexLock lock(mutex_);
  if (cache_ == nullptr || readers_.empty()) return;
  const kube::ObjectKey key = kube::key_of(schedule);
  const auto now = cache_->get(config::scheduled_spark_applications(), key);
  const auto line =
      line_of({{"type", now ? "MODIFIED" : "DELETED"}, {"object", now ? *now : schedule}});
  std::erase_if(readers_, [&](const Reader& reader) {
    return reader.scope.has(key.ns) && !reader.stream->write(line);
  });
}

std::vector<std::string> ScheduleFeed::namespaces() const {
  base::MutexLock lock(mutex_);
  std::set<std::string> found;
  if (cache_ != nullptr)
    for (const auto& schedule : cache_->list(config::scheduled_spark_applications(), ""))
      found.insert(kube::key_of(*schedule).ns);
  return {found.begin(), found.end()};
}

base::Status ScheduleFeed::open(base::http::Responder& responder, Scope scope) {
  base::MutexLock lock(mutex_);
  if (cache_ == nullptr) return failure(Code::Unavailable, "the schedules have not been read yet");
  std::erase_if(readers_, [](const Reader& reader) { return reader.stream->closed(); });
  if (readers_.size() >= options_.max_streams)
    return failure(base::Error{.code = Code::ResourceExhausted,
                               .message = "too many pages are open: try again",
                               .retry_after = options_.sign});
  // Under the lock: what changes meanwhile follows.
  Json items = Json::array();
  for (const auto& schedule : cache_->list(config::scheduled_spark_applications(), ""))
    if (scope.has(kube::key_of(*schedule).ns)) items.push_back(*schedule);
  auto stream =
      responder.stream(200, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}});
  if (stream->write(line_of({{"type", "LIST"}, {"items", std::move(items)}})))
    readers_.push_back({.stream = std::move(stream),
                        .scope = std::move(scope),
                        .until = clock_.steady_now() + options_.life});
  return {};
}

size_t ScheduleFeed::streams() const {
  base::MutexLock lock(mutex_);
  return readers_.size();
}

}  // namespace monitor::dashboard
