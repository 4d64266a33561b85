#include "kube/server/machinery/managed_fields.h"

#include "base/json.h"
#include "kube/server/machinery/field_changes.h"
#include "kube/server/machinery/keyed_list.h"
#include "kube/server/machinery/last_applied.h"
#include "kube/server/machinery/manager_table.h"

namespace kube::server::machinery {
namespace {

// What the system owns: never recorded, never applied.
const std::vector<std::string>& system_metadata() {
  static const std::vector<std::string> names = {"creationTimestamp",
                                                 "deletionTimestamp",
                                                 "deletionGracePeriodSeconds",
                                                 "generation",
                                                 "managedFields",
                                                 "resourceVersion",
                                                 "selfLink",
                                                 "uid"};
  return names;
}

// Takes out of a set what is not recorded: identity, what the system owns, and what the scope of
// the request leaves alone.
FieldSet recorded(const FieldSet& fields, WriteScope scope) {
  const PathElement status = PathElement::field("status");
  FieldSet result;
  if (scope == WriteScope::Status) {
    if (const FieldSet* below = fields.child(status)) result.at(status) = *below;
    return result;
  }
  FieldSet outside;
  outside.at(PathElement::field("apiVersion")).set_member(true);
  outside.at(PathElement::field("kind")).set_member(true);
  FieldSet& metadata = outside.at(PathElement::field("metadata"));
  for (const std::string& name : system_metadata()) {
    metadata.at(PathElement::field(name)).set_member(true);
  }
  metadata.at(PathElement::field("name")).set_member(true);
  metadata.at(PathElement::field("namespace")).set_member(true);
  if (scope == WriteScope::AllButStatus) outside.at(status).set_member(true);
  result = fields.without_trees(outside);
  // metadata itself belongs to nobody; what is in it may.
  result.at(PathElement::field("metadata")).set_member(false);
  result.drop_empty();
  return result;
}

// What an applier may say within the scope.
Json within_scope(const Json& applied, WriteScope scope) {
  Json result = applied;
  if (auto metadata = result.find("metadata"); metadata != result.end() && metadata->is_object()) {
    for (const std::string& name : system_metadata())
      metadata->erase(name);
  }
  if (scope == WriteScope::AllButStatus) result.erase("status");
  if (scope != WriteScope::Status) return result;
  Json narrow = Json::object();
  for (const char* name : {"apiVersion", "kind", "status"}) {
    if (result.contains(name)) narrow[name] = result[name];
  }
  return narrow;
}

std::string describe(const Json& object) {
  const std::string ns = base::string_at(object, {"metadata", "namespace"});
  return ns + "/" + base::string_at(object, {"metadata", "name"}) + "; " +
         base::string_at(object, {"apiVersion"}) + ", Kind=" + base::string_at(object, {"kind"});
}

// Adds the fields of a value below `path`; a problem stops the walk.
std::optional<std::string> collect(const Json& value, const FieldType& type, FieldSet& set,
                                   const std::string& path) {
  if (is_granular_map(value, type)) {
    if (value.empty()) set.set_member(true);
    for (const auto& [name, member] : value.items()) {
      const PathElement element = PathElement::field(name);
      FieldSet& below = set.at(element);
      // A member that no schema names is owned itself, beside what is in it.
      if (member.is_null() || type.members.count(name) == 0) below.set_member(true);
      if (auto problem = collect(member, type.member(name), below, path + element.to_string())) {
        return problem;
      }
    }
    return std::nullopt;
  }
  if (!value.is_array() || type.list == FieldType::List::Atomic) {
    set.set_member(true);
    return std::nullopt;
  }
  const auto items = keyed_items(value, type);
  if (!items) return path + ": " + items.error();
  if (items->empty()) set.set_member(true);
  for (const auto& [element, item] : *items) {
    FieldSet& below = set.at(element);
    below.set_member(true);
    if (auto problem = collect(*item, type.item(), below, path + element.to_string())) {
      return problem;
    }
  }
  return std::nullopt;
}

ManagerKey key_of_manager(const ManagerInfo& info, const char* operation) {
  const bool applies = std::string_view(operation) == "Apply";
  return {info.manager, operation, info.subresource, applies ? "" : info.api_version};
}

using Conflicts = std::map<ManagerKey, FieldSet>;

// As many conflicts as a person reads; the number says how many there are.
constexpr size_t kMaxListed = 100;

ApiError conflict_error(const Conflicts& conflicts) {
  ApiError error;
  error.code = 409;
  error.reason = "Conflict";
  size_t count = 0;
  std::string list;
  for (const auto& [manager, fields] : conflicts) {
    const size_t listed = error.causes.size();
    count += fields.size();
    if (listed >= kMaxListed) continue;
    list += (list.empty() ? "" : "\n") + ("conflicts with " + manager.to_string()) + ":";
    for (const std::string& path : fields.paths(kMaxListed - listed)) {
      list += "\n- " + path;
      error.causes.push_back(
          {"FieldManagerConflict", "conflict with " + manager.to_string(), path});
    }
  }
  if (count > error.causes.size())
    list += "\n- and " + std::to_string(count - error.causes.size()) + " more";
  error.message = count == 1 ? "Apply failed with 1 conflict: " + error.causes[0].message + ": " +
                                   error.causes[0].field
                             : "Apply failed with " + std::to_string(count) + " conflicts: " + list;
  return error;
}

// Takes what was written or removed away from everybody but `self`. Returns what was written over.
Conflicts displace(ManagerTable& managers, const ManagerKey& self, const FieldChanges& changes) {
  const FieldSet written = changes.written();
  Conflicts conflicts;
  for (auto& [key, entry] : managers) {
    if (key == self) continue;
    FieldSet taken = entry.fields.intersected(written);
    entry.fields = entry.fields.without(taken).without_trees(changes.removed);
    if (!taken.empty()) conflicts.emplace(key, std::move(taken));
  }
  return conflicts;
}

// Takes out what may be written over without asking.
void forgive(Conflicts& conflicts, const FieldSet& allowed) {
  for (auto& [key, fields] : conflicts)
    fields = fields.without(allowed);
  std::erase_if(conflicts, [](const auto& conflict) { return conflict.second.empty(); });
}

// Who owns the live object before anybody applied to it: all that is there belongs to the past.
ManagerTable managers_before(const Json& live, const FieldType& type, const ManagerInfo& info) {
  if (live.is_null()) return {};
  if (auto managers = read_managers(live); managers && !managers->empty()) return *managers;
  ManagerTable managers;
  const auto fields = field_set_of(live, type);
  if (!fields) return managers;
  managers[{"before-first-apply", "Update", "", info.api_version}] = {
      info.api_version, info.time, recorded(*fields, WriteScope::Whole)};
  return managers;
}

Outcome<void> check_applied(const Json& applied) {
  if (!applied.is_object()) return refuse(bad_request("the applied object must be a JSON object"));
  const Json* managed = base::find(applied, {"metadata", "managedFields"});
  if (managed != nullptr && !managed->is_null()) {
    return refuse(bad_request("metadata.managedFields must be nil"));
  }
  return {};
}

}  // namespace

Outcome<FieldSet> field_set_of(const Json& object, const FieldType& type) {
  FieldSet set;
  if (auto problem = collect(object, type, set, "")) {
    ApiError error =
        bad_request("failed to create typed patch object (" + describe(object) + "): " + *problem);
    error.code = 422;
    error.reason = "Invalid";
    return refuse(std::move(error));
  }
  return set;
}

Outcome<Applied> apply(const Json& live, const Json& applied, const ApplyRequest& request,
                       const FieldType& type) {
  if (auto checked = check_applied(applied); !checked) return refuse(checked.error());
  const Json wanted = within_scope(applied, request.manager.scope);
  auto wanted_fields = field_set_of(wanted, type);
  if (!wanted_fields) return refuse(wanted_fields.error());

  Json before = live.is_object() ? live : Json::object();
  ManagerTable managers = managers_before(live, type, request.manager);
  const ManagerTable managers_then = managers;
  erase_managers(before);
  const ManagerKey self = key_of_manager(request.manager, "Apply");
  const bool by_kubectl = self.manager == kLastAppliedManager && self.subresource.empty();
  const auto last = managers_then.find(self);

  ManagerFields& mine = managers[self];
  mine.api_version = request.manager.api_version;
  mine.fields = recorded(*wanted_fields, request.manager.scope);

  Json after = merge_applied(before, wanted, type);
  if (last != managers_then.end()) {
    FieldSet owned;
    for (const auto& [key, entry] : managers)
      owned.unite(entry.fields);
    remove_unowned(after, type, last->second.fields, owned);
  }
  const FieldChanges changes = changes_between(before, after, type);
  Conflicts conflicts = displace(managers, self, changes);
  if (by_kubectl) forgive(conflicts, still_as_applied(live, type, request.manager.api_version));
  if (!conflicts.empty() && !request.force) return refuse(conflict_error(conflicts));
  if (by_kubectl) renew_last_applied(after, applied);

  const bool same_managers = last != managers_then.end() && last->second.fields == mine.fields &&
                             last->second.api_version == mine.api_version;
  if (same_managers && after == before) return Applied{live, false};
  mine.time = request.manager.time;
  write_managers(std::move(managers), after);
  return Applied{std::move(after), true};
}

Json track_update(const Json& live, Json updated, const ManagerInfo& info, const FieldType& type) {
  if (!updated.is_object()) return updated;
  ManagerTable managers;
  if (info.subresource.empty() && is_reset(updated)) {
    managers = {};
  } else {
    // A client that does not know managedFields must not wipe them by leaving them out.
    auto sent = info.subresource.empty() ? read_managers(updated) : std::nullopt;
    if (!sent || sent->empty()) sent = read_managers(live);
    if (sent) managers = std::move(*sent);
  }
  // Of an object of which nothing is written down, nothing will be until somebody applies to it.
  if (live.is_object() && managers.empty()) {
    erase_managers(updated);
    return updated;
  }
  Json before = live.is_object() ? live : Json::object();
  erase_managers(before);
  erase_managers(updated);
  const ManagerKey self = key_of_manager(info, "Update");
  FieldChanges changes = changes_between(before, updated, type);
  displace(managers, self, changes);
  const FieldSet written = recorded(changes.written(), info.scope);
  if (const auto mine = managers.find(self); mine != managers.end()) {
    mine->second.fields = mine->second.fields.without_trees(changes.removed);
  }
  if (!written.empty()) {
    ManagerFields& mine = managers[self];
    mine.fields.unite(written);
    mine.api_version = info.api_version;
    mine.time = info.time;
  }
  write_managers(std::move(managers), updated);
  return updated;
}

}  // namespace kube::server::machinery
