#pragma once

// FieldType: what merging needs to know about a field, and nothing else: is a list one value, a set
// or a map of items by key; is a map one value or one per member; and what strategic merge patch
// does with a list. Server-side apply and strategic merge both walk objects along these.
//
// Sources: x-kubernetes-list-type, -list-map-keys, -map-type (server-side apply) and
// x-kubernetes-patch-strategy, -patch-merge-key (strategic merge) of the API's schemas.
// Threads: immutable once built; pointers live as long as the FieldTypes that owns them.

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace kube::server::machinery {

struct FieldType {
  enum class List { Atomic, Set, Map };
  enum class Map { Granular, Atomic };
  List list = List::Atomic;
  Map map = Map::Granular;
  std::vector<std::string> list_keys;  // of List::Map
  // What a list item has for a key that it does not give (protocol: TCP), as JSON text.
  std::map<std::string, std::string> key_defaults;
  // Strategic merge patch: the key by which lists of objects merge; "" = no key.
  std::string merge_key;
  bool merges_list = false;   // patchStrategy merge: lists of scalars merge as sets
  bool retains_keys = false;  // patchStrategy retainKeys

  const FieldType* items = nullptr;   // of a list; nullptr: deduced
  const FieldType* values = nullptr;  // of a map with any keys; nullptr: deduced
  std::map<std::string, const FieldType*, std::less<>> members;

  // The type of a member; deduced() when nothing is known about it.
  [[nodiscard]] const FieldType& member(std::string_view name) const;
  [[nodiscard]] const FieldType& item() const;
};

// What is assumed where no schema speaks: maps are granular, lists atomic.
const FieldType& deduced_type();

// The FieldType of metadata, which is the same for all kinds.
const FieldType& object_meta_type();

// Owner of a graph of types, whose addresses do not change.
class FieldTypes {
 public:
  FieldType& add() { return types_.emplace_back(); }
  // The metadata of a custom resource is that of every object, whatever its schema says.
  void set_metadata(const FieldType& metadata) { types_.front().members["metadata"] = &metadata; }
  const FieldType* root = nullptr;

 private:
  std::deque<FieldType> types_;
};

// Reads the type out of a schema (of a CRD, or of a built-in kind with References::Expand), whose
// depth the caller has bounded.
const FieldType& add_field_type(const nlohmann::json& schema, FieldTypes& types);

}  // namespace kube::server::machinery
