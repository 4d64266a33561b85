#pragma once

// PackedObject: an object that a cache keeps, as its text or as the tree that readers want. A
// schedule whose text has 1.8 kB takes 12 kB more as a tree (ten thousand of them, measured). Whom
// it is of is known without either.
//
// Threads: a value; copies share what they hold.

#include <memory>
#include <string>
#include <vector>

#include "kube/object.h"

namespace kube {

// As far as the object says so.
struct Identity {
  ObjectKey key;
  std::string uid;
  std::string resource_version;
  std::vector<std::string> owners;  // their UIDs
};
Identity identity_of(const Json& object);

class PackedObject {
 public:
  PackedObject() = default;  // none
  explicit PackedObject(std::shared_ptr<const Json> tree);
  // Of compact JSON that somebody has anyway; its managedFields are not read. The tree is the same
  // without them, or null: then it is made when it is asked for.
  PackedObject(Identity identity, std::shared_ptr<const std::string> text,
               std::shared_ptr<const Json> tree);

  explicit operator bool() const { return tree_ != nullptr || text_ != nullptr; }
  // Made anew from the text each time, unless the tree is kept. nullptr when there is none.
  [[nodiscard]] std::shared_ptr<const Json> object() const;
  [[nodiscard]] bool has_tree() const { return tree_ != nullptr; }
  // nullptr while there is only the tree. It may have managedFields.
  [[nodiscard]] const std::string* text() const { return text_.get(); }
  // Not of none.
  [[nodiscard]] const Identity& identity() const;
  [[nodiscard]] const ObjectKey& key() const { return identity().key; }
  // The same object in the same version; false when it does not say.
  [[nodiscard]] bool is_version_of(const PackedObject& other) const;

  void pack();                                    // only the text
  void unpack(std::shared_ptr<const Json> tree);  // both; the tree is what object() has returned

 private:
  std::shared_ptr<const Identity> identity_;
  std::shared_ptr<const Json> tree_;
  std::shared_ptr<const std::string> text_;
};

}  // namespace kube
