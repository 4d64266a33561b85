#include "kube/server/machinery/selector.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/machinery/name_syntax.h"
#include "kube/server/machinery/selector_lexer.h"

namespace kube::server::machinery {
namespace {

using Kind = SelectorLexer::Kind;
using Operator = LabelSelector::Operator;
using Requirement = LabelSelector::Requirement;
using Where = SelectorLexer::Where;

constexpr size_t kMaxSelectorBytes = size_t{64} << 10;
constexpr size_t kMaxRequirements = 1000;

// Before what is wrong inside of one requirement.
const std::string kUnreadable = "unable to parse requirement: ";

template <class T>
using Parsed = tl::expected<T, std::string>;

std::string found(const std::string& text, const std::string& expected) {
  return "found '" + text + "', expected: " + expected;
}

std::optional<int64_t> to_integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string together(const std::vector<std::string>& problems) {
  std::string text;
  for (const std::string& problem : problems)
    text += (text.empty() ? "" : "; ") + problem;
  return text;
}

// What is wrong with a requirement, in the words of Kubernetes; empty when it is fine.
std::string problem_of(const Requirement& requirement) {
  if (const auto problems = check_qualified_name(requirement.key); !problems.empty()) {
    return FieldError::invalid("key", requirement.key, together(problems)).message();
  }
  const bool by_set = requirement.op == Operator::In || requirement.op == Operator::NotIn;
  if (by_set && requirement.values.empty()) {
    return FieldError::invalid("values", Json::array(),
                               "for 'in', 'notin' operators, values set can't be empty")
        .message();
  }
  const bool by_order =
      requirement.op == Operator::GreaterThan || requirement.op == Operator::LessThan;
  for (size_t i = 0; i < requirement.values.size(); ++i) {
    const std::string at = "values[" + std::to_string(i) + "]";
    if (by_order && !to_integer(requirement.values[i])) {
      return FieldError::invalid(at, requirement.values[i],
                                 "for 'Gt', 'Lt' operators, the value must be an integer")
          .message();
    }
    if (const auto problems = check_label_value(requirement.values[i]); !problems.empty()) {
      return FieldError::invalid(at + "[" + requirement.key + "]", requirement.values[i],
                                 together(problems))
          .message();
    }
  }
  return "";
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Parsed<std::vector<Requirement>> parse() {
    std::vector<Requirement> requirements;
    while (true) {
      const auto first = lexer_.peek(Where::Value);
      if (first.kind == Kind::End) return requirements;
      if (first.kind != Kind::Identifier && first.kind != Kind::Not) {
        return tl::unexpected(found(first.text, "!, identifier, or 'end of string'"));
      }
      auto requirement = parse_requirement();
      if (!requirement) return tl::unexpected(kUnreadable + requirement.error());
      if (std::string problem = problem_of(*requirement); !problem.empty()) {
        return tl::unexpected(kUnreadable + problem);
      }
      requirements.push_back(std::move(*requirement));
      if (requirements.size() > kMaxRequirements) {
        return tl::unexpected("more than " + std::to_string(kMaxRequirements) + " requirements");
      }
      const auto separator = lexer_.take(Where::Value);
      if (separator.kind == Kind::End) return requirements;
      if (separator.kind != Kind::Comma) {
        return tl::unexpected(found(separator.text, "',' or 'end of string'"));
      }
      const auto next = lexer_.peek(Where::Value);
      if (next.kind != Kind::Identifier && next.kind != Kind::Not) {
        return tl::unexpected(found(next.text, "identifier after ','"));
      }
    }
  }

 private:
  Parsed<Requirement> parse_requirement() {
    Requirement requirement;
    auto key = lexer_.take(Where::Value);
    if (key.kind == Kind::Not) {
      requirement.op = Operator::DoesNotExist;
      key = lexer_.take(Where::Value);
    }
    if (key.kind != Kind::Identifier) return tl::unexpected(found(key.text, "identifier"));
    requirement.key = key.text;
    if (requirement.op == Operator::DoesNotExist) return requirement;
    const auto next = lexer_.peek(Where::Operator);
    if (next.kind == Kind::End || next.kind == Kind::Comma) return requirement;
    return parse_comparison(std::move(requirement));
  }

  Parsed<Requirement> parse_comparison(Requirement requirement) {
    const auto op = lexer_.take(Where::Operator);
    switch (op.kind) {
      case Kind::In:
      case Kind::NotIn:
        requirement.op = op.kind == Kind::In ? Operator::In : Operator::NotIn;
        return parse_set(std::move(requirement));
      case Kind::Equals:
      case Kind::DoubleEquals:
        requirement.op = Operator::In;
        break;
      case Kind::NotEquals:
        requirement.op = Operator::NotIn;
        break;
      case Kind::GreaterThan:
        requirement.op = Operator::GreaterThan;
        break;
      case Kind::LessThan:
        requirement.op = Operator::LessThan;
        break;
      default:
        return tl::unexpected(found(op.text, "in, notin, =, ==, !=, gt, lt"));
    }
    const auto next = lexer_.peek(Where::Value);
    if (next.kind == Kind::End || next.kind == Kind::Comma) {
      requirement.values = {""};
      return requirement;
    }
    const auto value = lexer_.take(Where::Value);
    if (value.kind != Kind::Identifier) return tl::unexpected(found(value.text, "identifier"));
    requirement.values = {value.text};
    return requirement;
  }

  Parsed<Requirement> parse_set(Requirement requirement) {
    const auto open = lexer_.take(Where::Value);
    if (open.kind != Kind::Open) return tl::unexpected("found '" + open.text + "' expected: '('");
    bool wants_value = true;  // an empty one counts where a value may stand: (a,,b) and (a,)
    while (true) {
      const auto token = lexer_.take(Where::Value);
      if (token.kind == Kind::Identifier && wants_value) {
        requirement.values.push_back(token.text);
        wants_value = false;
      } else if (token.kind == Kind::Comma) {
        if (wants_value) requirement.values.emplace_back();
        wants_value = true;
      } else if (token.kind == Kind::Close) {
        if (wants_value && !requirement.values.empty()) requirement.values.emplace_back();
        break;
      } else {
        return tl::unexpected(
            found(token.text, wants_value ? "',', ')' or identifier" : "',' or ')'"));
      }
    }
    auto& values = requirement.values;
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return requirement;
  }

  SelectorLexer lexer_;
};

bool holds(const Requirement& requirement, const std::string* label) {
  const auto among = [&] {
    return label != nullptr &&
           std::binary_search(requirement.values.begin(), requirement.values.end(), *label);
  };
  switch (requirement.op) {
    case Operator::Exists:
      return label != nullptr;
    case Operator::DoesNotExist:
      return label == nullptr;
    case Operator::In:
      return among();
    case Operator::NotIn:
      return !among();
    case Operator::GreaterThan:
    case Operator::LessThan: {
      if (label == nullptr) return false;
      const auto left = to_integer(*label);
      const auto right = to_integer(requirement.values.front());
      if (!left || !right) return false;
      return requirement.op == Operator::GreaterThan ? *left > *right : *left < *right;
    }
  }
  return false;
}

const std::string* label_of(const Json* labels, const std::string& key) {
  if (labels == nullptr || !labels->is_object()) return nullptr;
  const auto at = labels->find(key);
  return at != labels->end() && at->is_string() ? at->get_ptr<const std::string*>() : nullptr;
}

Outcome<Requirement> requirement_from(const Json& expression) {
  Requirement requirement;
  requirement.key = base::string_at(expression, {"key"});
  const std::string op = base::string_at(expression, {"operator"});
  if (op == "In") {
    requirement.op = Operator::In;
  } else if (op == "NotIn") {
    requirement.op = Operator::NotIn;
  } else if (op == "Exists") {
    requirement.op = Operator::Exists;
  } else if (op == "DoesNotExist") {
    requirement.op = Operator::DoesNotExist;
  } else {
    return refuse(bad_request(base::dump_json(op) + " is not a valid label selector operator"));
  }
  if (const Json* values = base::find(expression, {"values"});
      values != nullptr && values->is_array()) {
    for (const Json& value : *values) {
      if (!value.is_string()) return refuse(bad_request("label selector values must be strings"));
      requirement.values.push_back(value.get<std::string>());
    }
  }
  auto& values = requirement.values;
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  if (std::string problem = problem_of(requirement); !problem.empty()) {
    return refuse(bad_request(problem));
  }
  return requirement;
}

}  // namespace

Outcome<LabelSelector> LabelSelector::parse(std::string_view text) {
  if (text.size() > kMaxSelectorBytes) return refuse(too_large("the label selector"));
  auto requirements = Parser(text).parse();
  if (!requirements) {
    return refuse(bad_request(requirements.error()));
  }
  LabelSelector selector;
  selector.requirements_ = std::move(*requirements);
  return selector;
}

Outcome<LabelSelector> LabelSelector::from_json(const Json& selector) {
  LabelSelector result;
  if (const Json* labels = base::find(selector, {"matchLabels"});
      labels != nullptr && labels->is_object()) {
    for (const auto& [key, value] : labels->items()) {
      if (!value.is_string()) return refuse(bad_request("matchLabels values must be strings"));
      Requirement requirement{key, Operator::In, {value.get<std::string>()}};
      if (std::string problem = problem_of(requirement); !problem.empty()) {
        return refuse(bad_request(problem));
      }
      result.requirements_.push_back(std::move(requirement));
    }
  }
  if (const Json* expressions = base::find(selector, {"matchExpressions"});
      expressions != nullptr && expressions->is_array()) {
    for (const Json& expression : *expressions) {
      auto requirement = requirement_from(expression);
      if (!requirement) return refuse(requirement.error());
      result.requirements_.push_back(std::move(*requirement));
    }
  }
  return result;
}

bool LabelSelector::matches(const Json& object) const {
  const Json* labels = base::find(object, {"metadata", "labels"});
  return std::all_of(requirements_.begin(), requirements_.end(),
                     [&](const Requirement& one) { return holds(one, label_of(labels, one.key)); });
}

bool LabelSelector::matches(const Labels& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& one) {
    const auto label = std::find_if(labels.begin(), labels.end(), [&](const auto& label_at) {
      return label_at.first == one.key;
    });
    return holds(one, label == labels.end() ? nullptr : &label->second);
  });
}

}  // namespace kube::server::machinery
