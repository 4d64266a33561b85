#include "tests/unit/kube/server/storage/store_requests.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

namespace tests {
namespace {

using kube::server::storage::Change;
using kube::server::storage::IndexedFields;
using kube::server::storage::Key;
using kube::server::storage::Listing;
using kube::server::storage::ObjectPtr;
using kube::server::storage::ObjectStore;
using kube::server::storage::WriteRequest;
using nlohmann::json;

json object(const std::string& name, const std::string& value = "") {
  return {{"metadata", {{"name", name}, {"uid", "uid-of-" + name}}}, {"value", value}};
}

}  // namespace

Key key(const std::string& name, const std::string& resource) {
  return {.resource = resource, .ns = "default", .name = name};
}

IndexedFields indexed_fields(const Key&, const json& value) {
  return {.uid = value["metadata"]["uid"].get<std::string>(),
          .labels = {},
          .fields = {},
          .owners = {},
          .finalizers = {}};
}

std::unique_ptr<ObjectStore> open_store(const std::string& path, size_t history_revisions) {
  auto store = ObjectStore::open({.path = path,
                                  .durability = base::sqlite::Durability::Normal,
                                  .history_revisions = history_revisions,
                                  .indexed = indexed_fields});
  INFO((store ? "" : store.error().message));
  REQUIRE(store);
  return std::move(*store);
}

WriteRequest created(const std::string& name, const std::string& value) {
  auto content = std::make_shared<json>(object(name, value));
  IndexedFields indexed = indexed_fields(key(name), *content);
  return {.change = Change::Created,
          .key = key(name),
          .expected = 0,
          .object = std::move(content),
          .indexed = std::move(indexed)};
}

WriteRequest updated(const std::string& name, int64_t expected, const std::string& value) {
  WriteRequest request = created(name, value);
  request.change = Change::Updated;
  request.expected = expected;
  return request;
}

WriteRequest deleted(const std::string& name, int64_t expected) {
  return {.change = Change::Deleted,
          .key = key(name),
          .expected = expected,
          .object = nullptr,
          .indexed = {}};
}

int64_t revision_of(const base::Result<ObjectPtr>& written) {
  REQUIRE(written);
  return (*written)->revision;
}

std::vector<std::string> names(const Listing& listing) {
  std::vector<std::string> result;
  for (const auto& item : listing.items)
    result.push_back(item->key.name);
  return result;
}

}  // namespace tests
