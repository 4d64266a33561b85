#pragma once

// StructuralSchema: an openAPIV3Schema of a CRD, compiled once, then used for every object: prune
// what is unknown, fill in defaults, validate. The order in a server is prune, default, validate.
//
// Errors are complete (all of them, up to kMaxErrors) in the texts of Kubernetes. Patterns run in
// RE2: linear time. Depth is that of the schema and the object's own, both bounded.
// x-kubernetes-validations (CEL) are kept in the CRD and not evaluated here.
// Source: "Extend the Kubernetes API with CustomResourceDefinitions", structural schemas.
// Threads: immutable after compile.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/field_type.h"
#include "kube/server/machinery/invalid_field.h"
#include "kube/server/machinery/status.h"

namespace kube::server::machinery {

struct SchemaNode;

// What becomes of empty lists and maps of a built-in kind. Most say nothing by them, and drop them
// as kube-apiserver does.
enum class Empties { Drop, Keep };

class StructuralSchema {
 public:
  static constexpr size_t kMaxErrors = 200;

  // The schema as it stands in the CRD; `path` names it in errors
  // ("spec.versions[0].schema.openAPIV3Schema"). On error: why it is not structural.
  static tl::expected<std::shared_ptr<const StructuralSchema>, std::vector<FieldError>> compile(
      const Json& schema, const FieldPath& path);
  // Of a built-in kind (built_in_types.h); nullptr if there is none.
  static std::shared_ptr<const StructuralSchema> of_built_in(const ResourceType& type);

  // Removes every field that the schema does not know, and every field that is null where the
  // schema neither allows null nor has a default. Returns the paths of the unknown ones, sorted:
  // `spec.foo`, `spec.list[1].bar`.
  std::vector<std::string> prune(Json& object) const;
  // Fills in defaults; null where the schema does not allow null and has a default counts as
  // absent. At most `room` bytes of text are added: false when there would be more, and the object
  // is of no use then. Metadata is empty of what says nothing in any case.
  [[nodiscard]] bool apply_defaults(Json& object, size_t room,
                                    Empties empties = Empties::Drop) const;
  // Writes the amounts of a built-in kind in their canonical form (base/quantity.h). After
  // validation.
  void normalise_quantities(Json& object) const;
  [[nodiscard]] bool holds_quantities() const;
  // Empty when the object is valid. Includes uniqueness of sets and maps.
  [[nodiscard]] std::vector<FieldError> validate(const Json& object) const;
  // Of an update: what `live` says already is not asked about again, so that an object which was
  // stored before its schema became stricter can still be labelled, have its status written and
  // lose its finalizers. Members are compared by name, items of a list of type map by their keys;
  // any other list is one value.
  // Source: "CRD validation ratcheting" of the Kubernetes documentation.
  [[nodiscard]] std::vector<FieldError> validate_update(const Json& object, const Json& live) const;

  // How fields are owned in server-side apply.
  [[nodiscard]] const FieldType& field_type() const;

  ~StructuralSchema();
  StructuralSchema(const StructuralSchema&) = delete;
  StructuralSchema& operator=(const StructuralSchema&) = delete;

 private:
  StructuralSchema();
  std::unique_ptr<const SchemaNode> root_;
  FieldTypes types_;
};

}  // namespace kube::server::machinery
