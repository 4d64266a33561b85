#pragma once

// Short words for the requests that the tests of the store make.

#include <string>
#include <vector>

#include "kube/server/storage/object_store.h"

namespace tests {

kube::server::storage::Key key(const std::string& name, const std::string& resource = "things");
kube::server::storage::WriteRequest created(const std::string& name, const std::string& value = "");
kube::server::storage::WriteRequest updated(const std::string& name, int64_t expected,
                                            const std::string& value);
kube::server::storage::WriteRequest deleted(const std::string& name, int64_t expected);

// Fails the test when it cannot be opened.
std::unique_ptr<kube::server::storage::ObjectStore> open_store(const std::string& path,
                                                               size_t history_revisions = 10'000);
// Fails the test when the write was refused.
int64_t revision_of(const base::Result<kube::server::storage::ObjectPtr>& written);
std::vector<std::string> names(const kube::server::storage::Listing& listing);
kube::server::storage::IndexedFields indexed_fields(const kube::server::storage::Key& key,
                                                    const nlohmann::json& object);

}  // namespace tests
