#pragma once

// What each call of an Api is as a request: the one description of it, for HttpApi and for whoever
// asks a server in its own process. A body stands beside its request: only who sends it over a
// socket needs it as text.
//
// Errors: InvalidArgument and NotFound for what cannot be an address. Threads: pure functions.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/http/message.h"
#include "base/result.h"
#include "kube/api.h"

namespace kube {

base::Result<base::http::Request> get_request(const ResourceType& type, const ObjectKey& key);

// One page: `limit` 0 asks for all that is left, `token` is what the page before ended with.
base::Result<base::http::Request> list_request(const ResourceType& type, const ListOptions& options,
                                               int64_t limit, const std::string& token);

// All pages of a list. `ask` adds the objects of one to the list, sets its resource_version and
// gives the token of the next page, or empty. Pages that expire meanwhile are asked for in one
// piece.
using AskPage = std::function<base::Result<std::string>(const base::http::Request&, ObjectList&)>;
base::Result<ObjectList> list_in_pages(const ResourceType& type, const ListOptions& options,
                                       int64_t page_size, const AskPage& ask);

// With bookmarks, for five to ten minutes: spread, so that watches do not all end at once.
base::Result<base::http::Request> watch_request(const ResourceType& type,
                                                const ListOptions& options);

base::Result<base::http::Request> create_request(const ResourceType& type, const Json& object,
                                                 const std::string& field_manager);
base::Result<base::http::Request> update_request(const ResourceType& type, const Json& object,
                                                 std::string_view subresource,
                                                 const std::string& field_manager);
// `options.field_manager` wins over `field_manager`.
base::Result<base::http::Request> patch_request(const ResourceType& type, const ObjectKey& key,
                                                PatchType patch_type, const PatchOptions& options,
                                                const std::string& field_manager);
base::Result<base::http::Request> remove_request(const ResourceType& type, const ObjectKey& key);
Json remove_body(const DeleteOptions& options);

}  // namespace kube
