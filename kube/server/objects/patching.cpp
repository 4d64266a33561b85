// Objects: the four kinds of patch.

#include "base/json.h"
#include "kube/server/machinery/patch.h"
#include "kube/server/machinery/strategic_merge.h"
#include "kube/server/objects/objects.h"

namespace kube::server::objects {
namespace {

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

// What the applier wants, checked by itself: what it does not mention is nobody's mistake.
Outcome<std::vector<std::string>> check_applied(const Target& target, DecodedJson& applied,
                                                const WriteOptions& options) {
  const Resource& resource = *target.resource;
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
  std::vector<std::string> unknown;
  if (resource.schema) unknown = resource.schema->prune(applied.value);
  return machinery::check_fields(options.validation, resource.type, applied.duplicate_fields,
                                 unknown);
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
  DecodedJson applied = patch;
  auto warnings = check_applied(target, applied, options);
  if (!warnings) return refuse(warnings.error());
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
