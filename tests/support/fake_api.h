#pragma once

// FakeApi: the Kubernetes API as a deterministic model in memory: resourceVersions and conflicts,
// UIDs, generations, the status subresource, finalizers, owner references, graceful deletion of
// pods. What moves by itself in a cluster moves here only when told to: collect_garbage(), erase().
//
// FakeCache is an informer's view of it that lags: it shows what it saw at its last sync.
//
// `before` and `after` see every call and may fail it (the error is returned: before, nothing has
// happened; after, it has, and only the answer is lost) or throw, which is how tests end a process
// between two calls. Threads: one.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "kube/api.h"
#include "kube/reconciler.h"

namespace tests {

struct ApiCall {
  std::string verb;  // "get", "list", "create", "update", "patch", "delete"
  std::string plural;
  kube::ObjectKey key;
  std::string subresource;
};

class FakeApi final : public kube::Api {
 public:
  using Hook = std::function<std::optional<base::Error>(const ApiCall&)>;

  explicit FakeApi(const base::Clock& clock) : clock_(clock) {}

  base::Result<kube::Json> get(const kube::ResourceType& type, const kube::ObjectKey& key) override;
  base::Result<kube::ObjectList> list(const kube::ResourceType& type,
                                      const kube::ListOptions& options) override;
  base::Result<std::unique_ptr<kube::Watch>> watch(const kube::ResourceType& type,
                                                   const kube::ListOptions& options) override;
  base::Result<kube::Json> create(const kube::ResourceType& type,
                                  const kube::Json& object) override;
  base::Result<kube::Json> update(const kube::ResourceType& type, const kube::Json& object,
                                  std::string_view subresource = "") override;
  base::Result<kube::Json> patch(const kube::ResourceType& type, const kube::ObjectKey& key,
                                 kube::PatchType patch_type, const kube::Json& patch,
                                 const kube::PatchOptions& options = {}) override;
  base::Status remove(const kube::ResourceType& type, const kube::ObjectKey& key,
                      const kube::DeleteOptions& options = {}) override;

  // The model's own hand: no hooks, no calls counted.
  [[nodiscard]] std::shared_ptr<const kube::Json> peek(const kube::ResourceType& type,
                                                       const kube::ObjectKey& key) const;
  [[nodiscard]] std::vector<std::shared_ptr<const kube::Json>> peek_all(
      const kube::ResourceType& type) const;
  // Sets a member of an object at a JSON pointer; null erases it.
  void set(const kube::ResourceType& type, const kube::ObjectKey& key, const std::string& pointer,
           const kube::Json& value);
  // Takes an object away at once, finalizers or not: the node's last word about a pod.
  void erase(const kube::ResourceType& type, const kube::ObjectKey& key);
  // Deletes what has only owners that are gone; true if there was any.
  bool collect_garbage();

  Hook before;
  Hook after;
  std::set<std::string> terminating_namespaces;
  std::vector<ApiCall> calls;

 private:
  friend class FakeCache;
  using Key = std::pair<std::string, kube::ObjectKey>;  // plural first
  using Store = std::map<Key, std::shared_ptr<const kube::Json>>;

  std::optional<base::Error> called(const ApiCall& call);
  std::optional<base::Error> answered(const ApiCall& call);
  base::Result<kube::Json> put(const kube::ResourceType& type, const kube::ObjectKey& key,
                               kube::Json next, std::string_view subresource);
  base::Status remove_now(const Key& key, kube::Propagation propagation);
  kube::Json stamped(kube::Json object);

  const base::Clock& clock_;
  Store store_;
  uint64_t version_ = 0;
  uint64_t uids_ = 0;
};

class FakeCache final : public kube::Cache {
 public:
  explicit FakeCache(const FakeApi& api) : api_(api) {}
  // All kinds, or one: informers of different kinds lag independently.
  void sync();
  void sync(const kube::ResourceType& type);
  // Always shows the present.
  void follow() { following_ = true; }
  // Stays at the present until the next sync.
  void freeze() {
    sync();
    following_ = false;
  }

  std::shared_ptr<const kube::Json> get(const kube::ResourceType& type,
                                        const kube::ObjectKey& key) const override;
  std::vector<std::shared_ptr<const kube::Json>> owned_by(const kube::ResourceType& type,
                                                          const std::string& uid) const override;
  std::vector<std::shared_ptr<const kube::Json>> list(const kube::ResourceType& type,
                                                      const std::string& ns) const override;

 private:
  [[nodiscard]] const FakeApi::Store& seen() const { return following_ ? api_.store_ : seen_; }

  const FakeApi& api_;
  FakeApi::Store seen_;
  bool following_ = false;
};

}  // namespace tests
