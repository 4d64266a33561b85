#pragma once

// FieldPath and FieldError: where in an object something is wrong, and what.
//
// A FieldPath is one step that points to its parent, so that descending into an object costs
// nothing until somebody asks for the text: a child must not outlive its parent. Texts are those of
// Kubernetes: `spec.containers[0].name`, `metadata.labels[app]`. Values quoted in a message are
// cut to a bounded length. Threads: plain values.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace kube::server::machinery {

class FieldPath {
 public:
  FieldPath() = default;  // the object itself
  [[nodiscard]] FieldPath child(std::string_view name) const { return {this, Step::Name, name, 0}; }
  [[nodiscard]] FieldPath key(std::string_view key) const { return {this, Step::Key, key, 0}; }
  [[nodiscard]] FieldPath index(size_t index) const { return {this, Step::Index, {}, index}; }
  [[nodiscard]] std::string to_string() const;

 private:
  enum class Step { Root, Name, Key, Index };
  FieldPath(const FieldPath* parent, Step step, std::string_view name, size_t index)
      : parent_(parent), step_(step), name_(name), index_(index) {}

  const FieldPath* parent_ = nullptr;
  Step step_ = Step::Root;
  std::string_view name_;
  size_t index_ = 0;
};

struct FieldError {
  enum class Type {
    Required,
    Invalid,
    NotSupported,
    Duplicate,
    Forbidden,
    TooLong,
    TooMany,
    TypeInvalid,
    NotFound,
    Internal,
  };
  Type type = Type::Invalid;
  std::string field;
  std::string value;  // as it is quoted: `"Sometimes"`, `-1`, `{"a":1}`; empty when not shown
  std::string detail;

  // `Unsupported value: "Sometimes": supported values: "Allow", "Forbid", "Replace"`.
  [[nodiscard]] std::string body() const;
  // The field, ": ", the body.
  [[nodiscard]] std::string message() const;
  // "FieldValueNotSupported": the reason of a Status cause.
  [[nodiscard]] const char* reason() const;

  static FieldError required(std::string field, std::string detail = "");
  static FieldError invalid(std::string field, const nlohmann::json& value, std::string detail);
  // For a value that would be too long or secret to quote.
  static FieldError invalid_omitted(std::string field, std::string detail);
  static FieldError type_invalid(std::string field, const nlohmann::json& value,
                                 std::string detail);
  static FieldError not_supported(std::string field, const nlohmann::json& value,
                                  const std::vector<std::string>& supported);
  static FieldError duplicate(std::string field, const nlohmann::json& value);
  static FieldError forbidden(std::string field, std::string detail);
  static FieldError too_long(std::string field, size_t max_length);
  static FieldError too_many(std::string field, size_t actual, size_t max);
  static FieldError not_found(std::string field, const nlohmann::json& value);
};

}  // namespace kube::server::machinery
