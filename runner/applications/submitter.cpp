#include "runner/applications/submitter.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "kube/object.h"
#include "runner/applications/context.h"
#include "runner/applications/events.h"
#include "runner/applications/made_kinds.h"
#include "runner/name_holder.h"
#include "runner/refusal.h"

namespace runner::applications {
namespace {

using base::Code;
using base::string_at;
using nlohmann::json;
using std::chrono::seconds;

// The ConfigMap without which no driver starts: every driver pod mounts this key of it.
bool holds_configuration(const json& object) {
  return base::find(object, {"data", "spark.properties"}) != nullptr;
}

// The pod template that a driver makes its executors from.
bool holds_executor_template(const json& object) {
  return base::find(object, {"data", "podspec-configmap-key"}) != nullptr;
}

// How often a name is looked at that somebody leaves.
constexpr seconds kNamePoll{2};

// Whether it is what this attempt makes: created before a crash, or though the answer was an error.
bool is_of_attempt(const Application& app, const Attempt& attempt, const json& existing) {
  return kube::is_owned_by(existing, app.uid) && !kube::is_deleting(existing) &&
         string_at(existing, {"metadata", "labels", config::kSubmissionIdLabel}) ==
             submission_id_of(app.uid, attempt) &&
         string_at(existing, {"metadata", "annotations", config::kSpecHashAnnotation}) ==
             app.spec_hash;
}

}  // namespace

Submitter::Submitter(kube::Api& api, const kube::Cache& cache, kube::EventRecorder& events,
                     base::Clock& clock, const ApplicationOptions& options)
    : api_(api), cache_(cache), events_(events), clock_(clock), options_(options) {}

void Submitter::record(const json& object, const ApplicationEvent& event) {
  events_.record(object, event.warning ? kube::EventType::Warning : kube::EventType::Normal,
                 event.reason, "Submitting", event.note);
}

base::Result<Submitter::Tried> Submitter::submit(const Application& app, const json& object,
                                                 const Attempt& attempt) {
  const base::WallTime now = clock_.now();
  const submission::Context context = context_of(app, object, attempt, now, options_);
  const auto built = submission::build_submission(object, context);
  if (!built)
    return Tried{.status = after_refused_submission(now, app, attempt, built.error().message)};

  // ConfigMap and Service exist before the pod, so no kubelet ever waits for them.
  std::vector<json> objects = built->before_pod;
  objects.push_back(built->driver_pod);
  for (const json& one : objects) {
    const auto created = create_owned(app, attempt, one);
    if (created && !*created) continue;
    if (created) {
      return Tried{.status = while_waiting_to_submit(now, app, **created),
                   .wake_at = now + kNamePoll};
    }
    // Nothing is believed about whether it exists: the same attempt makes the same names again.
    if (is_not_now(created.error().code)) {
      const base::WallTime since = app.status.not_submitted_since.value_or(now);
      return Tried{.status = while_held(now, app, created.error().message),
                   .wake_at = now + hold_delay(now - since)};
    }
    // A name that somebody alive has is one as well.
    const Code code = created.error().code;
    if (!is_refusal(code) && code != Code::AlreadyExists) return base::failure(created.error());
    const std::string why =
        submission::with_written_paths(created.error().message, built->driver_pod, object);
    return Tried{.status = after_refused_submission(now, app, attempt, why)};
  }
  for (const std::string& warning : built->warnings)
    record(object, odd_but_submitted(warning));
  if (!built->left_out.empty()) record(object, fields_without_effect(built->left_out));
  if (const auto threads = threads_of_driver(object, options_))
    record(object, executors_in_driver(*threads));
  const submission::WebUi& ui = built->web_ui;
  return Tried{.status = after_submission(now, app, attempt,
                                          {context.app_id,
                                           context.submission_id,
                                           kube::key_of(built->driver_pod).name,
                                           {ui.service, ui.port, ui.route, ui.address}})};
}

base::Result<std::optional<std::string>> Submitter::create_owned(const Application& app,
                                                                 const Attempt& attempt,
                                                                 json object) {
  object = owned_by(app, attempt, std::move(object));
  const kube::ResourceType& type = kind_of(object);
  const kube::ObjectKey key{app.key.ns, kube::key_of(object).name};
  json first = object;
  if (holds_configuration(object))
    for (const char* member : {"data", "immutable"})
      first.erase(member);
  // Twice: what is in the way may be gone by the time that we have looked at it.
  std::optional<std::string> in_the_way;
  for (int i = 0; i < 2; ++i) {
    const auto created = api_.create(type, first);
    if (created) return fill(*created, object);
    // Its namespace is there, for the application is in it.
    if (created.error().code == Code::NotFound)
      return base::failure(Code::Unimplemented, "this API server does not know " + type.kind +
                                                    " of " + type.api_version() +
                                                    ": install what serves it");
    const Code code = created.error().code;
    if (code != Code::AlreadyExists && !is_refusal(code) && !is_not_now(code))
      return base::failure(created.error());
    const auto existing = api_.get(type, key);
    // Quotas and webhooks speak before a name is looked at: they refuse what is there already, too.
    if (code != Code::AlreadyExists) {
      if (existing && is_of_attempt(app, attempt, *existing)) return fill(*existing, object);
      const bool unknown = !existing && existing.error().code != Code::NotFound;
      return base::failure(unknown && is_refusal(code) ? existing.error() : created.error());
    }
    if (existing) {
      ASSIGN_OR_RETURN(in_the_way, name_is_taken(app, attempt, type, *existing));
      if (!in_the_way) return fill(*existing, object);
    } else if (existing.error().code != Code::NotFound) {
      return base::failure(existing.error());
    }
  }
  return in_the_way ? in_the_way
                    : std::optional(type.kind + " " + key.to_string() + " was there and is gone");
}

// A creation may reach the API long after its caller has given it up, when the run has ended and
// was pruned. What the driver waits for is therefore written a second time, with the UID of what
// the first has made: a late second write finds nothing, and a late first one holds nothing, so a
// pod that comes late as well never starts. A crash between the two: `stored` is empty, and filled.
base::Result<std::optional<std::string>> Submitter::fill(const json& stored, const json& object) {
  if (!holds_configuration(object) || holds_configuration(stored))
    return std::optional<std::string>();
  json next = stored;
  for (const char* member : {"data", "immutable"})
    if (object.contains(member)) next[member] = object[member];
  const auto filled = api_.update(kube::config_maps(), next);
  if (filled) return std::optional<std::string>();
  // It went meanwhile; the next try makes it anew.
  if (filled.error().code == Code::NotFound)
    return base::failure(Code::Conflict, filled.error().message);
  return base::failure(filled.error());
}

// nullopt: it is the very object of this attempt, created before a crash.
base::Result<std::optional<std::string>> Submitter::name_is_taken(const Application& app,
                                                                  const Attempt& attempt,
                                                                  const kube::ResourceType& type,
                                                                  const json& existing) {
  using Kind = NameHolder::Kind;
  const std::string what = type.kind + " " + kube::key_of(existing).to_string();
  ASSIGN_OR_RETURN(const NameHolder holder, holder_of(api_, existing, app.uid));
  const bool leaving = kube::is_deleting(existing);
  std::string waits = what + " of a deleted object of this name is still being removed";
  bool remove = false;
  switch (holder.kind) {
    case Kind::Ours: {
      if (is_of_attempt(app, attempt, existing)) return std::optional<std::string>();
      waits = what + " of an earlier attempt is still being removed";
      remove = !leaving;
      break;
    }
    case Kind::Leaving:
      break;
    case Kind::LeftOver: {
      // Garbage collection is given its time first.
      const auto since = app.status.not_submitted_since;
      remove = since && clock_.now() - *since >= kCollectorsTime;
      break;
    }
    case Kind::Alive:
      return base::failure(Code::AlreadyExists, what + " already exists and belongs to " +
                                                    holder.owner +
                                                    "; delete it, or choose another name for it");
  }
  if (remove) {
    // With its UID: what somebody else has created meanwhile stays.
    const auto removed = api_.remove(type, kube::key_of(existing), {.uid = kube::uid_of(existing)});
    if (!removed && removed.error().code != Code::NotFound) return base::failure(removed.error());
  }
  return std::optional(std::move(waits));
}

base::Status Submitter::remove_made(const kube::ResourceType& type, const Application& app) {
  const std::string selector = std::string(config::kAppNameLabel) + "=" +
                               config::label_value(app.key.name) + "," + config::kCreatedByLabel +
                               "=true";
  ASSIGN_OR_RETURN(const kube::ObjectList found,
                   api_.list(type, {.ns = app.key.ns, .label_selector = selector}));
  for (const json& one : found.items) {
    if (!kube::is_owned_by(one, app.uid)) continue;
    const auto removed = api_.remove(type, kube::key_of(one), {.uid = kube::uid_of(one)});
    if (!removed && removed.error().code != Code::NotFound) return removed;
  }
  return {};
}

base::Status Submitter::remove_configuration(const Application& app) {
  return remove_made(kube::config_maps(), app);
}

base::Status Submitter::clean_up(const Application& app, const json& object) {
  for (const kube::ResourceType* type : {&kube::services(), &kube::config_maps()})
    RETURN_IF_ERROR(remove_made(*type, app));
  const submission::Context context = context_for(object, options_);
  const auto expected = rare_kinds(object, context);
  const bool edited = !app.status.spec_hash.empty() && app.status.spec_hash != app.spec_hash;
  for (const kube::ResourceType* type : edited ? all_rare_kinds(context) : expected) {
    const auto removed = remove_made(*type, app);
    // A kind that this API server does not know, or that an older role does not name, keeps no run
    // from ending: what there is goes with its application.
    if (removed || removed.error().code == Code::NotFound) continue;
    if (removed.error().code != Code::Forbidden) return removed;
    const bool made = std::find(expected.begin(), expected.end(), type) != expected.end();
    if (made) record(object, left_behind(type->kind, removed.error().message));
  }
  for (const auto& pod : executors_of(cache_, app)) {
    const std::string state = executor_state(*pod);
    if (state == "COMPLETED" || state == "FAILED") continue;
    const auto removed = api_.remove(kube::pods(), kube::key_of(*pod), {.uid = kube::uid_of(*pod)});
    if (!removed && removed.error().code != Code::NotFound &&
        removed.error().code != Code::Conflict) {
      return removed;
    }
  }
  return {};
}

// The driver reads the template for every executor that it asks for, and its node renews what is
// mounted. The version that was read comes along: a ConfigMap that goes meanwhile is not made anew.
base::Status Submitter::place_executors(const Application& app, const json& object) {
  const Attempt attempt{app.status.execution_attempts, app.status.submission_attempts};
  const auto without_effect = [&](const std::string& why) {
    record(object, executors_not_placed(why));
    return base::Status();
  };
  if (options_.pods == submission::PodsRunAs::Processes)
    return without_effect("pods run as processes of this machine");
  const auto built = submission::build_submission(
      object, context_of(app, object, attempt, clock_.now(), options_));
  if (!built) return without_effect(built.error().message);
  const auto wanted =
      std::find_if(built->before_pod.begin(), built->before_pod.end(), holds_executor_template);
  if (wanted == built->before_pod.end())
    return without_effect("executors are threads of the driver");
  const auto stored = api_.get(kube::config_maps(), {app.key.ns, kube::key_of(*wanted).name});
  if (!stored && stored.error().code != Code::NotFound) return base::failure(stored.error());
  if (!stored || !kube::is_owned_by(*stored, app.uid) || kube::is_deleting(*stored))
    return without_effect("the ConfigMap of its executors' pod template is gone");
  json next = *stored;
  next["data"] = (*wanted)["data"];
  if (next != *stored) {
    if (next.value("immutable", json()) == json(true))
      return without_effect("an earlier release has submitted it with a pod template for good");
    const auto updated = api_.update(kube::config_maps(), next);
    if (!updated && is_refusal(updated.error().code))
      return without_effect(updated.error().message);
    if (!updated) return base::failure(updated.error());
  }
  record(object, executors_placed());
  return {};
}

json owned_by(const Application& app, const Attempt& attempt, json object) {
  object["metadata"]["namespace"] = app.key.ns;
  object["metadata"]["ownerReferences"] = json::array({kube::controller_reference(
      config::kApiVersion, config::kApplicationKind, app.key.name, app.uid)});
  config::set_name_label(object, config::kAppNameLabel, app.key.name);
  json& metadata = object["metadata"];
  metadata["labels"][config::kSubmissionIdLabel] = submission_id_of(app.uid, attempt);
  metadata["annotations"][config::kSpecHashAnnotation] = app.spec_hash;
  metadata["annotations"][config::kAttemptAnnotation] = std::to_string(attempt.execution);
  if (kind_of(object) != kube::pods()) metadata["labels"][config::kCreatedByLabel] = "true";
  return object;
}

std::vector<std::shared_ptr<const json>> executors_of(const kube::Cache& cache,
                                                      const Application& app) {
  auto pods = cache.labelled(kube::pods(), app.key.ns, config::kAppNameLabel,
                             config::label_value(app.key.name));
  std::erase_if(pods, [&](const auto& pod) {
    const auto label = [&](const char* key) {
      return string_at(*pod, {"metadata", "labels", key});
    };
    return label(config::kSparkRoleLabel) != "executor" || app.status.submission_id.empty() ||
           label(config::kSubmissionIdLabel) != app.status.submission_id;
  });
  return pods;
}

}  // namespace runner::applications
