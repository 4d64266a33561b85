#include "kube/object_decoder.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/json_nesting.h"

namespace kube {

base::Result<Json> decode_object(std::string_view text, const ObjectLimits& limits,
                                 ListOptions::Content content) {
  base::JsonLimits bounds{.bytes = limits.bytes, .depth = limits.depth, .leave_out = {}};
  if (content == ListOptions::Content::Versions) bounds.leave_out = kManagedFieldsPath;
  ASSIGN_OR_RETURN(Json object, base::parse_json(text, bounds));
  if (!object.is_object()) return base::failure(base::Code::Refused, "not an object");
  if (key_of(object).name.empty())
    return base::failure(base::Code::Refused, "an object without metadata.name");
  return object;
}

Unreadable describe_unreadable(std::string_view text, std::string reason) {
  Unreadable unreadable;
  unreadable.reason = std::move(reason);
  const auto metadata = base::parse_json(member_text(text, "metadata"));
  if (!metadata) return unreadable;
  unreadable.key = {base::string_at(*metadata, {"namespace"}),
                    base::string_at(*metadata, {"name"})};
  unreadable.uid = base::string_at(*metadata, {"uid"});
  unreadable.resource_version = base::string_at(*metadata, {"resourceVersion"});
  return unreadable;
}

base::Status require_all_readable(const ObjectList& list) {
  if (list.unreadable.empty()) return {};
  const Unreadable& first = list.unreadable.front();
  return base::failure(base::Code::Unavailable,
                       (first.key.name.empty() ? "an object" : first.key.to_string()) +
                           " cannot be read: " + first.reason);
}

}  // namespace kube
