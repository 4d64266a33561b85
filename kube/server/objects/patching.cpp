// Objects: the four kinds of patch.

#include "base/json.h"
#include "kube/server/machinery/patch.h"
#include "kube/server/machinery/strategic_merge.h"
#include "kube/server/objects/objects.h"
#include "kube/server/objects/validation.h"

namespace kube::server::objects {
namespace {

using machinery::ApiError;
using machinery::DecodedJson;
using machinery::refuse;
using storage::ObjectPtr;
using types::Resource;

constexpr int kApplyAttempts = 100;

Outcome<json> patched(const Resource& resource, const json& live, kube::PatchType type,
                      const json& patch) {
  switch (type) {
    case kube::PatchType::JsonPatch:
      return machinery::json_patch(live, patch);
    case kube::PatchType::MergePatch:
      return machinery::merge_patch(live, patch);
    case kube::PatchType::StrategicMerge:
      return machinery::strategic_merge_patch(live, patch, resource.field_type());
    case kube::PatchType::Apply:
      break;
  }
  return refuse(machinery::internal_error("apply is not a patch of this kind"));
}

// An apply has to say what it applies to: apiVersion and kind decide who owns what.
Outcome<void> check_applied_type(const Resource& resource, const json& applied) {
  const std::string version = base::string_at(applied, {"apiVersion"});
  if (version != resource.type.api_version()) {
    return refuse(machinery::bad_request(
        "Incorrect version specified in apply patch. Specified patch version: " + version +
        ", expected: " + resource.type.api_version()));
  }
  if (base::string_at(applied, {"kind"}).empty()) {
    return refuse(
        machinery::bad_request("failed to create typed patch object: no corresponding "
                               "type for " +
                               version + ", Kind="));
  }
  return {};
}

// What it says of the version of the object must be so: the object was read, and nobody wrote
// since.
Outcome<void> check_applied_version(const Target& target, const ObjectPtr& live,
                                    const json& applied) {
  const kube::ResourceType& type = target.resource->type;
  const std::string uid = base::string_at(applied, {"metadata", "uid"});
  if (!uid.empty() && !live) {
    return refuse(machinery::conflict(type, target.name,
                                      "uid mismatch: the provided object specified uid " + uid +
                                          ", and no existing object was found"));
  }
  if (!uid.empty() && uid != live->indexed.uid) {
    return refuse(machinery::conflict(type, target.name,
                                      "Precondition failed: UID in precondition: " + uid +
                                          ", UID in object meta: " + live->indexed.uid));
  }
  const std::string version = base::string_at(applied, {"metadata", "resourceVersion"});
  if (!version.empty() && (!live || version != std::to_string(live->revision)))
    return refuse(machinery::modified_conflict(type, target.name));
  return {};
}

// A field that no schema knows can belong to nobody, nor one of a wrong type: refused whatever the
// request says of validation, and before anybody is asked who owns it.
Outcome<void> check_typed(const Resource& resource, json& applied) {
  if (!resource.schema) return {};
  std::vector<std::string> problems;
  for (const std::string& field : resource.schema->prune(applied))
    problems.push_back("." + field + ": field not declared in schema");
  for (const machinery::FieldError& error : resource.schema->validate(applied)) {
    if (error.type == machinery::FieldError::Type::TypeInvalid)
      problems.push_back("." + error.field + ": " + error.detail);
  }
  if (problems.empty()) return {};
  std::string fields;
  for (const std::string& problem : problems)
    fields += (fields.empty() ? "" : "\n  ") + problem;
  ApiError error = machinery::bad_request(
      "failed to create typed patch object (" +
      base::string_at(applied, {"metadata", "namespace"}) + "/" +
      base::string_at(applied, {"metadata", "name"}) + "; " +
      base::string_at(applied, {"apiVersion"}) + ", Kind=" + base::string_at(applied, {"kind"}) +
      "): " + (problems.size() > 1 ? "errors:\n  " : "") + fields);
  error.code = 422;
  error.reason = "Invalid";
  return refuse(std::move(error));
}

// What the applier wants, checked by itself: what it does not mention is nobody's mistake.
Outcome<std::vector<std::string>> check_applied(const Target& target, DecodedJson& applied,
                                                const WriteOptions& options) {
  const Resource& resource = *target.resource;
  if (!applied.value.is_object())
    return refuse(machinery::bad_request("the body of the request must be a JSON object"));
  if (auto right = check_applied_type(resource, applied.value); !right)
    return refuse(right.error());
  if (auto right = check_identity(resource, applied.value); !right) return refuse(right.error());
  json& metadata = applied.value["metadata"];
  const std::string name = base::string_at(metadata, {"name"});
  if (name.empty()) {
    metadata["name"] = target.name;
  } else if (name != target.name) {
    return refuse(machinery::bad_request("the name of the object (" + name +
                                         ") does not match the name on the URL (" + target.name +
                                         ")"));
  }
  if (auto right = check_typed(resource, applied.value); !right) return refuse(right.error());
  return machinery::check_fields(options.validation, resource.type, applied.duplicate_fields, {});
}

}  // namespace

Outcome<Written> Objects::patch(const Target& target, kube::PatchType type,
                                const DecodedJson& patch, const WriteOptions& options) {
  const Resource& resource = *target.resource;
  if (type == kube::PatchType::Apply) return apply(target, patch, options);
  if (type == kube::PatchType::StrategicMerge && resource.custom) {
    return refuse(machinery::unsupported_media_type({"application/json-patch+json",
                                                     "application/merge-patch+json",
                                                     "application/apply-patch+yaml"}));
  }
  return write_until_accepted(
      target,
      [&](const json& live) -> Outcome<Prepared> {
        auto result = patched(resource, live, type, patch.value);
        if (!result) return refuse(result.error());
        return prepare_update(
            resource, live,
            {.value = std::move(*result), .duplicate_fields = patch.duplicate_fields}, target.part,
            options, circumstances());
      },
      options.dry_run);
}

Outcome<Written> Objects::apply(const Target& target, const DecodedJson& patch,
                                const WriteOptions& options) {
  for (int round = 1;; ++round) {
    const ObjectPtr live = store_.get(key_of(target));
    auto written = apply_once(target, live, patch, options);
    if (written || round == kApplyAttempts) return written;
    // Somebody wrote, created or removed it between reading and writing: merge anew.
    const ObjectPtr now = store_.get(key_of(target));
    const bool moved = (now ? now->revision : 0) != (live ? live->revision : 0);
    const std::string& reason = written.error().reason;
    const bool lost = reason == "AlreadyExists" || reason == "NotFound" ||
                      (reason == "Conflict" && written.error().causes.empty());
    if (!moved || !lost) return written;
  }
}

Outcome<Written> Objects::apply_once(const Target& target, const ObjectPtr& live,
                                     const DecodedJson& patch, const WriteOptions& options) {
  const Resource& resource = *target.resource;
  if (!live && target.part == Part::Status) {
    return refuse(machinery::not_found(resource.type, target.name));
  }
  if (!live && !resource.refusal.empty())
    return refuse(machinery::forbidden(resource.type, target.name, resource.refusal));
  DecodedJson applied = patch;
  auto warnings = check_applied(target, applied, options);
  if (!warnings) return refuse(warnings.error());
  if (auto right = check_applied_version(target, live, applied.value); !right)
    return refuse(right.error());
  const Circumstances around = circumstances();
  const json current = live ? served(resource, *live) : json();
  auto merged =
      machinery::apply(current, applied.value,
                       {.manager = manager_info(resource, target.part, options.manager, around.now),
                        .force = options.force},
                       resource.field_type());
  if (!merged) return refuse(merged.error());
  if (live && !merged->changed) {
    return Written{.object = live, .created = false, .warnings = std::move(*warnings)};
  }
  WriteOptions checked = options;
  checked.validation = machinery::FieldValidation::Ignore;
  DecodedJson body{.value = std::move(merged->object), .duplicate_fields = {}};
  auto prepared = live ? prepare_update(resource, current, std::move(body), target.part, checked,
                                        around, Tracking::Recorded)
                       : prepare_create(resource, target.ns, std::move(body), checked, around,
                                        Tracking::Recorded);
  if (!prepared) return refuse(prepared.error());
  prepared->warnings = std::move(*warnings);
  return live ? store_change(target, live, std::move(*prepared), options.dry_run)
              : store_new(target, std::move(*prepared), options.dry_run);
}

}  // namespace kube::server::objects
