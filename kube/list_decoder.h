#pragma once

// ListDecoder: a page of a list, object by object, from bytes that may be cut anywhere. Memory is
// that of the objects, whatever the size of the page.
//
// Errors: Unavailable when the answer as a whole is no list or ends early. Threads: one.

#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/api.h"
#include "kube/json_nesting.h"
#include "kube/object_decoder.h"

namespace kube {

class ListDecoder {
 public:
  // Adds to `list`, which must outlive it. Items of a list come without kind and apiVersion;
  // everybody above expects whole objects.
  ListDecoder(const ResourceType& type, ObjectList& list, ObjectLimits limits = {},
              ListOptions::Content content = ListOptions::Content::Objects)
      : type_(type), list_(list), limits_(limits), content_(content) {}

  void feed(std::string_view bytes);
  // After the last byte: sets the list's resource_version. The token of the next page, or empty.
  base::Result<std::string> finish();

 private:
  void outside(char byte, size_t before);
  void inside(char byte, size_t before, bool quoted);
  void end_item();

  const ResourceType& type_;
  ObjectList& list_;
  const ObjectLimits limits_;
  const ListOptions::Content content_;
  JsonNesting nesting_;
  bool in_items_ = false;
  std::string rest_;      // all but the items
  std::string item_;      // of the one that is being read, cut a little over the limit
  size_t item_size_ = 0;  // its whole length
};

}  // namespace kube
