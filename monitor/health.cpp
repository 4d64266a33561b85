#include "monitor/health.h"

#include <algorithm>
#include <atomic>
#include <string_view>
#include <utility>

#include "base/guard.h"
#include "base/log.h"

namespace monitor {

using base::http::Request;
using base::http::Responder;

struct Health::Entry {
  std::string name;
  HealthKind kind;
  Check check;
  // Only a change is logged: probes come every few seconds.
  mutable std::atomic<bool> failing = false;

  [[nodiscard]] base::Status ask() const {
    base::Status status = base::guarded("health check " + name, check);
    if (kind != HealthKind::Note && failing.exchange(!status) != !status) {
      if (status)
        base::log_info("monitor", "Health check passed again", {{"check", name}});
      else
        base::log_warning("monitor", "Health check failed",
                          {{"check", name}, {"error", status.error().message}});
    }
    return status;
  }
};

namespace {

void answer(Responder& responder, int status, std::string body) {
  responder.send(
      {.status = status,
       .headers = {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}},
       .body = std::move(body)});
}

std::string line_of(const std::string& name, HealthKind kind, const base::Status& status) {
  if (status) return "[+]" + name + " ok\n";
  if (kind == HealthKind::Warning)
    return "[!]" + name + " warning: " + status.error().message + "\n";
  if (kind == HealthKind::Note) return "[+]" + name + " ok: " + status.error().message + "\n";
  return "[-]" + name + " failed: reason withheld\n";
}

bool is_excluded(const Request& request, const std::string& name) {
  return std::any_of(request.query.begin(), request.query.end(), [&](const auto& parameter) {
    return parameter.first == "exclude" && parameter.second == name;
  });
}

}  // namespace

Health::Health() : entries_(std::make_shared<std::vector<std::unique_ptr<Entry>>>()) {
  add("ping", HealthKind::Live, [] { return base::Status{}; });
}

Health::~Health() = default;

void Health::add(std::string name, HealthKind kind, Check check) {
  auto entry = std::make_unique<Entry>();
  entry->name = std::move(name);
  entry->kind = kind;
  entry->check = std::move(check);
  entries_->push_back(std::move(entry));
}

base::http::Handler Health::handler() const {
  return [entries = entries_](const Request& request, std::shared_ptr<Responder> responder) {
    // "/readyz/etcd": the endpoint, and the one check that is asked for.
    const std::string_view path =
        std::string_view(request.path).substr(request.path.empty() ? 0 : 1);
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string endpoint(path.substr(0, slash));
    const std::string_view only = path.substr(std::min(slash + 1, path.size()));
    std::string report;
    bool failed = false;
    bool any = false;
    for (const auto& entry : *entries) {
      if (endpoint == "livez" && entry->kind != HealthKind::Live) continue;
      if (!only.empty() && entry->name != only) continue;
      any = true;
      if (is_excluded(request, entry->name)) {
        report += "[+]" + entry->name + " excluded: ok\n";
        continue;
      }
      const base::Status status = entry->ask();
      report += line_of(entry->name, entry->kind, status);
      if (!status && (entry->kind == HealthKind::Live || entry->kind == HealthKind::Ready))
        failed = true;
    }
    if (!any) return answer(*responder, 404, "no health check of this name\n");
    if (failed) return answer(*responder, 500, report + endpoint + " check failed\n");
    if (request.parameter("verbose"))
      return answer(*responder, 200, report + endpoint + " check passed\n");
    answer(*responder, 200, "ok");
  };
}

}  // namespace monitor
