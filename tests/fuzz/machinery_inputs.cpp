#include "tests/fuzz/machinery_inputs.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "kube/server/machinery/built_in_schema.h"
#include "kube/server/machinery/decode.h"
#include "kube/server/machinery/managed_fields.h"
#include "kube/server/machinery/patch.h"
#include "kube/server/machinery/protobuf.h"
#include "kube/server/machinery/selector.h"
#include "kube/server/machinery/strategic_merge.h"
#include "kube/server/machinery/structural_schema.h"
#include "kube/server/machinery/table.h"

namespace tests::fuzz {
namespace {

namespace machinery = kube::server::machinery;
using machinery::Json;

constexpr base::JsonLimits kSmall{.bytes = size_t{1} << 16, .depth = 32};

// The elements of an input that is a JSON array of at least `count`; empty otherwise.
std::vector<Json> elements(std::string_view input, size_t count) {
  const auto decoded = machinery::decode_json(input, kSmall);
  if (!decoded || !decoded->value.is_array() || decoded->value.size() < count) return {};
  return decoded->value.get<std::vector<Json>>();
}

void run_selector(std::string_view input) {
  const Json object = {{"metadata", {{"name", "a"}, {"labels", {{"a", "b"}, {"n", "1"}}}}}};
  if (const auto labels = machinery::LabelSelector::parse(input)) {
    static_cast<void>(labels->matches(object));
  }
  if (const auto fields = machinery::FieldSelector::parse(input)) {
    static_cast<void>(fields->matches(object));
  }
}

void run_schema(std::string_view input) {
  const auto parts = elements(input, 2);
  if (parts.empty()) return;
  const auto compiled = machinery::StructuralSchema::compile(parts[0], {});
  if (!compiled) return;
  Json object = parts[1];
  (*compiled)->prune(object);
  Json again = object;
  CHECK((*compiled)->prune(again).empty());
  CHECK(again == object);
  constexpr size_t kRoom = size_t{1} << 20;
  if (!(*compiled)->apply_defaults(object, kRoom)) return;
  again = object;
  CHECK((*compiled)->apply_defaults(again, kRoom));
  CHECK(again == object);
  CHECK((*compiled)->prune(again).empty());
  static_cast<void>((*compiled)->validate(object));
}

void run_patch(std::string_view input) {
  const auto parts = elements(input, 2);
  if (parts.empty()) return;
  const machinery::PatchLimits limits{.operations = 50, .added_bytes = 100'000, .depth = 40};
  if (const auto merged = machinery::merge_patch(parts[0], parts[1], limits)) {
    CHECK(machinery::merge_patch(*merged, parts[1], limits) == *merged);
  }
  static_cast<void>(machinery::json_patch(parts[0], parts[1], limits));
  const auto* type = machinery::built_in_field_type(kube::pods());
  CHECK(type != nullptr);
  static_cast<void>(machinery::strategic_merge_patch(parts[0], parts[1], *type, limits));
}

void run_apply(std::string_view input) {
  const auto* type = machinery::built_in_field_type(kube::pods());
  CHECK(type != nullptr);
  Json live;
  for (const Json& step : elements(input, 1)) {
    const Json* object = base::find(step, {"object"});
    if (object == nullptr || !object->is_object()) continue;
    const machinery::ManagerInfo manager{.manager = base::string_at(step, {"manager"}),
                                         .api_version = "v1",
                                         .subresource = "",
                                         .time = "2026-01-01T00:00:00Z",
                                         .scope = machinery::WriteScope::Whole};
    if (base::bool_at(step, {"update"}).value_or(false)) {
      live = machinery::track_update(live, *object, manager, *type);
      continue;
    }
    const machinery::ApplyRequest request{.manager = manager,
                                          .force = base::bool_at(step, {"force"}).value_or(false)};
    auto applied = machinery::apply(live, *object, request, *type);
    if (!applied) continue;
    const auto again = machinery::apply(applied->object, *object, request, *type);
    CHECK(again.has_value());
    CHECK(!again->changed);
    live = std::move(applied->object);
  }
}

void run_protobuf(std::string_view input) {
  if (const auto decoded = machinery::decode_protobuf(input)) base::dump_json(*decoded);
}

void run_table(std::string_view input) {
  const auto parts = elements(input, 2);
  if (parts.empty()) return;
  machinery::check_printer_columns(parts[0], {});
  const auto now = std::chrono::sys_seconds(std::chrono::seconds(1'772'953'200));
  static_cast<void>(machinery::TableColumns::of_custom(parts[0]).table(
      {&parts[1]}, {}, machinery::IncludeObject::Metadata, now));
  for (const kube::ResourceType& type : machinery::built_in_resources()) {
    static_cast<void>(machinery::TableColumns::of_built_in(type).table(
        {&parts[1]}, {}, machinery::IncludeObject::None, now));
  }
}

}  // namespace

const std::vector<MachineryTarget>& machinery_targets() {
  static const std::vector<MachineryTarget> targets = {
      {"selector", run_selector}, {"schema", run_schema},     {"patch", run_patch},
      {"apply", run_apply},       {"protobuf", run_protobuf}, {"table", run_table},
  };
  return targets;
}

}  // namespace tests::fuzz
