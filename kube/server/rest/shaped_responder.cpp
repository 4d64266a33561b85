#include "kube/server/rest/shaped_responder.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/yaml/yaml.h"
#include "kube/server/machinery/decode.h"

namespace kube::server::rest {

void ShapedResponder::add_warning(base::http::Headers& headers) const {
  if (!warning_.empty()) headers.add("Warning", machinery::warning_header(warning_));
}

void ShapedResponder::send(base::http::Response response) {
  add_warning(response.headers);
  if (syntax_ == Syntax::Yaml && response.headers.get("Content-Type") == "application/json") {
    // As large as any list that this server itself has written.
    const auto value = base::parse_json(response.body, {.bytes = response.body.size() + 1});
    if (value) {
      response.body = base::yaml::dump(*value);
      response.headers.set("Content-Type", "application/yaml");
    }
  }
  inner_->send(std::move(response));
}

std::shared_ptr<base::http::Stream> ShapedResponder::stream(int status,
                                                            base::http::Headers headers) {
  add_warning(headers);
  return inner_->stream(status, std::move(headers));
}

}  // namespace kube::server::rest
