#include "kube/server/storage/limits.h"

#include <algorithm>
#include <string>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/json_size.h"

namespace kube::server::storage {
namespace {

using nlohmann::json;

// ,"resourceVersion":"9223372036854775807": what the store adds to a new object.
constexpr size_t kRevisionBytes = 41;

base::Result<size_t> too_large(const std::string& is, size_t limit) {
  return base::failure(base::Code::TooLarge,
                       "the object would " + is + ", the limit is " + std::to_string(limit));
}

}  // namespace

base::Result<size_t> check_size(const json& object, const Object* current, bool deleting,
                                size_t limit) {
  size_t most = std::max(limit, current ? current->text.size() : 0);
  if (deleting) most += kRoomToGo;
  const bool versioned = base::find(object, {"metadata", "resourceVersion"}) != nullptr;
  const size_t added = versioned ? 0 : kRevisionBytes;
  const size_t bytes = base::json_size(object, most) + added;
  if (bytes > most) {
    // The whole size, which the measuring above may have stopped short of.
    const size_t whole = base::json_size(object) + added;
    return too_large("have " + std::to_string(whole) + " bytes", limit);
  }
  size_t depth = base::json_depth(object, kMaxObjectDepth);
  if (depth <= kMaxObjectDepth) return bytes;
  // Rare: only what an older server let in is as deep as this.
  const size_t before = current ? base::json_depth(current->parse(), 10 * kMaxObjectDepth) : 0;
  depth = base::json_depth(object, 10 * kMaxObjectDepth);
  if (depth <= before) return bytes;
  return too_large("be nested " + std::to_string(depth) + " levels deep", kMaxObjectDepth);
}

}  // namespace kube::server::storage
