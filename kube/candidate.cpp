#include "kube/candidate.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/log.h"

namespace kube {

Candidate::Candidate(Api& api, base::Clock& clock, ElectionOptions options)
    : api_(api), clock_(clock), options_(std::move(options)) {}

Candidate::~Candidate() = default;

bool Candidate::leading() const {
  base::MutexLock lock(mutex_);
  return elected_ && clock_.steady_now() < renewed_ + options_.times.renew;
}

Candidate::View Candidate::view() const {
  base::MutexLock lock(mutex_);
  return seen_;
}

bool Candidate::attempt() {
  // The moment before the request counts: the server cannot have granted it earlier than that, and
  // others count from no earlier.
  const base::SteadyTime begin = clock_.steady_now();
  auto found = api_.get(leases(), options_.lease);
  if (found) {
    observe(*found);
  } else if (found.error().code == base::Code::NotFound) {
    lease_.reset();
    view_ = {.record = std::nullopt, .unchanged_since = begin};
    base::MutexLock lock(mutex_);
    seen_ = {.holder = {}, .seen = begin};
  } else {
    base::log_warning("kube", "Reading the lease failed", {{"error", found.error().message}});
    return false;
  }
  const LeaseMove move = decide_lease(begin, view_, options_.identity);
  if (move == LeaseMove::Wait) {
    // Somebody else has it: whatever we believed is over.
    resign();
    return false;
  }
  const auto written =
      write(next_lease(move, view_, options_.identity, options_.times, clock_.now()));
  if (!written) {
    // A conflict means that another wrote first; the next look shows who.
    base::log_info("kube", "Writing the lease failed", {{"error", written.error().message}});
    return false;
  }
  observe(*written);
  base::MutexLock lock(mutex_);
  elected_ = true;
  renewed_ = begin;
  return true;
}

void Candidate::resign() {
  base::MutexLock lock(mutex_);
  elected_ = false;
}

void Candidate::observe(const Json& lease) {
  LeaseRecord record = lease_record(lease);
  {
    base::MutexLock lock(mutex_);
    seen_ = {.holder = record.holder, .seen = clock_.steady_now()};
  }
  if (view_.record != record) {
    view_ = {.record = std::move(record), .unchanged_since = clock_.steady_now()};
  }
  lease_ = std::make_unique<Json>(lease);
}

base::Result<Json> Candidate::write(const LeaseRecord& record) {
  if (lease_ == nullptr) {
    Json fresh = {{"apiVersion", leases().api_version()},
                  {"kind", leases().kind},
                  {"metadata", {{"namespace", options_.lease.ns}, {"name", options_.lease.name}}}};
    set_lease_record(fresh, record);
    return api_.create(leases(), fresh);
  }
  // Carries the resourceVersion that we decided on: of two that take over, one gets a conflict.
  Json next = *lease_;
  set_lease_record(next, record);
  return api_.update(leases(), next);
}

void Candidate::release() {
  if (lease_ == nullptr || !view_.record) return;
  LeaseRecord free = *view_.record;
  free.holder.clear();
  free.duration = std::chrono::seconds{1};
  if (const auto written = write(free); !written) {
    base::log_info("kube", "Releasing the lease failed", {{"error", written.error().message}});
  }
}

}  // namespace kube
