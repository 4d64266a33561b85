#include "kube/server/machinery/manager_table.h"

#include <algorithm>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube::server::machinery {
namespace {

constexpr size_t kMaxUpdaters = 10;
constexpr size_t kMaxEntries = 1000;
constexpr const char* kAncient = "ancient-changes";

const Json* entries_of(const Json& object) {
  const Json* entries = base::find(object, {"metadata", "managedFields"});
  return entries != nullptr && entries->is_array() ? entries : nullptr;
}

bool is_updater(const ManagerTable::value_type& entry) {
  return entry.first.operation == "Update" && entry.first.subresource.empty();
}

// The oldest updaters become one, so that a crowd of tools does not grow the object for ever.
void fold_oldest(ManagerTable& managers) {
  auto updaters = static_cast<size_t>(std::count_if(managers.begin(), managers.end(), is_updater));
  while (updaters > kMaxUpdaters) {
    auto oldest = managers.end();
    for (auto at = managers.begin(); at != managers.end(); ++at) {
      if (!is_updater(*at) || at->first.manager == kAncient) continue;
      if (oldest == managers.end() || at->second.time < oldest->second.time) oldest = at;
    }
    if (oldest == managers.end()) return;
    ManagerKey key = oldest->first;
    key.manager = kAncient;
    ManagerFields fields = std::move(oldest->second);
    managers.erase(oldest);
    const auto [ancient, fresh] = managers.emplace(key, fields);
    if (!fresh) {
      ancient->second.fields.unite(fields.fields);
      ancient->second.time = std::max(ancient->second.time, fields.time);
      --updaters;
    }
  }
}

Json entry_of(const ManagerKey& key, const ManagerFields& fields) {
  Json entry = {{"apiVersion", fields.api_version},
                {"fieldsType", "FieldsV1"},
                {"fieldsV1", fields.fields.to_json()},
                {"manager", key.manager},
                {"operation", key.operation}};
  if (!key.subresource.empty()) entry["subresource"] = key.subresource;
  if (!fields.time.empty()) entry["time"] = fields.time;
  return entry;
}

}  // namespace

std::string ManagerKey::to_string() const {
  std::string text = base::dump_json(manager);
  if (!subresource.empty()) text += " with subresource " + base::dump_json(subresource);
  if (operation == "Update") text += " using " + api_version;
  return text;
}

std::optional<ManagerTable> read_managers(const Json& object) {
  const Json* entries = entries_of(object);
  if (entries == nullptr || entries->size() > kMaxEntries) return std::nullopt;
  ManagerTable managers;
  for (const Json& entry : *entries) {
    ManagerKey key{base::string_at(entry, {"manager"}), base::string_at(entry, {"operation"}),
                   base::string_at(entry, {"subresource"}), base::string_at(entry, {"apiVersion"})};
    if (key.operation != "Apply" && key.operation != "Update") return std::nullopt;
    const Json* json = base::find(entry, {"fieldsV1"});
    auto fields = FieldSet::from_json(json == nullptr ? Json::object() : *json);
    if (!fields) return std::nullopt;
    ManagerFields value{key.api_version, base::string_at(entry, {"time"}), std::move(*fields)};
    if (key.operation == "Apply") key.api_version.clear();
    managers[key] = std::move(value);
  }
  return managers;
}

bool is_reset(const Json& object) {
  const Json* entries = entries_of(object);
  return entries != nullptr && entries->size() == 1 && entries->front().is_object() &&
         entries->front().empty();
}

void erase_managers(Json& object) {
  const auto metadata = object.find("metadata");
  if (metadata != object.end() && metadata->is_object()) metadata->erase("managedFields");
}

void write_managers(ManagerTable managers, Json& object) {
  for (auto at = managers.begin(); at != managers.end();) {
    at->second.fields.drop_empty();
    at = at->second.fields.empty() ? managers.erase(at) : std::next(at);
  }
  fold_oldest(managers);
  erase_managers(object);
  if (managers.empty()) return;
  std::vector<ManagerTable::const_pointer> order;
  for (const auto& entry : managers)
    order.push_back(&entry);
  const auto rank = [](ManagerTable::const_pointer entry) {
    const auto& [key, fields] = *entry;
    return std::tie(key.operation, fields.time, key.manager, fields.api_version, key.subresource);
  };
  std::sort(order.begin(), order.end(),
            [&](auto left, auto right) { return rank(left) < rank(right); });
  Json entries = Json::array();
  for (const auto* entry : order)
    entries.push_back(entry_of(entry->first, entry->second));
  object["metadata"]["managedFields"] = std::move(entries);
}

}  // namespace kube::server::machinery
