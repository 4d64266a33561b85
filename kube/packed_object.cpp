#include "kube/packed_object.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"

namespace kube {
namespace {

std::string version_in(const Json& object) {
  const std::string version = resource_version_of(object);
  return version.empty() ? version : uid_of(object) + "/" + version;
}

std::vector<std::string> owners_in(const Json& object) {
  std::vector<std::string> uids;
  for (OwnerReference& owner : owners_of(object))
    if (!owner.uid.empty()) uids.push_back(std::move(owner.uid));
  uids.shrink_to_fit();
  return uids;
}

}  // namespace

PackedObject::PackedObject(std::shared_ptr<const Json> tree) : tree_(std::move(tree)) {
  if (tree_ == nullptr) return;
  version_ = version_in(*tree_);
  owners_ = owners_in(*tree_);
}

std::shared_ptr<const Json> PackedObject::object() const {
  if (tree_ != nullptr || text_ == nullptr) return tree_;
  // It was a tree before it was this text: what bounded that holds for it.
  auto parsed = base::parse_json(*text_, {.bytes = text_->size(), .depth = text_->size()});
  CHECK(parsed.has_value());
  return std::make_shared<const Json>(*std::move(parsed));
}

void PackedObject::pack() {
  if (tree_ == nullptr) return;
  if (text_ == nullptr) {
    std::string text = base::dump_json(*tree_);
    text.shrink_to_fit();  // it grew by doubling
    text_ = std::make_shared<const std::string>(std::move(text));
  }
  tree_ = nullptr;
}

void PackedObject::unpack(std::shared_ptr<const Json> tree) {
  tree_ = std::move(tree);
}

}  // namespace kube
