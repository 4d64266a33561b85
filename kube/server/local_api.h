#pragma once

// LocalApi: kube::Api over an ApiServer in the same process. Each call is the request that HttpApi
// would send (kube/api_requests), handed to the same handler; only its body and the objects of its
// answer never become text, and nothing goes through a socket.
//
// What differs from HttpApi: a write waits as long as the disk does, for there is no time-out;
// lists come in one piece; events of watches come without managedFields, which caches drop anyway.
// Errors: the same, made from the same Status. Threads: any; calls run on the caller's.

#include <memory>
#include <string_view>

#include "kube/api.h"
#include "kube/server/api_server.h"
#include "kube/server/rest/api_handler.h"

namespace kube::server {

class LocalApi final : public kube::Api {
 public:
  LocalApi(rest::ApiHandler& handler, ApiServer::LocalOptions options)
      : handler_(handler), options_(std::move(options)) {}

  base::Result<Json> get(const ResourceType& type, const ObjectKey& key) override;
  base::Result<ObjectList> list(const ResourceType& type, const ListOptions& options) override;
  base::Result<std::unique_ptr<Watch>> watch(const ResourceType& type,
                                             const ListOptions& options) override;
  base::Result<Json> create(const ResourceType& type, const Json& object) override;
  base::Result<Json> update(const ResourceType& type, const Json& object,
                            std::string_view subresource = "") override;
  base::Result<Json> patch(const ResourceType& type, const ObjectKey& key, PatchType patch_type,
                           const Json& patch, const PatchOptions& options = {}) override;
  base::Status remove(const ResourceType& type, const ObjectKey& key,
                      const DeleteOptions& options = {}) override;

 private:
  // The text of an answer that is no stored object; empty when `call` has it.
  base::Result<std::string> perform(base::http::Request request, rest::LocalCall& call);
  base::Result<Json> ask(base::http::Request request, const Json* body = nullptr);
  base::Result<std::string> list_page(const base::http::Request& request, const ResourceType& type,
                                      ListOptions::Content content, ObjectList& result);

  rest::ApiHandler& handler_;
  const ApiServer::LocalOptions options_;
};

}  // namespace kube::server
