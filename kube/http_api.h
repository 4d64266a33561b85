#pragma once

// HttpApi: kube::Api over HTTP, to any Kubernetes API server. Lists page by themselves; a watch
// asks for bookmarks and ends by itself after five to ten minutes, as the server would end it. A
// watch without a resourceVersion begins with what there is, and a bookmark with the annotation
// k8s.io/initial-events-end says when that was all (WatchList); a server that does not offer it
// refuses: InvalidArgument or Refused.
//
// A request never waits longer than the client's time-outs, and before them for its credential,
// which an exec plugin may take 30 s for: whoever must know sooner (an election) has an HttpApi of
// its own. A watch on which nothing comes, not even a bookmark, may hang on a
// connection that is dead: it ends in order and is opened again. Nothing is retried here: whoever
// asks knows whether asking again makes sense. Threads: any.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/http/client.h"
#include "kube/api.h"
#include "kube/log_source.h"

namespace kube {

struct HttpApiOptions {
  std::string field_manager = "sparkcron";
  // Ignore, Warn or Strict: what becomes of fields that the type does not have, when objects are
  // created; "" = the server's default.
  std::string field_validation = {};
  // What the server said beside an answer (Warning headers), whole and as it came. May be empty.
  std::function<void(const std::string& text)> on_warning = {};
  int64_t page_size = 500;
  // An API server sends a bookmark about once a minute.
  std::chrono::milliseconds watch_silence{90'000};
  // Ends everything under way and to come as Cancelled, also what waits for its credential.
  std::stop_token stop;
};

class HttpApi final : public Api {
 public:
  explicit HttpApi(std::unique_ptr<base::http::Client> client, HttpApiOptions options = {});

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

  // The log of a pod's container, as it comes. With follow it ends with the container.
  base::Result<std::unique_ptr<base::http::BodyStream>> logs(const ObjectKey& pod,
                                                             const LogOptions& options);
  // Anything else the server offers: "/version", "/readyz". An HTTP error status is an Error.
  base::Result<base::http::Response> raw(const base::http::Request& request);

 private:
  base::Result<Json> ask(const base::http::Request& request);
  // Adds to `result`; the token of the next page, or empty.
  base::Result<std::string> list_page(const base::http::Request& request, const ResourceType& type,
                                      ListOptions::Content content, ObjectList& result);
  base::Result<std::unique_ptr<base::http::BodyStream>> open(
      const base::http::Request& request, std::chrono::milliseconds idle_timeout);

  const std::unique_ptr<base::http::Client> client_;
  const HttpApiOptions options_;
};

}  // namespace kube
