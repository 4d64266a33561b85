#pragma once

// Label selectors (`a=b,c!=d,e in (f, g),!h`) and field selectors (`metadata.name=x`), as they
// stand in queries and as objects (matchLabels, matchExpressions). Parsing bounds the number of
// requirements and values; matching is linear. Errors: 400 with the texts of Kubernetes
// ("unable to parse requirement: …", "invalid selector: …"), 413 over a limit.
//
// Threads: immutable values.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/status.h"

namespace kube::server::machinery {

class LabelSelector {
 public:
  enum class Operator { In, NotIn, Exists, DoesNotExist, GreaterThan, LessThan };
  struct Requirement {
    std::string key;
    Operator op = Operator::Exists;
    std::vector<std::string> values;  // sorted
  };

  // "" selects everything.
  static Outcome<LabelSelector> parse(std::string_view text);
  // {matchLabels, matchExpressions}: selects everything when empty.
  static Outcome<LabelSelector> from_json(const Json& selector);

  [[nodiscard]] bool empty() const { return requirements_.empty(); }
  [[nodiscard]] bool matches(const Json& object) const;  // by metadata.labels
  // By labels that were taken out of an object; each key once.
  using Labels = std::vector<std::pair<std::string, std::string>>;
  [[nodiscard]] bool matches(const Labels& labels) const;
  [[nodiscard]] const std::vector<Requirement>& requirements() const { return requirements_; }

 private:
  std::vector<Requirement> requirements_;
};

class FieldSelector {
 public:
  struct Requirement {
    std::string field;
    bool equal = true;  // false: !=
    std::string value;
  };

  static Outcome<FieldSelector> parse(std::string_view text);

  [[nodiscard]] bool empty() const { return requirements_.empty(); }
  // The fields of `supported` and no others may be asked for; 400 `field label not supported: x`.
  enum class Kinds { BuiltIn, Custom };
  [[nodiscard]] Outcome<void> check_supported(const std::vector<std::string>& supported,
                                              Kinds kinds = Kinds::BuiltIn) const;
  // Fields are dotted paths into the object; an absent one is "". Numbers and booleans compare by
  // their text.
  [[nodiscard]] bool matches(const Json& object) const;
  // The value when the selector demands `field = value`: a list by name is a get.
  [[nodiscard]] std::optional<std::string> required_value(std::string_view field) const;
  [[nodiscard]] const std::vector<Requirement>& requirements() const { return requirements_; }

 private:
  std::vector<Requirement> requirements_;
};

// The field selectors that a kind supports, metadata.name and metadata.namespace first.
const std::vector<std::string>& selectable_fields(const ResourceType& type);

}  // namespace kube::server::machinery
