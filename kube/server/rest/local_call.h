#pragma once

// LocalCall: the part of a call by somebody in this process that an HTTP message would carry as
// text: the body is given as the value that it is, and objects are taken as they are stored. All
// else (the request, errors, answers that are no stored object) is as for everybody, so that every
// rule of the API stands below both doors.
//
// Threads: one, that of the call.

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/rest/local_watch.h"
#include "kube/server/storage/object.h"
#include "kube/server/types/resource.h"

namespace kube::server::rest {

struct LocalCall {
  const nlohmann::json* body = nullptr;  // null: it has none
  size_t watch_backlog = 0;              // bytes; see WatchQueue

  // The answer: one of these, or a Response.
  struct Page {
    std::vector<storage::ObjectPtr> objects;
    std::string resource_version;
    std::string continue_token;
  };
  types::ResourcePtr resource;  // of what is answered
  storage::ObjectPtr object;
  std::unique_ptr<Page> page;
  std::shared_ptr<WatchQueue> watch;
};

}  // namespace kube::server::rest
