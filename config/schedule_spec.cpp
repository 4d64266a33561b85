#include "config/schedule_spec.h"

#include <array>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"

namespace config {
namespace {

using nlohmann::json;

template <class T>
struct Choice {
  std::string_view name;
  T value;
};

constexpr std::array kDstPolicies{
    Choice<scheduler::DstPolicy>{"Vixie", scheduler::DstPolicy::Vixie},
    Choice<scheduler::DstPolicy>{"Kubernetes", scheduler::DstPolicy::Kubernetes},
    Choice<scheduler::DstPolicy>{"Once", scheduler::DstPolicy::Once}};

template <class T, size_t n>
std::array<Choice<T>, n> choices(const std::array<T, n>& values) {
  std::array<Choice<T>, n> all{};
  for (size_t i = 0; i < n; ++i)
    all[i] = {rules_of(values[i]).name, values[i]};
  return all;
}

// Reads the members of spec and collects what is wrong with them.
class Reader {
 public:
  explicit Reader(const json& object) : spec_(base::find(object, {"spec"})) {}

  // nullptr when absent, null or of another type; the latter is a problem.
  const json* get(const char* field, bool (json::*is_type)() const noexcept, const char* type) {
    const json* value = spec_ == nullptr ? nullptr : base::find(*spec_, {field});
    if (value == nullptr || value->is_null()) return nullptr;
    if ((value->*is_type)()) return value;
    problem(field, "must be " + std::string(type) + ", not " + value->type_name());
    return nullptr;
  }

  std::string text(const char* field) {
    const json* value = get(field, &json::is_string, "a string");
    return value == nullptr ? std::string() : value->get<std::string>();
  }

  bool flag(const char* field) {
    const json* value = get(field, &json::is_boolean, "true or false");
    return value != nullptr && value->get<bool>();
  }

  std::optional<int64_t> number(const char* field, int64_t least, int64_t most) {
    const json* value = get(field, &json::is_number_integer, "a whole number");
    if (value == nullptr) return std::nullopt;
    const bool huge = value->is_number_unsigned() &&
                      value->get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()};
    if (huge || value->get<int64_t>() > most) {
      problem(field, value->dump() + " is more than " + std::to_string(most));
    } else if (value->get<int64_t>() < least) {
      problem(field, value->dump() + " is less than " + std::to_string(least));
    } else {
      return value->get<int64_t>();
    }
    return std::nullopt;
  }

  uint32_t number_or(const char* field, uint32_t otherwise, int64_t least, int64_t most) {
    return static_cast<uint32_t>(number(field, least, most).value_or(otherwise));
  }

  template <class T, size_t n>
  T choice(const char* field, const std::array<Choice<T>, n>& known) {
    const std::string name = text(field);
    if (name.empty()) return known[0].value;
    std::string names;
    for (const Choice<T>& choice : known) {
      if (name == choice.name) return choice.value;
      names += (names.empty() ? "" : ", ") + std::string(choice.name);
    }
    problem(field, "\"" + name + "\" is not one of " + names);
    return known[0].value;
  }

  void problem(const char* field, const std::string& what) {
    problems_ += (problems_.empty() ? "spec." : "; spec.") + std::string(field) + ": " + what;
  }

  [[nodiscard]] const std::string& problems() const { return problems_; }

 private:
  const json* spec_;
  std::string problems_;
};

scheduler::Policy read_policy(Reader& in) {
  constexpr int64_t kInt32 = std::numeric_limits<int32_t>::max();
  scheduler::Policy policy;
  policy.concurrency = in.choice("concurrencyPolicy", choices(scheduler::kConcurrencies));
  policy.missed = in.choice("missedRunPolicy", choices(scheduler::kMissedPolicies));
  policy.suspended = in.flag("suspend");
  if (const auto late =
          in.number("startingDeadlineSeconds", 0, std::numeric_limits<int64_t>::max()))
    policy.starting_deadline = std::chrono::seconds{*late};
  policy.max_catch_up_runs = in.number_or("maxCatchUpRuns", policy.max_catch_up_runs, 1, 10000);
  policy.keep_succeeded =
      in.number_or("successfulRunHistoryLimit", policy.keep_succeeded, 0, kInt32);
  policy.keep_failed = in.number_or("failedRunHistoryLimit", policy.keep_failed, 0, kInt32);
  return policy;
}

const char* name_of(scheduler::DstPolicy policy) {
  for (const auto& choice : kDstPolicies)
    if (choice.value == policy) return choice.name.data();
  return "";
}

// Of POSIX, and not what anybody expects.
void warn_of_sign(const std::string& zone, std::vector<std::string>& warnings) {
  if (!zone.starts_with("Etc/GMT+") && !zone.starts_with("Etc/GMT-")) return;
  const bool behind = zone[7] == '+';
  warnings.push_back("spec.timeZone: " + zone + " is " + zone.substr(8) + " h " +
                     (behind ? "behind" : "ahead of") + " UTC: its sign is that of POSIX");
}

// The expression and the zone are two fields of one thing; which of them is wrong shows in whether
// the zone loads by itself.
void compile(Reader& in, const json& object, const std::string& default_time_zone,
             ScheduleSpec& out) {
  const std::string expression = in.text("schedule");
  if (expression.empty()) {
    if (in.problems().empty()) in.problem("schedule", "is required");
    return;
  }
  const scheduler::DstPolicy dst_policy = in.choice("dstPolicy", kDstPolicies);
  std::string zone = in.text("timeZone");
  if (zone.empty() || zone == "Local") zone = default_time_zone;
  if (const auto loaded = scheduler::TimeZone::load(zone); !loaded) {
    in.problem("timeZone", loaded.error().message);
    zone = "UTC";
  }
  const auto created =
      base::parse_rfc3339(base::string_at(object, {"metadata", "creationTimestamp"}));
  const std::string seed = base::string_at(object, {"metadata", "namespace"}) + "/" +
                           base::string_at(object, {"metadata", "name"});
  warn_of_sign(zone, out.warnings);
  auto schedule = scheduler::Schedule::parse(
      expression,
      {.zone = zone,
       .dst_policy = dst_policy,
       .seed = seed,
       .anchor = std::chrono::floor<std::chrono::seconds>(created.value_or(base::WallTime{}))},
      &out.warnings);
  if (!schedule) {
    in.problem("schedule", schedule.error().message);
    return;
  }
  out.spec.schedule = std::make_shared<const scheduler::Schedule>(*std::move(schedule));
  const std::string& in_force = out.spec.schedule->zone().name();
  if (!in.text("timeZone").empty() && in_force != zone)
    out.warnings.push_back("spec.timeZone: " + zone + " is overruled by " + in_force +
                           " in spec.schedule");
  out.spec.fingerprint =
      expression + " | " + out.spec.schedule->zone().name() + " | " + name_of(dst_policy);
}

}  // namespace

base::Result<ScheduleSpec> parse_schedule_spec(const json& object,
                                               const std::string& default_time_zone) {
  Reader in(object);
  ScheduleSpec out;
  out.spec.name = base::string_at(object, {"metadata", "name"});
  compile(in, object, default_time_zone, out);
  out.spec.policy = read_policy(in);
  if (in.get("template", &json::is_object, "an object") == nullptr && in.problems().empty())
    in.problem("template", "is required");
  out.spec.trigger = base::string_at(object, {"metadata", "annotations", kTriggerAnnotation});
  if (!in.problems().empty()) return base::failure(base::Code::InvalidArgument, in.problems());
  return out;
}

bool runs_may_overlap(const json& object) {
  Reader in(object);
  const auto policy = in.choice("concurrencyPolicy", choices(scheduler::kConcurrencies));
  return in.problems().empty() && rules_of(policy).overlaps;
}

}  // namespace config
