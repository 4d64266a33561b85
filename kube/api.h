#pragma once

// Api: the Kubernetes API as the controllers and the node see it. kube::HttpApi speaks it over HTTP
// to any API server; tests have a model of it in memory (tests/support). Nobody above this line
// knows which one is there.
//
// Objects are JSON, as they travel. Errors are those of a Status object: Code by reason, the
// message as the server wrote it, retry_after from Retry-After. Threads: every method may be called
// from any thread.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "kube/object.h"
#include "kube/packed_object.h"
#include "kube/resource_type.h"

namespace kube {

struct ListOptions {
  std::string ns;              // "" = all namespaces
  std::string label_selector;  // in the API's own syntax
  std::string field_selector;
  std::string resource_version;  // "" = the newest
  int64_t limit = 0;             // 0 = everything; the client pages by itself
  // Versions: of each object no more than name, namespace, uid and resourceVersion. A server that
  // can sends little more, and nobody holds the rest.
  enum class Content { Objects, Versions };
  Content content = Content::Objects;
};

// An object that the API has and that this client cannot read: nested too deep, too large, of a
// wrong shape. It is left out and reported; it never costs the others.
struct Unreadable {
  ObjectKey key;  // this and the next two as far as they can be found
  std::string uid;
  std::string resource_version;
  std::string reason;
};

struct ObjectList {
  std::vector<Json> items;
  std::string resource_version;
  std::vector<Unreadable>
      unreadable;  // whoever must be certain that there is nothing looks here too
};

struct WatchEvent {
  // Unreadable: it was added or modified and is none of the readable ones any more.
  enum class Type { Added, Modified, Deleted, Bookmark, Unreadable };
  Type type = Type::Added;
  // Without managedFields, which caches drop. Unreadable: what could be found of its metadata. In
  // one process with the server it may be the server's text.
  PackedObject object;
  std::string problem;  // Unreadable: why
};

class Watch {
 public:
  virtual ~Watch() = default;
  // Blocks. nullopt: the server ended the watch in order; watch again from the last
  // resourceVersion. Error Gone: list again. Cancelled after cancel().
  virtual base::Result<std::optional<WatchEvent>> next() = 0;
  virtual void cancel() = 0;  // from any thread
};

enum class PatchType { JsonPatch, MergePatch, StrategicMerge, Apply };
enum class Propagation { Background, Foreground, Orphan };

struct PatchOptions {
  std::string subresource;    // "status" or ""
  std::string field_manager;  // needed for Apply
  bool force = false;         // Apply: take fields over from others
};

struct DeleteOptions {
  Propagation propagation = Propagation::Background;
  std::string uid;               // precondition; "" = none
  std::string resource_version;  // precondition; "" = none
  std::optional<std::chrono::seconds> grace_period;
};

class Api {
 public:
  virtual ~Api() = default;
  virtual base::Result<Json> get(const ResourceType& type, const ObjectKey& key) = 0;
  virtual base::Result<ObjectList> list(const ResourceType& type, const ListOptions& options) = 0;
  virtual base::Result<std::unique_ptr<Watch>> watch(const ResourceType& type,
                                                     const ListOptions& options) = 0;
  // The namespace is metadata.namespace of the object. This and the next two return the object as
  // stored, without managedFields.
  virtual base::Result<Json> create(const ResourceType& type, const Json& object) = 0;
  virtual base::Result<Json> update(const ResourceType& type, const Json& object,
                                    std::string_view subresource = "") = 0;
  virtual base::Result<Json> patch(const ResourceType& type, const ObjectKey& key,
                                   PatchType patch_type, const Json& patch,
                                   const PatchOptions& options = {}) = 0;
  virtual base::Status remove(const ResourceType& type, const ObjectKey& key,
                              const DeleteOptions& options = {}) = 0;
};

}  // namespace kube
