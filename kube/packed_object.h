#pragma once

// PackedObject: an object that a cache keeps, as its text or as the tree that readers want. A
// schedule whose text has 1.8 kB takes 12 kB more as a tree (ten thousand of them, measured).
//
// Threads: a value.

#include <memory>
#include <string>
#include <vector>

#include "kube/object.h"

namespace kube {

class PackedObject {
 public:
  PackedObject() = default;  // none
  explicit PackedObject(std::shared_ptr<const Json> tree);

  explicit operator bool() const { return tree_ != nullptr || text_ != nullptr; }
  // Made anew from the text each time, unless the tree is kept. nullptr when there is none.
  [[nodiscard]] std::shared_ptr<const Json> object() const;
  [[nodiscard]] bool has_tree() const { return tree_ != nullptr; }

  // What indexes ask for, whatever it is kept as.
  [[nodiscard]] const std::string& version() const { return version_; }
  [[nodiscard]] const std::vector<std::string>& owners() const { return owners_; }

  void pack();                                    // only the text
  void unpack(std::shared_ptr<const Json> tree);  // both; the tree is what object() has returned

 private:
  std::shared_ptr<const Json> tree_;
  std::shared_ptr<const std::string> text_;
  std::string version_;              // UID and resourceVersion; empty if it has none
  std::vector<std::string> owners_;  // their UIDs
};

}  // namespace kube
