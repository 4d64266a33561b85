// `sparkctl timeline`: when the runs of all schedules come, how long they are expected to take, and
// where they crowd.

#include <algorithm>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "config/schedule_spec.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/history_service.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"
#include "tools/sparkctl/table.h"
#include "tools/sparkctl/times.h"

namespace sparkctl {
namespace {

using base::string_at;
using kube::Json;
using scheduler::Instant;
using std::chrono::milliseconds;

// Of one schedule: more are counted, not listed.
constexpr size_t kMostSlots = 2'000;
// What comes more often than that is told in one row.
constexpr size_t kMostRows = 24;

using Durations = std::map<kube::ObjectKey, std::vector<milliseconds>>;  // of runs that completed

void add_duration(const Json& run, const char* from, const kube::ObjectKey& schedule,
                  Durations& durations) {
  const auto begin = time_at(run, {from});
  const auto end = time_at(run, {"ended"});
  if (begin && end && *end >= *begin) durations[schedule].push_back(*end - *begin);
}

// What the history tells, one question for all.
void ask_durations(Session& session, Durations& durations) {
  std::vector<std::pair<std::string, std::string>> query;
  if (session.scope != Scope::All) query.emplace_back("namespace", session.ns);
  query.emplace_back("state", "COMPLETED");
  query.emplace_back("limit", "10000");
  const auto rows = ask_history_rows(session, std::move(query));
  if (!rows) {
    session.err << "sparkctl: the history could not be asked, durations are those of recent runs: "
                << safe_text(rows.error().message) << '\n';
    return;
  }
  const Json* runs = base::find(*rows, {"runs"});
  if (runs == nullptr || !runs->is_array()) return;
  for (const Json& run : *runs)
    if (string_at(run, {"state"}) == "COMPLETED")
      add_duration(run, "created", {string_at(run, {"namespace"}), string_at(run, {"schedule"})},
                   durations);
}

std::optional<milliseconds> expected(const Json& schedule, const Durations& durations) {
  const kube::ObjectKey key = kube::key_of(schedule);
  Durations known;
  if (const auto found = durations.find(key); found != durations.end()) {
    known.insert(*found);
  } else if (const Json* recent = base::find(schedule, {"status", "recentRuns"});
             recent != nullptr && recent->is_array()) {
    for (const Json& run : *recent)
      if (string_at(run, {"outcome"}) == "Succeeded") add_duration(run, "started", key, known);
  }
  std::vector<milliseconds>& all = known[key];
  if (all.empty()) return std::nullopt;
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  return *middle;
}

struct Plan {
  kube::ObjectKey schedule;
  std::string expression;
  std::vector<Instant> slots;  // the first kMostSlots
  uint64_t count = 0;
  std::optional<milliseconds> lasts;
};

struct LeftOut {
  size_t suspended = 0;
  size_t invalid = 0;
};

std::vector<Plan> plan_all(const std::vector<Json>& schedules, const Durations& durations,
                           Instant from, Instant to, LeftOut& left_out) {
  std::vector<Plan> plans;
  for (const Json& schedule : schedules) {
    const std::string zone = zone_in_force(schedule);
    const auto parsed = config::parse_schedule_spec(schedule, zone.empty() ? "UTC" : zone);
    if (!parsed) {
      ++left_out.invalid;
    } else if (parsed->spec.policy.suspended) {
      ++left_out.suspended;
    } else {
      const scheduler::Schedule& times = *parsed->spec.schedule;
      Plan plan{.schedule = kube::key_of(schedule),
                .expression = string_at(schedule, {"spec", "schedule"}),
                .slots = times.between(from, to, kMostSlots),
                .count = times.count(from, to),
                .lasts = expected(schedule, durations)};
      if (plan.count > 0) plans.push_back(std::move(plan));
    }
  }
  return plans;
}

struct Row {
  Instant at;
  std::vector<Cell> cells;
};

class Shown {
 public:
  Shown(Session& session, const scheduler::TimeZone& zone)
      : session_(session), zone_(zone), now_(session.clock.now()) {}

  void slots(const std::vector<Plan>& plans) const {
    std::vector<Row> rows;
    for (const Plan& plan : plans) {
      if (plan.count > kMostRows) continue;
      for (const Instant slot : plan.slots)
        rows.push_back({slot, cells(plan, slot, plan.expression)});
    }
    print("SLOT", std::move(rows), "SCHEDULE");
  }

  void often(const std::vector<Plan>& plans) const {
    std::vector<Row> rows;
    for (const Plan& plan : plans)
      if (plan.count > kMostRows)
        rows.push_back({plan.slots.front(),
                        cells(plan, plan.slots.front(),
                              plan.expression + ", " + std::to_string(plan.count) + " slots")});
    if (!rows.empty()) session_.out << '\n';
    print("OFTEN, FIRST", std::move(rows), "SCHEDULE");
  }

  // How many start in each hour, and how many run at once at most.
  void hours(const std::vector<Plan>& plans, Instant from, Instant to) const {
    std::map<Instant, uint64_t> starts;
    std::vector<std::pair<Instant, int>> changes;  // when, how many more
    for (const Plan& plan : plans) {
      const auto lasts =
          std::chrono::ceil<std::chrono::seconds>(plan.lasts.value_or(milliseconds{0}));
      for (const Instant slot : plan.slots) {
        ++starts[hour_of(slot)];
        changes.emplace_back(slot, 1);
        changes.emplace_back(slot + std::max(lasts, std::chrono::seconds{1}), -1);
      }
    }
    std::sort(changes.begin(), changes.end());
    Table table({"HOUR (" + zone_.name() + ")", "STARTS", "AT ONCE", "LOAD"});
    auto change = changes.begin();
    int running = 0;
    for (Instant hour = hour_of(from); hour < to; hour += std::chrono::hours{1}) {
      int most = running;
      for (; change != changes.end() && change->first < hour + std::chrono::hours{1}; ++change) {
        running += change->second;
        most = std::max(most, running);
      }
      constexpr int kWidest = 40;
      table.add({local_text(hour, zone_), std::to_string(starts[hour]), std::to_string(most),
                 std::string(static_cast<size_t>(std::min(most, kWidest)), '#')});
    }
    session_.out << '\n';
    table.print(session_.out, session_.colours);
  }

 private:
  // Whole hours of the zone, whatever its offset.
  [[nodiscard]] Instant hour_of(Instant time) const {
    const auto local = time + zone_.offset_at(time);
    return time - (local - std::chrono::floor<std::chrono::hours>(local));
  }

  [[nodiscard]] std::vector<Cell> cells(const Plan& plan, Instant slot,
                                        const std::string& what) const {
    std::vector<Cell> row;
    row.emplace_back(local_text(slot, zone_));
    row.emplace_back(relative_to(slot, now_));
    if (session_.scope == Scope::All) row.emplace_back(plan.schedule.ns);
    row.emplace_back(plan.schedule.name);
    row.emplace_back(plan.lasts ? "~" + exact(*plan.lasts) : "?");
    row.emplace_back(what);
    return row;
  }

  void print(const std::string& when, std::vector<Row> rows, const std::string& name) const {
    if (rows.empty()) return;
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& left, const Row& right) { return left.at < right.at; });
    std::vector<std::string> header = {when + " (" + zone_.name() + ")", "WHEN"};
    if (session_.scope == Scope::All) header.emplace_back("NAMESPACE");
    header.insert(header.end(), {name, "TAKES", "CRON"});
    Table table(std::move(header));
    for (Row& row : rows)
      table.add(std::move(row.cells));
    table.print(session_.out, session_.colours);
  }

  Session& session_;
  const scheduler::TimeZone& zone_;
  const base::WallTime now_;
};

}  // namespace

base::Status timeline(Session& session, const TimelineOptions& options) {
  ASSIGN_OR_RETURN(const auto zone, scheduler::TimeZone::load(options.zone));
  const kube::ResourceType& type = config::scheduled_spark_applications();
  ASSIGN_OR_RETURN(const kube::ObjectList list, list_all(session, type));
  say_left_out(session, type, list);
  Durations durations;
  if (!list.items.empty()) ask_durations(session, durations);
  const auto from = std::chrono::floor<std::chrono::seconds>(session.clock.now());
  const Instant to = from + options.span;
  LeftOut left_out;
  const std::vector<Plan> plans = plan_all(list.items, durations, from, to, left_out);
  if (left_out.suspended + left_out.invalid > 0)
    session.err << "Left out: " << left_out.suspended << " suspended, " << left_out.invalid
                << " that cannot be read.\n";
  if (plans.empty()) {
    session.err << "No slots in the next " << span_text(options.span) << ".\n";
    return {};
  }
  const Shown shown(session, *zone);
  shown.slots(plans);
  shown.often(plans);
  shown.hours(plans, from, to);
  const bool cut = std::any_of(plans.begin(), plans.end(),
                               [](const Plan& plan) { return plan.count > plan.slots.size(); });
  if (cut)
    session.err << "Of schedules with more than " << kMostSlots
                << " slots only the first are counted in the hours.\n";
  return {};
}

}  // namespace sparkctl
