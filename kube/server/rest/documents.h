#pragma once

// Documents: discovery and OpenAPI as clients fetch them, rendered once per catalog, with an ETag
// so that a client which has one is told so (304).
//
// Threads: any.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/http/server.h"
#include "base/mutex.h"
#include "kube/server/types/catalog.h"

namespace kube::server::rest {

class Documents {
 public:
  // Answers /api, /apis, /apis/G, /api/v1, /apis/G/V, /openapi/v3… and /openapi/v2. False: not one
  // of them.
  bool answer(const types::CatalogPtr& catalog, const base::http::Request& request,
              base::http::Responder& responder);
  // How many are kept: at most one for each group and version that the catalog has.
  [[nodiscard]] size_t size();

 private:
  struct Document {
    std::string text;
    std::string etag;
    std::string content_type;
  };
  using DocumentPtr = std::shared_ptr<const Document>;

  // Null when there is no such document.
  DocumentPtr find(const types::CatalogPtr& catalog, const std::string& path,
                   const std::string& aggregated);
  static std::optional<nlohmann::json> render(const types::Catalog& catalog,
                                              const std::string& path,
                                              const std::string& aggregated);

  base::Mutex mutex_;
  types::CatalogPtr catalog_ GUARDED_BY(mutex_);  // that documents_ are of
  std::map<std::string, DocumentPtr> documents_ GUARDED_BY(mutex_);
};

}  // namespace kube::server::rest
