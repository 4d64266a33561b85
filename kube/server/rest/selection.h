#pragma once

// Selection: which objects of a resource a list, a watch or a deletion of a collection means.
//
// Threads: immutable once parsed.

#include "kube/server/machinery/selector.h"
#include "kube/server/rest/api_request.h"
#include "kube/server/storage/object.h"

namespace kube::server::rest {

class Selection {
 public:
  // From labelSelector, fieldSelector and a name in the path.
  static Outcome<Selection> parse(const ApiRequest& call);

  [[nodiscard]] bool everything() const { return labels_.empty() && fields_.empty(); }
  [[nodiscard]] bool matches(const storage::Object& object) const;
  // What a name in the selector or path narrows it to; "" = any.
  [[nodiscard]] std::string name() const;

 private:
  types::ResourcePtr resource_;
  machinery::LabelSelector labels_;
  machinery::FieldSelector fields_;
};

}  // namespace kube::server::rest
