#pragma once

// Objects: the verbs of the API on stored objects: create, get, update, patch, delete, without
// HTTP. The REST door and the controllers of the server both go through it, so that every rule
// (unknown fields, optimistic concurrency, finalizers, namespaces) holds for both.
//
// A write has happened, durably, when a call returns with success. Errors are the Status answers of
// Kubernetes. Threads: every method from any thread.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "kube/api.h"
#include "kube/server/objects/prepare.h"
#include "kube/server/storage/object_store.h"
#include "kube/server/types/catalog.h"

namespace kube::server::objects {

struct Target {
  types::ResourcePtr resource;
  std::string ns;
  std::string name;
  Part part = Part::Main;
};

struct Written {
  storage::ObjectPtr object;  // as stored; with dry run as it would be
  bool created = false;
  std::vector<std::string> warnings;
};

struct DeleteRequest {
  bool dry_run = false;
  std::optional<kube::Propagation>
      propagation;  // nullopt: what its finalizers say, else Background
  std::optional<int64_t> grace_seconds;
  std::string uid;               // precondition; "" = none
  std::string resource_version;  // precondition; "" = none
};

struct Removed {
  storage::ObjectPtr object;  // the last state, or the state in which it waits for its end
  bool gone = false;          // false: finalizers, dependents or a node still have to act
};

class Objects {
 public:
  Objects(storage::ObjectStore& store, types::Catalogs& catalogs, base::Clock& clock)
      : store_(store), catalogs_(catalogs), clock_(clock) {}

  Outcome<storage::ObjectPtr> get(const Target& target) const;
  // target.name is ignored; the body has it.
  Outcome<Written> create(const Target& target, const machinery::DecodedJson& body,
                          const WriteOptions& options);
  Outcome<Written> update(const Target& target, const machinery::DecodedJson& body,
                          const WriteOptions& options);
  Outcome<Written> patch(const Target& target, kube::PatchType type,
                         const machinery::DecodedJson& patch, const WriteOptions& options);
  Outcome<Removed> remove(const Target& target, const DeleteRequest& request);
  // Changes an object by a function of its served form, again and again until nobody was faster.
  Outcome<Written> change(const Target& target, const WriteOptions& options,
                          const std::function<Outcome<void>(json&)>& edit);
  // For the server itself: writes what the API would not let a client write (deletionTimestamp,
  // finalizers of namespaces). `edit` gets the stored form; false from it: leave it as it is.
  Outcome<storage::ObjectPtr> edit_raw(const storage::Key& key,
                                       const std::function<bool(json&)>& edit);
  Outcome<void> remove_raw(const storage::ObjectPtr& object);

  [[nodiscard]] storage::ObjectStore& store() const { return store_; }
  [[nodiscard]] types::CatalogPtr catalog() const { return catalogs_.current(); }
  [[nodiscard]] base::Clock& clock() const { return clock_; }

  // The served form of a stored object.
  static json served(const types::Resource& resource, const storage::Object& object,
                     std::span<const std::string_view> leave_out = {});

 private:
  using Attempt = std::function<Outcome<Prepared>(const json& live)>;

  Outcome<void> check_namespace(const Target& target, const std::string& name) const;
  [[nodiscard]] Outcome<Written> imagined(Written result, storage::WriteRequest request,
                                          const types::Resource& resource) const;
  Outcome<Written> store_new(const Target& target, Prepared prepared, bool dry_run);
  Outcome<Written> store_change(const Target& target, const storage::ObjectPtr& live,
                                Prepared prepared, bool dry_run);
  Outcome<Written> write_until_accepted(const Target& target, const Attempt& attempt, bool dry_run);
  Outcome<Written> apply(const Target& target, const machinery::DecodedJson& patch,
                         const WriteOptions& options);
  Outcome<Written> apply_once(const Target& target, const storage::ObjectPtr& live,
                              const machinery::DecodedJson& patch, const WriteOptions& options);
  [[nodiscard]] Circumstances circumstances() const;
  [[nodiscard]] static storage::Key key_of(const Target& target);

  storage::ObjectStore& store_;
  types::Catalogs& catalogs_;
  base::Clock& clock_;
};

// An error of the store in the words of the API.
machinery::ApiError store_error(const base::Error& error, const types::Resource& resource,
                                const std::string& name);

}  // namespace kube::server::objects
