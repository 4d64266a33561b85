#include "kube/server/machinery/table.h"

#include <algorithm>

#include "base/json.h"
#include "base/rfc3339.h"
#include "kube/server/machinery/json_path.h"
#include "kube/server/machinery/table_column.h"

namespace kube::server::machinery {
namespace {

using Column = TableColumns::Column;

Column name_column() {
  return {.name = "Name",
          .type = "string",
          .format = "name",
          .description = "Name must be unique within a namespace.",
          .priority = 0,
          .cell = [](const Json& object, Column::Now) {
            return Json(base::string_at(object, {"metadata", "name"}));
          }};
}

Column age_column() {
  return {.name = "Age",
          .type = "date",
          .format = "",
          .description = "How long ago the object was created.",
          .priority = 0,
          .cell = [](const Json& object, Column::Now now) {
            return Json(age_of(base::string_at(object, {"metadata", "creationTimestamp"}), now));
          }};
}

// A column may show a whole subtree, and there may be many columns: without these two bounds a
// table could be many times as large as the objects in it.
constexpr size_t kMaxColumns = 100;
constexpr size_t kMaxCell = 1024;

std::string as_text(const Json& value) {
  std::string text = value.is_string() ? value.get<std::string>() : base::dump_json(value);
  if (text.size() > kMaxCell) text = text.substr(0, kMaxCell) + "...";
  return text;
}

// What a value shows as in a column of the type; null when it does not fit, as on a real server.
Json cell_of(const std::string& type, const Json& value, Column::Now now) {
  if (type == "string") return as_text(value);
  if (type == "date") {
    return value.is_string() ? Json(age_of(value.get<std::string>(), now)) : Json();
  }
  if (type == "integer" && value.is_number()) {
    return value.is_number_integer() ? value : Json(value.get<double>());
  }
  if (type == "number" && value.is_number()) return value;
  if (type == "boolean" && value.is_boolean()) return value;
  return nullptr;
}

Json partial_metadata(const Json& object) {
  const Json* metadata = base::find(object, {"metadata"});
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", metadata == nullptr ? Json::object() : *metadata}};
}

}  // namespace

Outcome<IncludeObject> parse_include_object(std::string_view text) {
  if (text.empty() || text == "Metadata") return IncludeObject::Metadata;
  if (text == "None") return IncludeObject::None;
  if (text == "Object") return IncludeObject::Object;
  return refuse(
      bad_request("includeObject: Unsupported value: " + base::dump_json(std::string(text)) +
                  ": supported values: \"None\", \"Metadata\", \"Object\""));
}

std::string age_of(const std::string& rfc3339, std::chrono::sys_seconds now) {
  if (rfc3339.empty()) return "<unknown>";
  const auto time = base::parse_rfc3339(rfc3339);
  if (!time) return "<invalid>";
  return human_duration(std::chrono::floor<std::chrono::seconds>(now - *time));
}

TableColumns::TableColumns(std::vector<Column> columns) {
  for (Column& column : columns) {
    columns_.push_back(std::make_shared<const Column>(std::move(column)));
  }
}

TableColumns TableColumns::of_custom(const Json& columns) {
  std::vector<Column> result = {name_column()};
  if (!columns.is_array() || columns.empty()) {
    result.push_back(age_column());
    return TableColumns(std::move(result));
  }
  for (const Json& one : columns) {
    if (result.size() > kMaxColumns) break;
    auto path = JsonPath::parse(base::string_at(one, {"jsonPath"}));
    const std::string type = base::string_at(one, {"type"});
    Column column{.name = base::string_at(one, {"name"}),
                  .type = type,
                  .format = base::string_at(one, {"format"}),
                  .description = base::string_at(one, {"description"}),
                  .priority = static_cast<int>(std::clamp<int64_t>(
                      base::integer_at(one, {"priority"}).value_or(0), 0, 1000)),
                  .cell = [](const Json&, Column::Now) { return Json(); }};
    if (path) {
      column.cell = [path = std::move(*path), type](const Json& object, Column::Now now) {
        const auto values = path.find(object);
        return values.empty() ? Json() : cell_of(type, *values.front(), now);
      };
    }
    result.push_back(std::move(column));
  }
  return TableColumns(std::move(result));
}

Json TableColumns::table(const std::vector<const Json*>& objects, const Json& metadata,
                         IncludeObject include, std::chrono::sys_seconds now,
                         Definitions definitions) const {
  Json columns = Json::array();
  if (definitions == Definitions::Include) {
    for (const auto& column : columns_) {
      columns.push_back({{"name", column->name},
                         {"type", column->type},
                         {"format", column->format},
                         {"description", column->description},
                         {"priority", column->priority}});
    }
  }
  Json rows = Json::array();
  for (const Json* object : objects) {
    Json cells = Json::array();
    for (const auto& column : columns_)
      cells.push_back(column->cell(*object, now));
    Json row = {{"cells", std::move(cells)}};
    if (include == IncludeObject::Object) row["object"] = *object;
    if (include == IncludeObject::Metadata) row["object"] = partial_metadata(*object);
    rows.push_back(std::move(row));
  }
  return {{"kind", "Table"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", metadata.is_object() ? metadata : Json::object()},
          {"columnDefinitions", std::move(columns)},
          {"rows", std::move(rows)}};
}

std::vector<FieldError> check_printer_columns(const Json& columns, const FieldPath& path) {
  static const std::vector<std::string> types = {"boolean", "date", "integer", "number", "string"};
  std::vector<FieldError> errors;
  if (!columns.is_array()) return errors;
  for (size_t i = 0; i < columns.size(); ++i) {
    const FieldPath at = path.index(i);
    const Json& column = columns[i];
    if (base::string_at(column, {"name"}).empty()) {
      errors.push_back(FieldError::required(at.child("name").to_string()));
    }
    const std::string type = base::string_at(column, {"type"});
    if (type.empty()) {
      errors.push_back(FieldError::required(at.child("type").to_string(),
                                            "must be one of boolean,date,integer,number,string"));
    } else if (std::find(types.begin(), types.end(), type) == types.end()) {
      errors.push_back(FieldError::invalid(at.child("type").to_string(), type,
                                           "must be one of boolean,date,integer,number,string"));
    }
    const std::string text = base::string_at(column, {"jsonPath"});
    if (text.empty()) {
      errors.push_back(FieldError::required(at.child("jsonPath").to_string()));
    } else if (const auto parsed = JsonPath::parse(text); !parsed) {
      errors.push_back(FieldError::invalid(at.child("jsonPath").to_string(), text, parsed.error()));
    }
  }
  return errors;
}

}  // namespace kube::server::machinery
