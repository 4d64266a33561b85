#include "kube/server/objects/deletion.h"

#include <algorithm>

#include "base/json.h"
#include "kube/object.h"
#include "kube/server/objects/objects.h"
#include "kube/server/types/definition.h"

namespace kube::server::objects {
namespace {

using machinery::ApiError;
using machinery::refuse;
using storage::ObjectPtr;
using types::Resource;

constexpr int64_t kDefaultGrace = 30;
constexpr int kDeleteAttempts = 100;

void set_finalizer(json& object, const char* finalizer, bool present) {
  json list = kube::finalizers_with(object, finalizer,
                                    present ? kube::Finalizer::Present : kube::Finalizer::Absent);
  if (list.empty()) {
    object["metadata"].erase("finalizers");
  } else {
    object["metadata"]["finalizers"] = std::move(list);
  }
}

void choose_propagation(json& object, std::optional<kube::Propagation> propagation) {
  if (!propagation) return;
  set_finalizer(object, kForegroundFinalizer, *propagation == kube::Propagation::Foreground);
  set_finalizer(object, kOrphanFinalizer, *propagation == kube::Propagation::Orphan);
}

// How long the node gets. What no node runs, or what has ended, needs no time.
int64_t grace_of(const Resource& resource, const json& object, std::optional<int64_t> asked) {
  if (!resource.rules.graceful_deletion) return 0;
  const std::string phase = base::string_at(object, {"status", "phase"});
  if (base::string_at(object, {"spec", "nodeName"}).empty() || phase == "Succeeded" ||
      phase == "Failed") {
    return 0;
  }
  const int64_t own =
      base::integer_at(object, {"spec", "terminationGracePeriodSeconds"}).value_or(kDefaultGrace);
  const int64_t grace = asked.value_or(own);
  // A negative time means at once, but still through the node.
  return grace < 0 ? 1 : std::min<int64_t>(grace, int64_t{365} * 24 * 3600);
}

bool is_held(const Resource& resource, const json& object) {
  return !kube::finalizers_of(object).empty() || resource.storage == "namespaces";
}

void mark(const Resource& resource, json& object, int64_t grace, base::WallTime now) {
  json& metadata = object["metadata"];
  metadata["deletionTimestamp"] = format_time(now + std::chrono::seconds(grace));
  metadata["deletionGracePeriodSeconds"] = grace;
  if (resource.rules.generation) {
    metadata["generation"] = base::integer_at(metadata, {"generation"}).value_or(0) + 1;
  }
  if (resource.storage == "namespaces") object["status"]["phase"] = "Terminating";
  if (resource.type == kube::custom_resource_definitions()) {
    types::set_condition(object, "Terminating", true, "InstanceDeletionPending",
                         "CustomResource deletion is pending", format_time(now));
  }
}

// A real server names the kind here, not the resource.
ApiError failed_precondition(const Resource& resource, const std::string& name,
                             const std::string& why) {
  kube::ResourceType by_kind = resource.type;
  by_kind.plural = by_kind.kind;
  return machinery::conflict(by_kind, name, why);
}

Outcome<void> check_preconditions(const Resource& resource, const storage::Object& live,
                                  const DeleteRequest& request) {
  if (!request.uid.empty() && request.uid != live.indexed.uid) {
    return refuse(failed_precondition(
        resource, live.key.name,
        "the UID in the precondition (" + request.uid + ") does not match the UID in record (" +
            live.indexed.uid + "). The object might have been deleted and then recreated"));
  }
  const std::string version = std::to_string(live.revision);
  if (!request.resource_version.empty() && request.resource_version != version) {
    return refuse(failed_precondition(resource, live.key.name,
                                      "the ResourceVersion in the precondition (" +
                                          request.resource_version +
                                          ") does not match the ResourceVersion in record (" +
                                          version + "). The object might have been modified"));
  }
  return {};
}

bool is_kept_for_ever(const storage::Key& key) {
  return key.resource == "namespaces" && (key.name == "default" || key.name == "kube-system");
}

}  // namespace

DeletionStep plan_deletion(const Resource& resource, json& object,
                           std::optional<kube::Propagation> propagation,
                           std::optional<int64_t> grace_seconds, base::WallTime now) {
  const json before = object;
  const bool deleting = kube::is_deleting(object);
  choose_propagation(object, propagation);
  int64_t grace = grace_of(resource, object, grace_seconds);
  if (deleting) {
    const int64_t left =
        base::integer_at(object, {"metadata", "deletionGracePeriodSeconds"}).value_or(0);
    // A second delete may hasten the end, not put it off.
    grace = std::min(grace, left);
    if (grace == 0 && !is_held(resource, object)) return DeletionStep::Remove;
    if (grace < left) mark(resource, object, grace, now);
    return object == before ? DeletionStep::Nothing : DeletionStep::Mark;
  }
  if (grace == 0 && !is_held(resource, object)) return DeletionStep::Remove;
  mark(resource, object, grace, now);
  return DeletionStep::Mark;
}

Outcome<Removed> Objects::remove(const Target& target, const DeleteRequest& request) {
  const Resource& resource = *target.resource;
  for (int round = 1;; ++round) {
    const ObjectPtr live = store_.get(key_of(target));
    if (!live) return refuse(machinery::not_found(resource.type, target.name));
    if (is_kept_for_ever(live->key)) {
      return refuse(
          machinery::forbidden(resource.type, target.name, "this namespace may not be deleted"));
    }
    if (auto right = check_preconditions(resource, *live, request); !right) {
      return refuse(right.error());
    }
    auto object = std::make_shared<json>(live->parse());
    const DeletionStep step =
        plan_deletion(resource, *object, request.propagation, request.grace_seconds, clock_.now());
    if (step == DeletionStep::Nothing || request.dry_run) {
      return Removed{.object = live, .gone = step == DeletionStep::Remove};
    }
    const auto stored = catalogs_.current()->find_stored(resource.storage);
    auto indexed = types::indexed_fields(*object, (stored ? *stored : resource).selectable_fields);
    const bool gone = step == DeletionStep::Remove;
    auto written =
        store_.write({.change = gone ? storage::Change::Deleted : storage::Change::Updated,
                      .key = live->key,
                      .expected = live->revision,
                      .object = std::move(object),
                      .indexed = std::move(indexed)});
    if (written) return Removed{.object = std::move(*written), .gone = gone};
    if (written.error().code != base::Code::Conflict || round == kDeleteAttempts) {
      return refuse(store_error(written.error(), resource, target.name));
    }
  }
}

}  // namespace kube::server::objects
