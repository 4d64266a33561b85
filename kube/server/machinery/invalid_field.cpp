#include "kube/server/machinery/invalid_field.h"

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube::server::machinery {
namespace {

// A value as long as this is cut when quoted, so that a Status stays small. Names of fields are the
// client's, too: a key of half a megabyte stands in the path of everything below it.
constexpr size_t kMaxQuoted = 512;
constexpr size_t kMaxPath = 2048;

std::string quote(const nlohmann::json& value) {
  if (value.is_string() && value.get_ref<const std::string&>().size() > kMaxQuoted) {
    return base::dump_json(value.get_ref<const std::string&>().substr(0, kMaxQuoted) + "...");
  }
  std::string text = base::dump_json(value);
  if (text.size() > 2 * kMaxQuoted) text = text.substr(0, 2 * kMaxQuoted) + "...";
  return text;
}

const char* type_text(FieldError::Type type) {
  switch (type) {
    case FieldError::Type::Required:
      return "Required value";
    case FieldError::Type::Invalid:
    case FieldError::Type::TypeInvalid:
      return "Invalid value";
    case FieldError::Type::NotSupported:
      return "Unsupported value";
    case FieldError::Type::Duplicate:
      return "Duplicate value";
    case FieldError::Type::Forbidden:
      return "Forbidden";
    case FieldError::Type::TooLong:
      return "Too long";
    case FieldError::Type::TooMany:
      return "Too many";
    case FieldError::Type::NotFound:
      return "Not found";
    case FieldError::Type::Internal:
      return "Internal error";
  }
  return "Internal error";
}

}  // namespace

std::string FieldPath::to_string() const {
  std::vector<const FieldPath*> steps;
  for (const FieldPath* at = this; at != nullptr && at->step_ != Step::Root; at = at->parent_) {
    steps.push_back(at);
  }
  std::string text;
  for (auto step = steps.rbegin(); step != steps.rend() && text.size() <= kMaxPath; ++step) {
    const std::string_view name = (*step)->name_.substr(0, kMaxPath + 1);
    switch ((*step)->step_) {
      case Step::Name:
        if (!text.empty()) text += '.';
        text += name;
        break;
      case Step::Key:
        text.append("[").append(name).append("]");
        break;
      case Step::Index:
        text += "[" + std::to_string((*step)->index_) + "]";
        break;
      case Step::Root:
        break;
    }
  }
  if (text.size() > kMaxPath) text = text.substr(0, kMaxPath) + "...";
  return text;
}

std::string FieldError::body() const {
  std::string text = type_text(type);
  if (!value.empty()) text += ": " + value;
  if (!detail.empty()) text += ": " + detail;
  return text;
}

std::string FieldError::message() const {
  return field.empty() ? "<nil>: " + body() : field + ": " + body();
}

const char* FieldError::reason() const {
  switch (type) {
    case Type::Required:
      return "FieldValueRequired";
    case Type::Invalid:
      return "FieldValueInvalid";
    case Type::NotSupported:
      return "FieldValueNotSupported";
    case Type::Duplicate:
      return "FieldValueDuplicate";
    case Type::Forbidden:
      return "FieldValueForbidden";
    case Type::TooLong:
      return "FieldValueTooLong";
    case Type::TooMany:
      return "FieldValueTooMany";
    case Type::TypeInvalid:
      return "FieldValueTypeInvalid";
    case Type::NotFound:
      return "FieldValueNotFound";
    case Type::Internal:
      return "InternalError";
  }
  return "InternalError";
}

FieldError FieldError::required(std::string field, std::string detail) {
  return {Type::Required, std::move(field), "", std::move(detail)};
}

FieldError FieldError::invalid(std::string field, const nlohmann::json& value, std::string detail) {
  return {Type::Invalid, std::move(field), quote(value), std::move(detail)};
}

FieldError FieldError::invalid_omitted(std::string field, std::string detail) {
  return {Type::Invalid, std::move(field), "", std::move(detail)};
}

FieldError FieldError::type_invalid(std::string field, const nlohmann::json& value,
                                    std::string detail) {
  return {Type::TypeInvalid, std::move(field), quote(value), std::move(detail)};
}

FieldError FieldError::not_supported(std::string field, const nlohmann::json& value,
                                     const std::vector<std::string>& supported) {
  std::string detail;
  for (const std::string& one : supported) {
    detail += (detail.empty() ? "supported values: " : ", ") + base::dump_json(one);
  }
  return {Type::NotSupported, std::move(field), quote(value), std::move(detail)};
}

FieldError FieldError::duplicate(std::string field, const nlohmann::json& value) {
  return {Type::Duplicate, std::move(field), quote(value), ""};
}

FieldError FieldError::forbidden(std::string field, std::string detail) {
  return {Type::Forbidden, std::move(field), "", std::move(detail)};
}

FieldError FieldError::too_long(std::string field, size_t max_length) {
  return {Type::TooLong, std::move(field), "",
          "may not be more than " + std::to_string(max_length) +
              (max_length == 1 ? " byte" : " bytes")};
}

FieldError FieldError::too_many(std::string field, size_t actual, size_t max) {
  return {Type::TooMany, std::move(field), std::to_string(actual),
          "must have at most " + std::to_string(max) + (max == 1 ? " item" : " items")};
}

FieldError FieldError::not_found(std::string field, const nlohmann::json& value) {
  return {Type::NotFound, std::move(field), quote(value), ""};
}

}  // namespace kube::server::machinery
