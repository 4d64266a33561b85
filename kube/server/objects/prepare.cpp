#include "kube/server/objects/prepare.h"

#include <algorithm>

#include "base/json.h"
#include "base/rfc3339.h"
#include "kube/object.h"
#include "kube/server/objects/validation.h"

namespace kube::server::objects {
namespace {

using machinery::ApiError;
using machinery::DecodedJson;
using machinery::FieldError;
using machinery::refuse;
using types::Resource;

// Set by the server alone; on update they are the live object's.
constexpr const char* kServerFields[] = {
    "uid",        "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
    "generation", "namespace"};

void take_member(json& to, const json& from, const char* member) {
  const auto found = from.find(member);
  if (found == from.end()) {
    to.erase(member);
  } else {
    to[member] = *found;
  }
}

Outcome<void> check_namespace(json& metadata, const std::string& ns) {
  const std::string given = base::string_at(metadata, {"namespace"});
  if (!given.empty() && given != ns) {
    return refuse(machinery::bad_request(
        "the namespace of the provided object does not match the namespace sent on the request"));
  }
  if (ns.empty()) {
    metadata.erase("namespace");
  } else {
    metadata["namespace"] = ns;
  }
  return {};
}

// Prunes, and says what follows from it.
Outcome<std::vector<std::string>> drop_unknown_fields(const Resource& resource, DecodedJson& body,
                                                      machinery::FieldValidation validation) {
  std::vector<std::string> unknown;
  if (resource.schema) unknown = resource.schema->prune(body.value);
  return machinery::check_fields(validation, resource.type, body.duplicate_fields, unknown);
}

void drop_managed_times(json& object) {
  const auto metadata = object.find("metadata");
  if (metadata == object.end()) return;
  const auto managed = metadata->find("managedFields");
  if (managed == metadata->end() || !managed->is_array()) return;
  for (json& entry : *managed) {
    if (entry.is_object()) entry.erase("time");
  }
}

bool same_but_for_times(json a, json b) {
  drop_managed_times(a);
  drop_managed_times(b);
  return a == b;
}

// Whether what counts for metadata.generation differs.
bool spec_changed(const Resource& resource, const json& before, const json& after) {
  const auto relevant = [&](const std::string& member) {
    return member != "metadata" && member != "apiVersion" && member != "kind" &&
           !(member == "status" && resource.rules.status_subresource);
  };
  const auto differs = [&](const json& one, const json& other) {
    return std::any_of(one.items().begin(), one.items().end(), [&](const auto& item) {
      if (!relevant(item.key())) return false;
      const auto found = other.find(item.key());
      return found == other.end() || *found != item.value();
    });
  };
  return differs(before, after) || differs(after, before);
}

// What a stricter schema takes out of an object that was stored before it is no edit.
bool is_edit(const Resource& resource, const json& live, const json& updated) {
  if (!spec_changed(resource, live, updated)) return false;
  if (!resource.schema) return true;
  json as_read_today = live;
  resource.schema->prune(as_read_today);
  return spec_changed(resource, as_read_today, updated);
}

Outcome<void> check_new_finalizers(const Resource& resource, const json& live,
                                   const json& updated) {
  if (!kube::is_deleting(live)) return {};
  const auto before = kube::finalizers_of(live);
  std::string added;
  for (const std::string& finalizer : kube::finalizers_of(updated)) {
    if (std::find(before.begin(), before.end(), finalizer) != before.end()) continue;
    added += (added.empty() ? "\"" : ", \"") + finalizer + "\"";
  }
  if (added.empty()) return {};
  return refuse(machinery::invalid(
      resource.type, base::string_at(live, {"metadata", "name"}),
      {FieldError::forbidden("metadata.finalizers",
                             "no new finalizers can be added if the object is being deleted, found "
                             "new finalizers []string{" +
                                 added + "}")}));
}

// That the client speaks of the object that is there.
Outcome<void> check_preconditions(const Resource& resource, const json& live, const json& body) {
  const std::string name = base::string_at(live, {"metadata", "name"});
  const std::string given_name = base::string_at(body, {"metadata", "name"});
  if (given_name != name) {
    return refuse(machinery::bad_request("the name of the object (" + given_name +
                                         ") does not match the name on the URL (" + name + ")"));
  }
  const std::string uid = base::string_at(body, {"metadata", "uid"});
  const std::string live_uid = base::string_at(live, {"metadata", "uid"});
  if (!uid.empty() && uid != live_uid) {
    return refuse(machinery::conflict(
        resource.type, name,
        "Precondition failed: UID in precondition: " + uid + ", UID in object meta: " + live_uid));
  }
  const std::string version = base::string_at(body, {"metadata", "resourceVersion"});
  if (!version.empty() && version != base::string_at(live, {"metadata", "resourceVersion"})) {
    return refuse(machinery::modified_conflict(resource.type, name));
  }
  return {};
}

// Takes everything but its own part from the live object.
void restrict_to_part(const Resource& resource, const json& live, json& updated, Part part) {
  if (part == Part::Status) {
    json status_only = live;
    take_member(status_only, updated, "status");
    take_member(status_only["metadata"], updated["metadata"], "managedFields");
    updated = std::move(status_only);
  } else if (resource.rules.status_subresource) {
    take_member(updated, live, "status");
  }
}

}  // namespace

std::string format_time(base::WallTime now) {
  return base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(now));
}

machinery::ManagerInfo manager_info(const Resource& resource, Part part, const std::string& manager,
                                    base::WallTime now) {
  machinery::WriteScope scope = machinery::WriteScope::Whole;
  if (part == Part::Status) {
    scope = machinery::WriteScope::Status;
  } else if (resource.rules.status_subresource) {
    scope = machinery::WriteScope::AllButStatus;
  }
  return {.manager = manager,
          .api_version = resource.type.api_version(),
          .subresource = part == Part::Status  ? "status"
                         : part == Part::Scale ? "scale"
                                               : "",
          .time = format_time(now),
          .scope = scope};
}

Outcome<Prepared> prepare_create(const Resource& resource, const std::string& ns, DecodedJson body,
                                 const WriteOptions& options, const Circumstances& circumstances,
                                 Tracking tracking) {
  json& object = body.value;
  if (auto right = check_identity(resource, object); !right) return refuse(right.error());
  auto warnings = drop_unknown_fields(resource, body, options.validation);
  if (!warnings) return refuse(warnings.error());
  if (!resource.warning.empty()) warnings->push_back(resource.warning);
  json& metadata = object["metadata"];
  if (auto right = check_namespace(metadata, resource.type.namespaced ? ns : ""); !right) {
    return refuse(right.error());
  }
  if (!base::string_at(metadata, {"resourceVersion"}).empty()) {
    return refuse(
        machinery::bad_request("resourceVersion should not be set on objects to be created"));
  }
  const std::string prefix = base::string_at(metadata, {"generateName"});
  if (base::string_at(metadata, {"name"}).empty() && !prefix.empty()) {
    // As long as a name may be in every kind, less the suffix.
    metadata["name"] = prefix.substr(0, 58) + circumstances.name_suffix;
  }
  for (const char* member : {"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink",
                             "resourceVersion", "generation"}) {
    metadata.erase(member);
  }
  metadata["uid"] = circumstances.uid;
  metadata["creationTimestamp"] = format_time(circumstances.now);
  if (resource.rules.generation) metadata["generation"] = 1;
  if (resource.rules.status_subresource) object.erase("status");
  if (auto right =
          complete_and_check(resource, Part::Main, object, nullptr, circumstances.object_bytes);
      !right) {
    return refuse(right.error());
  }
  if (resource.rules.on_create) resource.rules.on_create(object);
  if (tracking == Tracking::Record) {
    object = machinery::track_update(
        json(), std::move(object),
        manager_info(resource, Part::Main, options.manager, circumstances.now),
        resource.field_type());
  }
  resource.to_stored(object);
  return Prepared{.object = std::move(object), .warnings = std::move(*warnings)};
}

Outcome<Prepared> prepare_update(const Resource& resource, const json& live, DecodedJson body,
                                 Part part, const WriteOptions& options,
                                 const Circumstances& circumstances, Tracking tracking) {
  json& updated = body.value;
  if (auto right = check_identity(resource, updated); !right) return refuse(right.error());
  auto warnings = drop_unknown_fields(resource, body, options.validation);
  if (!warnings) return refuse(warnings.error());
  if (!resource.warning.empty() && part == Part::Main) warnings->push_back(resource.warning);
  json& metadata = updated["metadata"];
  const std::string ns = base::string_at(live, {"metadata", "namespace"});
  if (auto right = check_namespace(metadata, ns); !right) return refuse(right.error());
  if (auto right = check_preconditions(resource, live, updated); !right)
    return refuse(right.error());
  for (const char* member : kServerFields)
    take_member(metadata, live["metadata"], member);
  metadata.erase("selfLink");
  metadata["resourceVersion"] = live["metadata"]["resourceVersion"];
  restrict_to_part(resource, live, updated, part);
  if (auto right = check_new_finalizers(resource, live, updated); !right)
    return refuse(right.error());
  if (part == Part::Main && resource.rules.on_update) resource.rules.on_update(updated, live);
  const auto right = complete_and_check(resource, part, updated, &live, circumstances.object_bytes);
  if (!right) return refuse(right.error());
  if (resource.rules.generation && is_edit(resource, live, updated)) {
    updated["metadata"]["generation"] =
        base::integer_at(live, {"metadata", "generation"}).value_or(0) + 1;
  }
  if (tracking == Tracking::Record) {
    updated = machinery::track_update(
        live, std::move(updated), manager_info(resource, part, options.manager, circumstances.now),
        resource.field_type());
  }
  Prepared prepared{.object = std::move(updated), .warnings = std::move(*warnings)};
  prepared.changed = !same_but_for_times(live, prepared.object);
  prepared.finished =
      kube::is_deleting(prepared.object) && kube::finalizers_of(prepared.object).empty() &&
      base::integer_at(prepared.object, {"metadata", "deletionGracePeriodSeconds"}).value_or(0) ==
          0 &&
      // A namespace is finished by its controller alone.
      resource.storage != "namespaces";
  resource.to_stored(prepared.object);
  return prepared;
}

}  // namespace kube::server::objects
