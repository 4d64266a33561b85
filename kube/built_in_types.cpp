#include "kube/built_in_types.h"

#include <charconv>
#include <functional>
#include <map>

#include "kube/built_in_table.h"

namespace kube {
namespace {

using Types = std::map<std::string, BuiltInType, std::less<>>;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

void read_flag(std::string_view flag, BuiltInField& field) {
  const size_t equals = flag.find('=');
  const std::string_view name = flag.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : flag.substr(equals + 1);
  if (name == "map") {
    field.list_type = BuiltInField::ListType::Map;
    field.list_keys = split(value, ',');
  } else if (name == "set") {
    field.list_type = BuiltInField::ListType::Set;
  } else if (name == "atomic") {
    field.atomic_map = true;
  } else if (name == "merge") {
    field.merges = true;
    field.merge_key = value;
  } else if (name == "retain") {
    field.retains = true;
  } else if (name == "required") {
    field.required = true;
  } else if (name == "optional") {
    field.optional_scalar = true;
  } else if (name == "enum") {
    field.enumeration = split(value, ',');
  } else if (name == "default") {
    field.default_value = value;
  }
}

// `  ports 6 []ContainerPort map=containerPort,protocol merge=containerPort`.
BuiltInField read_field(std::string_view line) {
  const std::vector<std::string> words = split(line.substr(2), ' ');
  BuiltInField field;
  field.name = words[0];
  field.inlined = field.name == "~";
  std::from_chars(words[1].data(), words[1].data() + words[1].size(), field.number);
  std::string_view type = words[2];
  if (type.substr(0, 2) == "[]") field.shape = BuiltInField::Shape::List;
  if (type.substr(0, 2) == "{}") field.shape = BuiltInField::Shape::Map;
  if (field.shape != BuiltInField::Shape::One) type.remove_prefix(2);
  field.type = type;
  for (size_t i = 3; i < words.size(); ++i)
    read_flag(words[i], field);
  return field;
}

Types read_table() {
  Types types;
  BuiltInType* current = nullptr;
  std::string_view rest = built_in_table();
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.empty()) continue;
    if (line.front() == ' ') {
      current->fields.push_back(read_field(line));
      continue;
    }
    const std::vector<std::string> words = split(line, ' ');
    current = &types[words[1]];
    current->name = words[1];
    current->atomic = words.size() > 2;
  }
  return types;
}

}  // namespace

const BuiltInType* find_built_in_type(std::string_view name) {
  static const Types types = read_table();
  const auto at = types.find(name);
  return at == types.end() ? nullptr : &at->second;
}

}  // namespace kube
