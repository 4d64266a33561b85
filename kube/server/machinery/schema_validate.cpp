#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/json.h"
#include "base/quantity.h"
#include "kube/server/machinery/schema_node.h"
#include "kube/server/machinery/string_format.h"
#include "kube/server/machinery/structural_schema.h"

namespace kube::server::machinery {
namespace {

using Type = SchemaNode::Type;

// `integer` for 1.0 as well: JSON does not know the difference.
std::string type_name(const Json& value) {
  switch (value.type()) {
    case Json::value_t::object:
      return "object";
    case Json::value_t::array:
      return "array";
    case Json::value_t::string:
      return "string";
    case Json::value_t::boolean:
      return "boolean";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return "integer";
    case Json::value_t::number_float:
      return "number";
    default:
      return "null";
  }
}

bool is_integral(const Json& value) {
  if (value.is_number_integer()) return true;
  if (!value.is_number_float()) return false;
  const double number = value.get<double>();
  return std::isfinite(number) && std::floor(number) == number && std::abs(number) < 9.3e18;
}

bool has_type(const Json& value, const SchemaNode& node) {
  if (node.int_or_string) return is_integral(value) || value.is_string();
  switch (node.type) {
    case Type::Any:
      return true;
    case Type::Object:
      return value.is_object();
    case Type::Array:
      return value.is_array();
    case Type::String:
      return value.is_string();
    case Type::Integer:
      return is_integral(value);
    case Type::Number:
      return value.is_number();
    case Type::Boolean:
      return value.is_boolean();
  }
  return false;
}

std::string number_text(double number) {
  if (std::floor(number) == number && std::abs(number) < 1e15) {
    return std::to_string(static_cast<int64_t>(number));
  }
  return base::dump_json(number);
}

// Unicode characters, as maxLength counts them.
size_t length_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

class Validator {
 public:
  Validator(const Json& value, const Json* live, const SchemaNode& node, const FieldPath& path,
            std::vector<FieldError>& errors)
      : value_(value), live_(live), node_(node), path_(path), errors_(errors) {}

  void run() {
    if (errors_.size() >= StructuralSchema::kMaxErrors) return;
    if (live_ != nullptr && *live_ == value_) return;
    if (value_.is_null() && node_.nullable) return;
    if (node_.is_quantity) return check_quantity();
    if (!has_type(value_, node_)) return wrong_type();
    check_enumeration();
    if (value_.is_string()) check_string();
    if (value_.is_number()) check_number();
    if (value_.is_array()) check_array();
    if (value_.is_object()) check_object();
    check_junctors();
  }

 private:
  void invalid(const std::string& what) {
    errors_.push_back(FieldError::invalid(path_.to_string(), value_, in_body() + what));
  }

  std::string in_body() const {
    const std::string path = path_.to_string();
    return (path.empty() ? "" : path + " ") + "in body ";
  }

  void wrong_type() {
    const std::string wanted = node_.int_or_string ? "integer,string" : node_.type_name;
    const std::string actual = type_name(value_);
    errors_.push_back(
        FieldError::type_invalid(path_.to_string(), actual,
                                 in_body() + "must be of type " + wanted + ": \"" + actual + "\""));
  }

  void check_quantity() {
    if (base::Quantity::of(value_)) return;
    errors_.push_back(FieldError::type_invalid(path_.to_string(), value_, base::kQuantityText));
  }

  void check_enumeration() {
    const auto& values = node_.enumeration;
    if (values.empty() || std::find(values.begin(), values.end(), value_) != values.end()) return;
    std::vector<std::string> supported;
    for (const Json& one : values) {
      supported.push_back(one.is_string() ? one.get<std::string>() : base::dump_json(one));
    }
    errors_.push_back(FieldError::not_supported(path_.to_string(), value_, supported));
  }

  void check_string() {
    const auto& text = value_.get_ref<const std::string&>();
    const size_t length = length_of(text);
    if (node_.max_length && length > *node_.max_length) {
      errors_.push_back(FieldError::too_long(path_.to_string(), *node_.max_length));
      return;  // of a text only the first complaint is told, as by kube-apiserver
    }
    if (node_.min_length && length < *node_.min_length) {
      invalid("should be at least " + std::to_string(*node_.min_length) + " chars long");
      return;
    }
    if (node_.pattern != nullptr && !re2::RE2::PartialMatch(text, *node_.pattern)) {
      invalid("should match '" + node_.pattern->pattern() + "'");
      return;
    }
    if (!node_.format.empty() && !matches_format(node_.format, text)) {
      errors_.push_back(FieldError::type_invalid(
          path_.to_string(), value_,
          in_body() + "must be of type " + node_.format + ": " + base::dump_json(value_)));
    }
  }

  void check_number() {
    const double number = value_.get<double>();
    if (node_.minimum &&
        (number < *node_.minimum || (node_.exclusive_minimum && number <= *node_.minimum))) {
      invalid(std::string("should be greater than ") +
              (node_.exclusive_minimum ? "" : "or equal to ") + number_text(*node_.minimum));
    }
    if (node_.maximum &&
        (number > *node_.maximum || (node_.exclusive_maximum && number >= *node_.maximum))) {
      invalid(std::string("should be less than ") +
              (node_.exclusive_maximum ? "" : "or equal to ") + number_text(*node_.maximum));
    }
    if (node_.multiple_of && *node_.multiple_of > 0) {
      const double quotient = number / *node_.multiple_of;
      if (std::floor(quotient) != quotient) {
        invalid("should be a multiple of " + number_text(*node_.multiple_of));
      }
    }
    const bool fits =
        node_.format == "int32"
            ? number >= std::numeric_limits<int32_t>::min() &&
                  number <= std::numeric_limits<int32_t>::max()
            : node_.format != "int64" || !value_.is_number_unsigned() ||
                  value_.get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()};
    if (!fits) {
      errors_.push_back(FieldError::invalid(path_.to_string(), value_,
                                            "Checked value must be of type integer with format " +
                                                node_.format + " in " + path_.to_string()));
    }
  }

  void check_array() {
    const size_t size = value_.size();
    if (node_.max_items && size > *node_.max_items) {
      errors_.push_back(FieldError::too_many(path_.to_string(), size, *node_.max_items));
    }
    if (node_.min_items && size < *node_.min_items) {
      invalid("should have at least " + std::to_string(*node_.min_items) + " items");
    }
    if (node_.items != nullptr) {
      for (size_t i = 0; i < size; ++i) {
        validate_node(value_[i], live_item(value_[i]), *node_.items, path_.index(i), errors_);
      }
    }
    check_unique();
  }

  // What makes an item of a set or map the one that it is.
  Json identity(const Json& item) const {
    if (node_.list_type == SchemaNode::ListType::Set) return item;
    Json key = Json::object();
    for (const std::string& name : node_.list_keys) {
      if (const Json* member = base::find(item, {name})) key[name] = *member;
    }
    return key;
  }

  const Json* live_item(const Json& item) const {
    if (live_ == nullptr || !live_->is_array()) return nullptr;
    if (node_.list_type != SchemaNode::ListType::Map) return nullptr;
    const Json key = identity(item);
    const auto found = std::find_if(live_->begin(), live_->end(),
                                    [&](const Json& other) { return identity(other) == key; });
    return found == live_->end() ? nullptr : &*found;
  }

  const Json* live_member(const std::string& name) const {
    return live_ == nullptr ? nullptr : base::find(*live_, {name});
  }

  void check_unique() {
    if (!node_.unique_items) return;
    std::set<std::string> seen;
    for (size_t i = 0; i < value_.size(); ++i) {
      const Json key = identity(value_[i]);
      if (!seen.insert(base::dump_json(key)).second) {
        errors_.push_back(FieldError::duplicate(path_.index(i).to_string(), key));
      }
    }
  }

  void check_object() {
    const size_t size = value_.size();
    if (node_.max_properties && size > *node_.max_properties) {
      errors_.push_back(FieldError::too_many(path_.to_string(), size, *node_.max_properties));
    }
    if (node_.min_properties && size < *node_.min_properties) {
      invalid("should have at least " + std::to_string(*node_.min_properties) + " properties");
    }
    for (const std::string& name : node_.required) {
      if (!value_.contains(name)) {
        errors_.push_back(FieldError::required(path_.child(name).to_string()));
      }
    }
    for (auto member = value_.begin(); member != value_.end(); ++member) {
      const SchemaNode* known = node_.member(member.key());
      if (known != nullptr) {
        validate_node(member.value(), live_member(member.key()), *known, path_.child(member.key()),
                      errors_);
      }
    }
    if (node_.embedded_resource) check_embedded();
  }

  void check_embedded() {
    for (const char* name : {"apiVersion", "kind"}) {
      if (base::string_at(value_, {name}).empty()) {
        errors_.push_back(FieldError::required(path_.child(name).to_string(), "must not be empty"));
      }
    }
    if (!value_.contains("metadata")) {
      errors_.push_back(FieldError::required(path_.child("metadata").to_string()));
    }
  }

  bool accepts(const SchemaNode& node) const {
    std::vector<FieldError> errors;
    validate_node(value_, live_, node, path_, errors);
    return errors.empty();
  }

  void check_junctors() {
    for (const SchemaNode& part : node_.all_of)
      validate_node(value_, live_, part, path_, errors_);
    const auto holds = [this](const SchemaNode& part) { return accepts(part); };
    if (!node_.any_of.empty() && std::none_of(node_.any_of.begin(), node_.any_of.end(), holds)) {
      refuse_as("must validate at least one schema (anyOf)");
    }
    if (!node_.one_of.empty()) {
      const auto count = std::count_if(node_.one_of.begin(), node_.one_of.end(), holds);
      if (count != 1) {
        refuse_as("must validate one and only one schema (oneOf). " +
                  (count == 0 ? std::string("Found none valid")
                              : "Found " + std::to_string(count) + " valid alternatives"));
      }
    }
    if (node_.negated != nullptr && accepts(*node_.negated)) {
      refuse_as("must not validate the schema (not)");
    }
  }

  void refuse_as(const std::string& what) {
    const std::string path = path_.to_string();
    errors_.push_back(FieldError::invalid(path, value_, "\"" + path + "\" " + what));
  }

  const Json& value_;
  const Json* live_;
  const SchemaNode& node_;
  const FieldPath& path_;
  std::vector<FieldError>& errors_;
};

}  // namespace

void validate_node(const Json& value, const Json* live, const SchemaNode& node,
                   const FieldPath& path, std::vector<FieldError>& errors) {
  Validator(value, live, node, path, errors).run();
}

}  // namespace kube::server::machinery
