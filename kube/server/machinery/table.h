#pragma once

// The meta.k8s.io/v1 Table that kubectl get asks for: columns from a CRD's additionalPrinterColumns
// or those of the built-in kinds, one row per object. Ages are rendered as kubectl shows them
// (`3m12s`, `5d`, `<unknown>`).
//
// A JSON path that cannot be parsed (json_path.h) makes the CRD invalid (check_printer_columns).
// Threads: pure functions; `now` comes from the caller's clock.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/invalid_field.h"
#include "kube/server/machinery/status.h"

namespace kube::server::machinery {

enum class IncludeObject { None, Metadata, Object };

// The query parameter includeObject; "" is Metadata.
Outcome<IncludeObject> parse_include_object(std::string_view text);

class TableColumns {
 public:
  // `columns` is a CRD version's additionalPrinterColumns, of which the first 100 are shown; null
  // or empty: NAME and AGE. A cell shows at most about 1 kB.
  static TableColumns of_custom(const Json& columns);
  static TableColumns of_built_in(const ResourceType& type);

  // `objects` are the items of a list or one object; `metadata` is the list's (resourceVersion,
  // continue, remainingItemCount) or {}. A watch event's Table has one row; without definitions
  // from the second event on if `with_definitions` says so.
  enum class Definitions { Include, Omit };
  [[nodiscard]] Json table(const std::vector<const Json*>& objects, const Json& metadata,
                           IncludeObject include, std::chrono::sys_seconds now,
                           Definitions definitions = Definitions::Include) const;

  struct Column;

 private:
  explicit TableColumns(std::vector<Column> columns);
  std::vector<std::shared_ptr<const Column>> columns_;
};

// What is wrong with the additionalPrinterColumns of a CRD.
std::vector<FieldError> check_printer_columns(const Json& columns, const FieldPath& path);

// "45s", "3m12s", "5h20m", "2d3h", "400d", "3y20d": as kubectl prints an age.
std::string human_duration(std::chrono::seconds duration);

}  // namespace kube::server::machinery
