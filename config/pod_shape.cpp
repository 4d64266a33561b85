#include "config/pod_shape.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/built_in_types.h"

namespace config {
namespace {

using kube::BuiltInField;
using kube::BuiltInType;
using nlohmann::json;

// "" is an object, "[]" a list of them.
struct Part {
  std::string_view name;
  std::string_view shape;
  std::string_view type;
};
constexpr std::array kOfSpec = {Part{"volumes", "[]", "Volume"}};
constexpr std::array kOfRole = {
    Part{"affinity", "", "Affinity"},
    Part{"dnsConfig", "", "PodDNSConfig"},
    Part{"env", "[]", "EnvVar"},
    Part{"envFrom", "[]", "EnvFromSource"},
    Part{"hostAliases", "[]", "HostAlias"},
    Part{"initContainers", "[]", "Container"},
    Part{"lifecycle", "", "Lifecycle"},
    Part{"podSecurityContext", "", "PodSecurityContext"},
    Part{"securityContext", "", "SecurityContext"},
    Part{"sidecars", "[]", "Container"},
    Part{"tolerations", "[]", "Toleration"},
    Part{"volumeMounts", "[]", "VolumeMount"},
};
constexpr std::array kOfTemplate = {Part{"metadata", "", "ObjectMeta"},
                                    Part{"spec", "", "PodSpec"}};
constexpr size_t kFewFields = 8;

// As people mix names up: `configmap`, `config-map`, `config_map`.
std::string folded(std::string_view name) {
  std::string text;
  for (const char c : name)
    if (c != '-' && c != '_')
      text.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return text;
}

// With what is inlined.
std::vector<const BuiltInField*> fields_of(const BuiltInType& type) {
  std::vector<const BuiltInField*> fields;
  for (const BuiltInField& field : type.fields) {
    const BuiltInType* part = field.inlined ? kube::find_built_in_type(field.type) : nullptr;
    if (part == nullptr) {
      fields.push_back(&field);
      continue;
    }
    for (const BuiltInField* one : fields_of(*part))
      fields.push_back(one);
  }
  return fields;
}

std::string unknown(std::string_view name, const BuiltInType& type,
                    const std::vector<const BuiltInField*>& fields) {
  for (const BuiltInField* field : fields)
    if (folded(field->name) == folded(name)) return "is unknown: did you mean " + field->name + "?";
  std::string text = "is unknown: " + type.name + " has ";
  if (fields.size() > kFewFields) return text + "no such field";
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) text += i + 1 == fields.size() ? " and " : ", ";
    text += fields[i]->name;
  }
  return text;
}

const BuiltInField* field_named(const std::vector<const BuiltInField*>& fields,
                                std::string_view name) {
  const auto at = std::find_if(fields.begin(), fields.end(),
                               [&](const BuiltInField* one) { return one->name == name; });
  return at == fields.end() ? nullptr : *at;
}

// A field of a container's security context that a pod's has not.
bool is_of_container_security(std::string_view name) {
  const BuiltInType* of_pod = kube::find_built_in_type("PodSecurityContext");
  const BuiltInType* of_container = kube::find_built_in_type("SecurityContext");
  if (of_pod == nullptr || of_container == nullptr) return false;
  return field_named(fields_of(*of_container), name) != nullptr &&
         field_named(fields_of(*of_pod), name) == nullptr;
}

// What a scalar must be; "" when `value` is that.
std::string scalar_problem(const json& value, std::string_view type) {
  if (type == "json") return {};
  if (type == "bool") return value.is_boolean() ? "" : "must be true or false";
  if (type == "int32" || type == "int64")
    return value.is_number_integer() ? "" : "must be an integer";
  if (type == "intorstring")
    return value.is_number_integer() || value.is_string() ? "" : "must be an integer or a string";
  if (type == "quantity")
    return value.is_number() || value.is_string() ? "" : "must be an amount such as 500m or 1Gi";
  if (value.is_string()) return {};
  if (value.is_number()) return "must be a string, not a number: put it in quotes";
  if (value.is_boolean()) return "must be a string, not a truth value: put it in quotes";
  return "must be a string";
}

class Shape {
 public:
  // Null is what was left out, as in a pod.
  void object(const json& value, const BuiltInType& type, const std::string& path) {
    if (value.is_null()) return;
    if (!value.is_object()) return complain(path, "must be an object");
    const std::vector<const BuiltInField*> fields = fields_of(type);
    for (const auto& [name, member] : value.items()) {
      const std::string at = path + "." + name;
      if (const BuiltInField* known = field_named(fields, name)) {
        field(member, *known, at);
      } else if (type.name != "PodSecurityContext" || !is_of_container_security(name)) {
        complain(at, is_full() ? "" : unknown(name, type, fields));
      } else if (place_ == Place::Fields) {
        complain(at, "is unknown: it is a container's, and belongs into securityContext");
      }
    }
  }

  void part(const json& owner, const Part& part, const std::string& path) {
    const json* value = base::find(owner, {part.name});
    if (value == nullptr) return;
    BuiltInField as_field;
    as_field.type = part.type;
    if (part.shape == "[]") as_field.shape = BuiltInField::Shape::List;
    field(*value, as_field, path + "." + std::string(part.name));
  }

  void template_of(const json& role, const std::string& path) {
    const json* value = base::find(role, {"template"});
    if (value == nullptr || value->is_null()) return;
    const std::string where = path + ".template";
    if (!value->is_object()) return complain(where, "must be an object");
    place_ = Place::Template;
    for (const Part& one : kOfTemplate)
      part(*value, one, where);
    place_ = Place::Fields;
    // Spark's template files are whole Pods, as `kubectl create --dry-run -o yaml` prints them.
    constexpr std::array<std::string_view, 5> kOfPod = {"metadata", "spec", "apiVersion", "kind",
                                                        "status"};
    for (const auto& [name, member] : value->items())
      if (std::find(kOfPod.begin(), kOfPod.end(), name) == kOfPod.end())
        complain(where + "." + name, "is unknown: a pod template has metadata and spec");
  }

  [[nodiscard]] base::Status result() const {
    if (count_ == 0) return {};
    std::string text = text_;
    if (count_ > kMostShapeProblems)
      text += "; and " + std::to_string(count_ - kMostShapeProblems) + " more";
    return base::failure(base::Code::InvalidArgument, text);
  }

 private:
  // What is not told any more need not be thought of.
  bool is_full() const { return count_ >= kMostShapeProblems; }

  void complain(const std::string& path, const std::string& what) {
    const bool full = is_full();
    ++count_;
    if (full) return;
    text_ += (text_.empty() ? "" : "; ") + path + " " + what;
  }

  void one(const json& value, const BuiltInField& field, const std::string& path) {
    if (const BuiltInType* type = kube::find_built_in_type(field.type)) {
      object(value, *type, path);
    } else if (const std::string wrong = scalar_problem(value, field.type); !wrong.empty()) {
      complain(path, wrong);
    }
  }

  void field(const json& value, const BuiltInField& field, const std::string& path) {
    if (value.is_null()) return;
    switch (field.shape) {
      case BuiltInField::Shape::One:
        return one(value, field, path);
      case BuiltInField::Shape::List:
        if (!value.is_array()) return complain(path, "must be a list");
        for (size_t i = 0; i < value.size(); ++i)
          one(value[i], field, path + "[" + std::to_string(i) + "]");
        return;
      case BuiltInField::Shape::Map:
        if (!value.is_object()) return complain(path, "must be an object");
        for (const auto& [key, member] : value.items())
          if (!member.is_null()) one(member, field, path + "." + key);
        return;
    }
  }

  enum class Place { Fields, Template };

  Place place_ = Place::Fields;
  std::string text_;
  size_t count_ = 0;
};

}  // namespace

base::Status check_pod_shape(const json& application) {
  Shape shape;
  const json* spec = base::find(application, {"spec"});
  if (spec == nullptr || !spec->is_object()) return {};
  for (const Part& part : kOfSpec)
    shape.part(*spec, part, "spec");
  for (const char* name : {"driver", "executor"}) {
    const json* role = base::find(*spec, {name});
    if (role == nullptr || !role->is_object()) continue;
    const std::string path = std::string("spec.") + name;
    for (const Part& part : kOfRole)
      shape.part(*role, part, path);
    shape.template_of(*role, path);
  }
  return shape.result();
}

std::vector<std::string> take_out_of_pod_security(json& pod_spec) {
  std::vector<std::string> names;
  const auto at = pod_spec.is_object() ? pod_spec.find("securityContext") : pod_spec.end();
  if (at == pod_spec.end() || !at->is_object()) return names;
  for (const auto& [name, value] : at->items())
    if (is_of_container_security(name)) names.push_back(name);
  for (const std::string& name : names)
    at->erase(name);
  return names;
}

}  // namespace config
