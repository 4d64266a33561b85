#include "kube/server/objects/validation.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube::server::objects {
namespace {

using machinery::FieldError;
using machinery::refuse;
using types::Resource;

// Only metadata differs.
bool same_contents(const json& before, const json& after) {
  const auto without_metadata = [](json object) {
    object.erase("metadata");
    return object;
  };
  return without_metadata(before) == without_metadata(after);
}

// A schema or a rule that came after an object was stored freezes nothing: an update is asked about
// what it changes only.
std::vector<FieldError> check_schema(const Resource& resource, const json& object,
                                     const json* live) {
  if (!resource.schema) return {};
  return live != nullptr ? resource.schema->validate_update(object, *live)
                         : resource.schema->validate(object);
}

template <class Check>
std::vector<FieldError> check_changed(const Check& check, const json& object, const json* live) {
  std::vector<FieldError> errors;
  check(object, errors);
  if (errors.empty() || live == nullptr) return errors;
  std::vector<FieldError> old;
  check(*live, old);
  const auto is_old = [&](const FieldError& error) {
    return std::any_of(old.begin(), old.end(),
                       [&](const FieldError& known) { return known.message() == error.message(); });
  };
  errors.erase(std::remove_if(errors.begin(), errors.end(), is_old), errors.end());
  return errors;
}

std::vector<FieldError> check_rules(const Resource& resource, const json& object,
                                    const json* live) {
  if (!resource.rules.check) return {};
  return check_changed(resource.rules.check, object, live);
}

std::vector<FieldError> check_scale(const Resource& resource, const json& object,
                                    const json* live) {
  if (!resource.scale) return {};
  return check_changed(
      [&](const json& value, std::vector<FieldError>& errors) {
        types::check_scaled(*resource.scale, value, errors);
      },
      object, live);
}

std::vector<FieldError> check_domains(const Resource& resource, const json& object,
                                      const json* live) {
  if (resource.custom) return {};
  return check_changed(
      [](const json& value, std::vector<FieldError>& errors) {
        types::check_finalizer_domains(value["metadata"], errors);
      },
      object, live);
}

// What is stored, in the form in which it would be stored now: else a rule that something may not
// change would take another spelling for a change.
json as_of_today(const Resource& resource, json live) {
  if (!resource.schema || !resource.schema->holds_quantities()) return live;
  resource.schema->normalise_quantities(live);
  if (resource.rules.complete) resource.rules.complete(live);
  return live;
}

}  // namespace

Outcome<void> check_identity(const Resource& resource, json& object) {
  if (!object.is_object()) {
    return refuse(machinery::bad_request("the body of the request must be a JSON object"));
  }
  for (const auto& [member, expected, what] :
       {std::tuple{"apiVersion", resource.type.api_version(), "API version"},
        std::tuple{"kind", resource.type.kind, "kind"}}) {
    const auto found = object.find(member);
    if (found == object.end() || *found == "") {
      if (resource.custom) {
        return refuse(machinery::bad_request(
            std::string("Object '") + (std::string(member) == "kind" ? "Kind" : "apiVersion") +
            "' is missing in the body of the request"));
      }
      object[member] = expected;
    } else if (*found != expected) {
      return refuse(machinery::bad_request(
          std::string("the ") + what + " in the data (" +
          (found->is_string() ? found->get<std::string>() : base::dump_json(*found)) +
          ") does not match the expected " + what + " (" + expected + ")"));
    }
  }
  json& metadata = object["metadata"];
  if (metadata.is_null()) metadata = json::object();
  if (!metadata.is_object()) {
    return refuse(machinery::bad_request("metadata must be a JSON object"));
  }
  return {};
}

Outcome<void> check_readable(const Resource& resource, const json& body) {
  if (resource.custom) return {};
  std::vector<FieldError> errors;
  if (resource.schema) errors = resource.schema->validate(body);
  if (resource.rules.check_types) resource.rules.check_types(body, errors);
  for (const FieldError& error : errors) {
    if (error.type != FieldError::Type::TypeInvalid) continue;
    return refuse(machinery::bad_request(resource.type.kind + " in version \"" +
                                         resource.type.version + "\" cannot be handled as a " +
                                         resource.type.kind + ": " + error.detail));
  }
  return {};
}

Outcome<void> complete_and_check(const Resource& resource, Part part, json& object,
                                 const json* live, size_t object_bytes) {
  // While they are filled in, not afterwards: a small object may have a default of 100 kB in each
  // of 5,000 items.
  const auto empties = resource.keeps_empty ? machinery::Empties::Keep : machinery::Empties::Drop;
  if (resource.schema && !resource.schema->apply_defaults(object, object_bytes, empties)) {
    return refuse(
        machinery::too_large("the defaults of its definition alone would add more bytes to the "
                             "object than the limit of " +
                             std::to_string(object_bytes)));
  }
  const std::string name = base::string_at(object, {"metadata", "name"});
  std::vector<FieldError> errors =
      types::check_metadata(object["metadata"], resource.rules.name, resource.type.namespaced);
  // What a built-in kind looked like when it was stored need not have the types of today.
  const bool settled = live != nullptr && !resource.custom && same_contents(*live, object);
  bool has_wrong_shape = false;
  if (!settled) {
    for (FieldError& error : check_schema(resource, object, live)) {
      has_wrong_shape = true;
      errors.push_back(std::move(error));
    }
    for (FieldError& error : check_scale(resource, object, live))
      errors.push_back(std::move(error));
  }
  for (FieldError& error : check_domains(resource, object, live))
    errors.push_back(std::move(error));
  if (has_wrong_shape || (settled && !errors.empty()))
    return refuse(machinery::invalid(resource.type, name, errors));
  if (settled) return {};
  if (resource.schema) resource.schema->normalise_quantities(object);
  if (resource.rules.complete) resource.rules.complete(object);
  for (FieldError& error : check_rules(resource, object, live))
    errors.push_back(std::move(error));
  if (live != nullptr && part == Part::Main && resource.rules.check_update)
    resource.rules.check_update(object, as_of_today(resource, *live), errors);
  if (!errors.empty()) return refuse(machinery::invalid(resource.type, name, errors));
  return {};
}

}  // namespace kube::server::objects
