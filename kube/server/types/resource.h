#pragma once

// Resource: one resource in one API version, as the server serves it: its names, what its objects
// look like, and the rules of its kind. Built-ins and custom resources differ only in what is
// filled in here.
//
// Threads: immutable once in a Catalog.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/resource_type.h"
#include "kube/server/machinery/field_type.h"
#include "kube/server/machinery/invalid_field.h"
#include "kube/server/machinery/structural_schema.h"
#include "kube/server/machinery/table.h"
#include "kube/server/storage/object.h"
#include "kube/server/types/names.h"
#include "kube/server/types/scale.h"

namespace kube::server::types {

using Json = nlohmann::json;

// What a built-in kind does beyond its schema. Every function may be left out.
struct Rules {
  NameRule name = NameRule::Subdomain;
  bool status_subresource = false;
  bool generation = false;              // metadata.generation counts changes of the spec
  bool graceful_deletion = false;       // pods: the node says when they are gone
  bool create_on_update = false;        // a PUT of what is not there creates it
  bool returns_deleted_object = false;  // a DELETE answers with the object, not with a Status
  // Fills in what the API promises to fill in. Before validation, on create and on update.
  void (*complete)(Json& object) = nullptr;
  // On create: what a client may not choose is set (phase Pending, …).
  void (*on_create)(Json& object) = nullptr;
  // On update of the main resource: what may not change is taken from the live object.
  void (*on_update)(Json& updated, const Json& live) = nullptr;
  // What keeps a body from being read at all, beyond its schema (400).
  void (*check_types)(const Json& object, std::vector<machinery::FieldError>& errors) = nullptr;
  void (*check)(const Json& object, std::vector<machinery::FieldError>& errors) = nullptr;
  void (*check_update)(const Json& updated, const Json& live,
                       std::vector<machinery::FieldError>& errors) = nullptr;
};

struct Resource {
  kube::ResourceType type;
  std::string storage;  // the store's name for it: "pods", "widgets.demo.example.com"
  std::string storage_api_version;
  std::string singular;
  std::string list_kind;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  bool custom = false;
  bool can_be_stored = true;  // false: reviews, which are only answered
  bool keeps_empty = false;   // lists and maps outside of metadata stay as people wrote them
  bool terminating = false;   // its CRD is being deleted: nothing new
  Rules rules;
  std::optional<ScalePaths> scale;  // it has a scale subresource
  std::string refusal;              // why none can be created; empty = they can
  std::string warning;              // comes back with every write; empty = none
  std::string deprecation;          // of this version: comes back with every answer; empty = none
  std::shared_ptr<const machinery::StructuralSchema> schema;
  std::shared_ptr<const Json> openapi_schema;      // of a CRD
  std::optional<machinery::TableColumns> columns;  // always set
  std::vector<std::string> selectable_fields;

  [[nodiscard]] const machinery::FieldType& field_type() const;
  // Between the form in the store and the form of this version. The same for most.
  [[nodiscard]] bool stored_as_served() const { return type.api_version() == storage_api_version; }
  void to_served(Json& object) const;
  void to_stored(Json& object) const;
};
using ResourcePtr = std::shared_ptr<const Resource>;

// What is indexed of an object in its stored form.
storage::IndexedFields indexed_fields(const Json& object,
                                      const std::vector<std::string>& selectable_fields);

}  // namespace kube::server::types
