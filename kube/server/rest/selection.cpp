#include "kube/server/rest/selection.h"

#include <nlohmann/json.hpp>

namespace kube::server::rest {
namespace {

using Kinds = machinery::FieldSelector::Kinds;
using nlohmann::json;

// The object with nothing in it but what field selectors may ask for.
json fields_alone(const types::Resource& resource, const storage::Object& object) {
  // A definition may change which fields can be asked for: then the object itself is asked.
  if (resource.custom && resource.selectable_fields.size() > 2) return object.parse();
  json result = {{"metadata", {{"name", object.key.name}, {"namespace", object.key.ns}}}};
  for (const auto& [path, value] : object.indexed.fields) {
    json* at = &result;
    std::string_view rest = path;
    for (size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
      at = &(*at)[std::string(rest.substr(0, dot))];
      rest.remove_prefix(dot + 1);
    }
    (*at)[std::string(rest)] = value;
  }
  resource.to_served(result);
  return result;
}

}  // namespace

Outcome<Selection> Selection::parse(const ApiRequest& call) {
  Selection selection;
  selection.resource_ = call.resource;
  auto labels = machinery::LabelSelector::parse(call.parameter("labelSelector"));
  if (!labels) return machinery::refuse(labels.error());
  selection.labels_ = std::move(*labels);
  std::string text = call.parameter("fieldSelector");
  if (!call.info.name.empty()) {
    text = "metadata.name=" + call.info.name + (text.empty() ? "" : "," + text);
  }
  auto fields = machinery::FieldSelector::parse(text);
  if (!fields) return machinery::refuse(fields.error());
  if (auto known = fields->check_supported(call.resource->selectable_fields,
                                           call.resource->custom ? Kinds::Custom : Kinds::BuiltIn);
      !known) {
    return machinery::refuse(known.error());
  }
  selection.fields_ = std::move(*fields);
  return selection;
}

bool Selection::matches(const storage::Object& object) const {
  return (labels_.empty() || labels_.matches(object.indexed.labels)) &&
         (fields_.empty() || fields_.matches(fields_alone(*resource_, object)));
}

std::string Selection::name() const {
  return fields_.required_value("metadata.name").value_or("");
}

}  // namespace kube::server::rest
