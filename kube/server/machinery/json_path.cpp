#include "kube/server/machinery/json_path.h"

#include <charconv>
#include <optional>

#include <nlohmann/json.hpp>

namespace kube::server::machinery {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxLength = 1000;
constexpr size_t kMaxSteps = 32;
constexpr size_t kMaxResults = 1000;

enum class Comparison { Exists, Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual };

const Json* at_members(const Json& value, const std::vector<std::string>& names) {
  const Json* at = &value;
  for (const std::string& name : names) {
    if (!at->is_object()) return nullptr;
    const auto member = at->find(name);
    if (member == at->end()) return nullptr;
    at = &*member;
  }
  return at;
}

}  // namespace

struct JsonPath::Step {
  enum class Kind { Member, Index, All, Filter };
  Kind kind = Kind::Member;
  std::string name;
  int64_t index = 0;
  // Of a filter: @.a.b <comparison> operand
  std::vector<std::string> members;
  Comparison comparison = Comparison::Exists;
  Json operand;

  [[nodiscard]] bool accepts(const Json& item) const {
    const Json* value = at_members(item, members);
    if (value == nullptr) return false;
    if (comparison == Comparison::Exists) return true;
    if (comparison == Comparison::Equal) return *value == operand;
    if (comparison == Comparison::NotEqual) return *value != operand;
    const bool alike =
        (value->is_number() && operand.is_number()) || (value->is_string() && operand.is_string());
    if (!alike) return false;
    if (comparison == Comparison::Less) return *value < operand;
    if (comparison == Comparison::LessOrEqual) return *value <= operand;
    if (comparison == Comparison::Greater) return *value > operand;
    return *value >= operand;
  }

  void take(const Json& value, std::vector<const Json*>& out) const {
    const auto add = [&](const Json& one) {
      if (out.size() < kMaxResults) out.push_back(&one);
    };
    if (kind == Kind::Member) {
      if (!value.is_object()) return;
      if (const auto member = value.find(name); member != value.end()) add(*member);
    } else if (kind == Kind::Index) {
      if (!value.is_array()) return;
      const auto size = static_cast<int64_t>(value.size());
      const int64_t position = index < 0 ? size + index : index;
      if (position >= 0 && position < size) add(value[static_cast<size_t>(position)]);
    } else if (value.is_structured()) {
      for (const Json& item : value) {
        if (kind == Kind::All || accepts(item)) add(item);
      }
    }
  }
};

namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  [[nodiscard]] bool done() const { return text_.empty(); }
  [[nodiscard]] char peek() const { return text_.empty() ? '\0' : text_.front(); }
  bool skip(std::string_view prefix) {
    if (text_.substr(0, prefix.size()) != prefix) return false;
    text_.remove_prefix(prefix.size());
    return true;
  }
  void skip_space() {
    while (peek() == ' ')
      text_.remove_prefix(1);
  }
  // Up to one of `stops`, which stays. A backslash takes the next character as it is.
  std::string word(std::string_view stops) {
    std::string result;
    while (!text_.empty() && stops.find(text_.front()) == std::string_view::npos) {
      if (text_.front() == '\\' && text_.size() > 1) text_.remove_prefix(1);
      result += text_.front();
      text_.remove_prefix(1);
    }
    return result;
  }
  // 'text' or "text".
  std::optional<std::string> quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return std::nullopt;
    text_.remove_prefix(1);
    std::string result = word({&quote, 1});
    if (!skip({&quote, 1})) return std::nullopt;
    return result;
  }

 private:
  std::string_view text_;
};

std::optional<Comparison> read_comparison(Reader& reader) {
  if (reader.skip("==")) return Comparison::Equal;
  if (reader.skip("!=")) return Comparison::NotEqual;
  if (reader.skip("<=")) return Comparison::LessOrEqual;
  if (reader.skip(">=")) return Comparison::GreaterOrEqual;
  if (reader.skip("<")) return Comparison::Less;
  if (reader.skip(">")) return Comparison::Greater;
  return std::nullopt;
}

}  // namespace

tl::expected<JsonPath, std::string> JsonPath::parse(std::string_view text) {
  const std::string all(text.substr(0, kMaxLength));
  const auto fail = [&](const std::string& why) {
    return tl::unexpected("cannot read the JSON path " + all + ": " + why);
  };
  if (text.size() > kMaxLength) return fail("it is too long");
  // {.spec.x} is how the command line writes the same thing.
  if (text.size() > 1 && text.front() == '{' && text.back() == '}') {
    text = text.substr(1, text.size() - 2);
  }
  Reader reader(text);
  JsonPath path;
  const auto add = [&](Step step) {
    path.steps_.push_back(std::make_shared<const Step>(std::move(step)));
  };
  while (!reader.done()) {
    if (path.steps_.size() >= kMaxSteps) return fail("it has too many steps");
    Step step;
    if (reader.skip(".")) {
      if (reader.done() && path.steps_.empty()) return path;
      if (reader.peek() == '[') continue;
      step.name = reader.word(".[ ");
      if (step.name.empty()) return fail("a name is missing after '.'");
      if (step.name == "*") step.kind = Step::Kind::All;
      add(std::move(step));
    } else if (reader.skip("[?(@")) {
      step.kind = Step::Kind::Filter;
      while (reader.skip("."))
        step.members.push_back(reader.word(".=!<> )"));
      reader.skip_space();
      if (const auto comparison = read_comparison(reader)) {
        step.comparison = *comparison;
        reader.skip_space();
        if (auto operand = reader.quoted()) {
          step.operand = *operand;
        } else {
          step.operand = Json::parse(reader.word(") "), nullptr, false);
          if (!step.operand.is_primitive() || step.operand.is_discarded()) {
            return fail("a filter compares with a string, a number, true or false");
          }
        }
      }
      reader.skip_space();
      if (!reader.skip(")]")) return fail("a filter must end with ')]'");
      add(std::move(step));
    } else if (reader.skip("[")) {
      if (auto name = reader.quoted()) {
        step.name = *name;
      } else {
        const std::string word = reader.word("]");
        step.kind = word == "*" ? Step::Kind::All : Step::Kind::Index;
        const auto [end, problem] =
            std::from_chars(word.data(), word.data() + word.size(), step.index);
        if (word != "*" && (problem != std::errc() || end != word.data() + word.size())) {
          return fail("'" + word + "' is not an index");
        }
      }
      if (!reader.skip("]")) return fail("']' is missing");
      add(std::move(step));
    } else if (path.steps_.empty()) {
      return fail("it must start with '.'");
    } else {
      return fail("'.' or '[' expected");
    }
  }
  return path;
}

std::vector<const Json*> JsonPath::find(const Json& object) const {
  std::vector<const Json*> values = {&object};
  for (const auto& step : steps_) {
    std::vector<const Json*> next;
    for (const Json* value : values)
      step->take(*value, next);
    values = std::move(next);
  }
  return values;
}

}  // namespace kube::server::machinery
