#include "kube/packed_object.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"

namespace kube {

Identity identity_of(const Json& object) {
  Identity identity{.key = key_of(object),
                    .uid = uid_of(object),
                    .resource_version = resource_version_of(object),
                    .owners = {}};
  for (OwnerReference& owner : owners_of(object))
    if (!owner.uid.empty()) identity.owners.push_back(std::move(owner.uid));
  identity.owners.shrink_to_fit();
  return identity;
}

PackedObject::PackedObject(std::shared_ptr<const Json> tree) : tree_(std::move(tree)) {
  if (tree_ != nullptr) identity_ = std::make_shared<const Identity>(identity_of(*tree_));
}

PackedObject::PackedObject(Identity identity, std::shared_ptr<const std::string> text,
                           std::shared_ptr<const Json> tree)
    : identity_(std::make_shared<const Identity>(std::move(identity))),
      tree_(std::move(tree)),
      text_(std::move(text)) {}

std::shared_ptr<const Json> PackedObject::object() const {
  if (tree_ != nullptr || text_ == nullptr) return tree_;
  // It was a tree before it was this text, or the server wrote it: what bounded that holds for it.
  auto parsed = base::parse_json(
      *text_, {.bytes = text_->size(), .depth = text_->size(), .leave_out = kManagedFieldsPath});
  CHECK(parsed.has_value());
  return std::make_shared<const Json>(*std::move(parsed));
}

const Identity& PackedObject::identity() const {
  CHECK(identity_ != nullptr);
  return *identity_;
}

bool PackedObject::is_version_of(const PackedObject& other) const {
  return *this && other && !identity_->resource_version.empty() &&
         identity_->resource_version == other.identity_->resource_version &&
         identity_->uid == other.identity_->uid;
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
