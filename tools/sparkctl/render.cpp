#include "tools/sparkctl/render.h"

#include <chrono>
#include <optional>
#include <ostream>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "config/schedule_spec.h"
#include "kube/object.h"
#include "runner/application.h"
#include "runner/applications/context.h"
#include "runner/applications/submitter.h"
#include "runner/schedules/run.h"
#include "runner/submission/application_conf.h"
#include "runner/submission/conf_to_objects.h"
#include "runner/submission/names.h"
#include "runner/submission/spark_version.h"
#include "scheduler/run_name.h"
#include "scheduler/schedule.h"
#include "tools/sparkctl/crd_check.h"
#include "tools/sparkctl/manifests.h"
#include "tools/sparkctl/rendered.h"
#include "tools/sparkctl/submit_door.h"

namespace sparkctl {
namespace {

using base::Code;
using base::failure;
using nlohmann::json;
using runner::applications::Attempt;
using std::chrono::floor;
using std::chrono::seconds;

// Of an object that no API server has seen.
constexpr const char* kNoUid = "00000000-0000-0000-0000-000000000000";
constexpr Attempt kFirst{.execution = 1, .submission = 1};

// What all that is rendered in one call shares.
struct Surroundings {
  runner::applications::ApplicationOptions application;
  std::string default_time_zone;
  std::optional<base::WallTime> at;
  base::WallTime now;
};

base::Result<Surroundings> surroundings_of(const RenderContext& context,
                                           const RenderOptions& options) {
  Surroundings around{.application = {},
                      .default_time_zone = options.default_time_zone,
                      .at = std::nullopt,
                      .now = context.clock.now()};
  for (const std::string& pair : options.conf) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      return failure(Code::InvalidArgument, "--conf " + pair + ": KEY=VALUE expected");
    around.application.default_conf[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  if (!options.at.empty()) {
    auto at = base::parse_rfc3339(options.at);
    if (!at) return failure(at.error().with_context("--at"));
    around.at = *at;
  }
  return around;
}

std::string title_of(const json& object) {
  return base::string_at(object, {"kind"}) + " " + kube::key_of(object).to_string();
}

base::Result<Rendered> render_application(const json& object, const Surroundings& around) {
  const runner::Application app = runner::read_application(object);
  const auto context = runner::applications::context_of(
      app, object, kFirst, around.at.value_or(around.now), around.application);
  ASSIGN_OR_RETURN(auto plan, runner::submission::spark_conf_for(object, context));
  ASSIGN_OR_RETURN(auto made, runner::submission::build_submission(object, context));
  Rendered rendered{.title = title_of(object),
                    .objects = {},
                    .request = std::move(plan.request),
                    .warnings = std::move(made.warnings)};
  made.before_pod.push_back(std::move(made.driver_pod));
  for (json& one : made.before_pod)
    rendered.objects.push_back(runner::applications::owned_by(app, kFirst, std::move(one)));
  return rendered;
}

// The slot that is asked for, or the next one.
base::Result<scheduler::Instant> slot_of(const scheduler::Schedule& schedule,
                                         const Surroundings& around) {
  if (!around.at) {
    const auto next = schedule.next(floor<seconds>(around.now));
    if (next) return *next;
    return failure(Code::InvalidArgument, "spec.schedule: no time is left at which it would run");
  }
  const auto asked = floor<seconds>(*around.at);
  const auto found = schedule.next(asked - seconds{1});
  if (found == asked && *around.at == base::WallTime{asked}) return asked;
  std::string text = "--at " + base::format_rfc3339(asked) + " is no slot of this schedule";
  if (found) text += "; the next one is " + base::format_rfc3339(*found);
  return failure(Code::InvalidArgument, text);
}

// The run comes first: the schedule creates it, and its submission the rest.
base::Result<Rendered> render_schedule(const json& object, const Surroundings& around) {
  ASSIGN_OR_RETURN(auto parsed, config::parse_schedule_spec(object, around.default_time_zone));
  const scheduler::Schedule& schedule = *parsed.spec.schedule;
  ASSIGN_OR_RETURN(const scheduler::Instant slot, slot_of(schedule, around));
  const json run = runner::schedules::build_run(
      object, schedule,
      {.name = scheduler::run_name(parsed.spec.name, slot), .slot = slot, .at = slot});
  json stored = run;
  stored["metadata"]["uid"] = kNoUid;
  Surroundings then = around;
  then.at = slot;
  auto rendered = render_application(stored, then);
  // By the path in the schedule: the run is not what people wrote.
  auto told = runner::applications::dry_run(stored, around.application, "spec.template");
  if (!rendered)
    return failure(told.refusal ? *std::move(told.refusal) : std::move(rendered).error());
  rendered->title = title_of(object);
  rendered->warnings = std::move(told.warnings);
  rendered->objects.insert(rendered->objects.begin(), run);
  rendered->warnings.insert(rendered->warnings.begin(), parsed.warnings.begin(),
                            parsed.warnings.end());
  return rendered;
}

base::Result<Rendered> render_object(json object, const Surroundings& around) {
  RETURN_IF_ERROR(accept_as_server(object));
  json& metadata = object["metadata"];
  if (kube::key_of(object).name.empty())
    return failure(Code::InvalidArgument, "metadata.name: Required value");
  if (kube::uid_of(object).empty()) metadata["uid"] = kNoUid;
  return base::string_at(object, {"kind"}) == config::kApplicationKind
             ? render_application(object, around)
             : render_schedule(object, around);
}

bool is_ours(const Manifest& manifest) {
  return manifest.type == config::spark_applications() ||
         manifest.type == config::scheduled_spark_applications();
}

base::Error all_of(const std::vector<base::Error>& refused, size_t manifests) {
  if (refused.size() == 1) return refused.front();
  std::string text =
      std::to_string(refused.size()) + " of " + std::to_string(manifests) + " are refused:";
  for (const base::Error& one : refused)
    text += "\n  " + one.message;
  return {.code = refused.front().code, .message = std::move(text)};
}

// Whoever moves a folder here, or a cluster, wants to know of all that would be refused.
base::Result<std::vector<Rendered>> render_files(const RenderContext& context,
                                                 const RenderOptions& options,
                                                 const Surroundings& around) {
  ASSIGN_OR_RETURN(const auto manifests,
                   read_manifests(options.files, context.in, context.ns, Others::LeftOut));
  std::vector<Rendered> all;
  std::vector<base::Error> refused;
  for (const Manifest& manifest : manifests) {
    if (!is_ours(manifest)) continue;
    auto rendered = render_object(manifest.object, around);
    if (rendered) {
      all.push_back(*std::move(rendered));
    } else {
      refused.push_back(rendered.error().with_context(
          manifest.file + ": " + manifest.type.kind + " \"" +
          base::string_at(manifest.object, {"metadata", "name"}) + "\""));
    }
  }
  if (!refused.empty()) return failure(all_of(refused, all.size() + refused.size()));
  if (all.empty())
    return failure(Code::InvalidArgument,
                   "no SparkApplication and no ScheduledSparkApplication of " +
                       std::string(config::kApiVersion) + " to render");
  return all;
}

base::Result<std::vector<Rendered>> render_submit(const RenderContext& context,
                                                  const RenderOptions& options,
                                                  const Surroundings& around) {
  ASSIGN_OR_RETURN(const auto version,
                   runner::submission::parse_spark_version(options.submit.spark_version));
  ASSIGN_OR_RETURN(auto request, read_submit_door(options.submit, context.environment));
  ASSIGN_OR_RETURN(auto made,
                   runner::submission::submission_from_conf(
                       request, version, runner::submission::submission_ids(kNoUid, 1, 1),
                       around.at.value_or(around.now)));
  made.before_pod.push_back(std::move(made.driver_pod));
  std::vector<Rendered> all;
  all.push_back({.title = "spark-submit " + options.submit.spark_version,
                 .objects = std::move(made.before_pod),
                 .request = std::move(request),
                 .warnings = std::move(made.warnings)});
  return all;
}

base::Result<std::vector<Rendered>> render_all(const RenderContext& context,
                                               const RenderOptions& options) {
  ASSIGN_OR_RETURN(const Surroundings around, surroundings_of(context, options));
  auto all = options.from_submit ? render_submit(context, options, around)
                                 : render_files(context, options, around);
  // Who waits for the exit code of a check need not tell what is wrong from what is not supported.
  if (!all && all.error().code == Code::Unimplemented)
    return failure(Code::InvalidArgument, all.error().message);
  return all;
}

}  // namespace

base::Status render(const RenderContext& context, const RenderOptions& options) {
  ASSIGN_OR_RETURN(const auto all, render_all(context, options));
  for (const Rendered& one : all)
    for (const std::string& warning : one.warnings)
      context.err << "sparkctl: warning: " << one.title << ": " << warning << '\n';
  context.out << (options.as_conf ? conf_text(all, context.output)
                                  : objects_text(all, context.output));
  return {};
}

}  // namespace sparkctl
