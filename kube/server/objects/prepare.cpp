#include "kube/server/objects/prepare.h"

#include <algorithm>

#include "base/json.h"
#include "base/rfc3339.h"
#include "kube/object.h"
#include "kube/server/storage/limits.h"

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

json& metadata_of(json& object) {
  json& metadata = object["metadata"];
  if (metadata.is_null()) metadata = json::object();
  return metadata;
}

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

// Only metadata differs.
bool same_contents(const json& before, const json& after) {
  const auto without_metadata = [](json object) {
    object.erase("metadata");
    return object;
  };
  return without_metadata(before) == without_metadata(after);
}

// A schema or a rule that came after an object was stored freezes nothing: an update is asked about
// what it changes only.
std::vector<FieldError> check_schema(const Resource& resource, const json& object,
                                     const json* live) {
  if (!resource.schema) return {};
  return live != nullptr ? resource.schema->validate_update(object, *live)
                         : resource.schema->validate(object);
}

template <class Check>
std::vector<FieldError> check_changed(const Check& check, const json& object, const json* live) {
  std::vector<FieldError> errors;
  check(object, errors);
  if (errors.empty() || live == nullptr) return errors;
  std::vector<FieldError> old;
  check(*live, old);
  const auto is_old = [&](const FieldError& error) {
    return std::any_of(old.begin(), old.end(),
                       [&](const FieldError& known) { return known.message() == error.message(); });
  };
  errors.erase(std::remove_if(errors.begin(), errors.end(), is_old), errors.end());
  return errors;
}

std::vector<FieldError> check_rules(const Resource& resource, const json& object,
                                    const json* live) {
  if (!resource.rules.check) return {};
  return check_changed(resource.rules.check, object, live);
}

std::vector<FieldError> check_scale(const Resource& resource, const json& object,
                                    const json* live) {
  if (!resource.scale) return {};
  return check_changed(
      [&](const json& value, std::vector<FieldError>& errors) {
        types::check_scaled(*resource.scale, value, errors);
      },
      object, live);
}

std::vector<FieldError> check_domains(const Resource& resource, const json& object,
                                      const json* live) {
  if (resource.custom) return {};
  return check_changed(
      [](const json& value, std::vector<FieldError>& errors) {
        types::check_finalizer_domains(value["metadata"], errors);
      },
      object, live);
}

// What is stored, in the form in which it would be stored now: else a rule that something may not
// change would take another spelling for a change.
json as_of_today(const Resource& resource, json live) {
  if (!resource.schema || !resource.schema->holds_quantities()) return live;
  resource.schema->normalise_quantities(live);
  if (resource.rules.complete) resource.rules.complete(live);
  return live;
}

// Defaults and checks; on an update only what differs from `live`. Rules run only on objects whose
// types are right, so they need not doubt them.
Outcome<void> complete_and_check(const Resource& resource, Part part, json& object,
                                 const json* live) {
  // While they are filled in, not afterwards: a small object may have a default of 100 kB in each
  // of 5,000 items.
  if (resource.schema && !resource.schema->apply_defaults(object, storage::kMaxObjectBytes)) {
    return refuse(
        machinery::too_large("the defaults of its definition alone would add more bytes to the "
                             "object than the limit of " +
                             std::to_string(storage::kMaxObjectBytes)));
  }
  const std::string name = base::string_at(object, {"metadata", "name"});
  std::vector<FieldError> errors =
      types::check_metadata(object["metadata"], resource.rules.name, resource.type.namespaced);
  // What a built-in kind looked like when it was stored need not have the types of today.
  const bool settled = live != nullptr && !resource.custom && same_contents(*live, object);
  bool has_wrong_shape = false;
  if (!settled) {
    for (FieldError& error : check_schema(resource, object, live)) {
      has_wrong_shape = true;
      errors.push_back(std::move(error));
    }
    for (FieldError& error : check_scale(resource, object, live))
      errors.push_back(std::move(error));
  }
  for (FieldError& error : check_domains(resource, object, live))
    errors.push_back(std::move(error));
  if (has_wrong_shape || (settled && !errors.empty()))
    return refuse(machinery::invalid(resource.type, name, errors));
  if (settled) return {};
  if (resource.schema) resource.schema->normalise_quantities(object);
  if (resource.rules.complete) resource.rules.complete(object);
  for (FieldError& error : check_rules(resource, object, live))
    errors.push_back(std::move(error));
  if (live != nullptr && part == Part::Main && resource.rules.check_update)
    resource.rules.check_update(object, as_of_today(resource, *live), errors);
  if (!errors.empty()) return refuse(machinery::invalid(resource.type, name, errors));
  return {};
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

Outcome<void> check_identity(const Resource& resource, json& object) {
  if (!object.is_object()) {
    return refuse(machinery::bad_request("the body of the request must be a JSON object"));
  }
  for (const auto& [member, expected, what] :
       {std::tuple{"apiVersion", resource.type.api_version(), "API version"},
        std::tuple{"kind", resource.type.kind, "kind"}}) {
    const auto found = object.find(member);
    if (found == object.end() || *found == "") {
      if (resource.custom) {
        return refuse(machinery::bad_request(
            std::string("Object '") + (std::string(member) == "kind" ? "Kind" : "apiVersion") +
            "' is missing in the body of the request"));
      }
      object[member] = expected;
    } else if (*found != expected) {
      return refuse(machinery::bad_request(
          std::string("the ") + what + " in the data (" +
          (found->is_string() ? found->get<std::string>() : base::dump_json(*found)) +
          ") does not match the expected " + what + " (" + expected + ")"));
    }
  }
  if (!metadata_of(object).is_object()) {
    return refuse(machinery::bad_request("metadata must be a JSON object"));
  }
  return {};
}

Outcome<void> check_readable(const Resource& resource, const json& body) {
  if (resource.custom) return {};
  std::vector<FieldError> errors;
  if (resource.schema) errors = resource.schema->validate(body);
  if (resource.rules.check_types) resource.rules.check_types(body, errors);
  for (const FieldError& error : errors) {
    if (error.type != FieldError::Type::TypeInvalid) continue;
    return refuse(machinery::bad_request(resource.type.kind + " in version \"" +
                                         resource.type.version + "\" cannot be handled as a " +
                                         resource.type.kind + ": " + error.detail));
  }
  return {};
}

Outcome<Prepared> prepare_create(const Resource& resource, const std::string& ns, DecodedJson body,
                                 const WriteOptions& options, const Circumstances& circumstances,
                                 Tracking tracking) {
  json& object = body.value;
  if (auto right = check_identity(resource, object); !right) return refuse(right.error());
  auto warnings = drop_unknown_fields(resource, body, options.validation);
  if (!warnings) return refuse(warnings.error());
  if (!resource.warning.empty()) warnings->push_back(resource.warning);
  json& metadata = metadata_of(object);
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
  if (auto right = complete_and_check(resource, Part::Main, object, nullptr); !right) {
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
  json& metadata = metadata_of(updated);
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
  const auto right = complete_and_check(resource, part, updated, &live);
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
