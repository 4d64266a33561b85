#pragma once

// Object, Event: one version of one API object as the store keeps it, and one change.
//
// The store knows nothing of Kubernetes beyond what stands here: an object is its serialized JSON
// plus the few fields that reading, selecting and collecting need without parsing it again.
//
// Threads: immutable once built, shared by pointer.

#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace kube::server::storage {

struct Key {
  std::string resource;  // "pods", "widgets.demo.example.com"
  std::string ns;        // "" for cluster-scoped objects
  std::string name;
  auto operator<=>(const Key&) const = default;
};

struct Owner {
  std::string uid;
  bool blocks_deletion = false;
  bool operator==(const Owner&) const = default;
};

// What is taken out of an object once, when it is written or loaded.
struct IndexedFields {
  std::string uid;
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::pair<std::string, std::string>> fields;  // what field selectors may ask for
  std::vector<Owner> owners;
  std::vector<std::string> finalizers;
  bool deleting = false;  // metadata.deletionTimestamp is set
};

struct Object {
  Key key;
  int64_t revision = 0;
  std::string text;  // compact JSON; metadata.resourceVersion equals `revision`
  IndexedFields indexed;
  // Without the member at this path of keys; none: all of it.
  [[nodiscard]] nlohmann::json parse(std::span<const std::string_view> leave_out = {}) const;
};
using ObjectPtr = std::shared_ptr<const Object>;

enum class Change { Created, Updated, Deleted };

struct Event {
  int64_t revision = 0;
  Change change = Change::Created;
  ObjectPtr object;    // the new state; for Deleted the last one, with the revision of the deletion
  ObjectPtr previous;  // the state before; null for Created
  // The new state as it was written, without managedFields: what caches in this process keep, so
  // that none of them reads the text again. Only for those who are told of a commit, and not when
  // they are far behind: null then, for Deleted, and in the history.
  std::shared_ptr<const nlohmann::json> state;
};
using EventPtr = std::shared_ptr<const Event>;
// For who keeps it: a tree takes many times the memory of its text.
EventPtr without_state(const EventPtr& event);

}  // namespace kube::server::storage
