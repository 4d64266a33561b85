#pragma once

// View: a stored object, a list or a change, rendered as the client asked for it.
//
// The fast path copies the stored text; only Tables, metadata and other API versions are parsed.
// Threads: pure functions but for answer_object() and answer_list(), which answer
// the call; a caller in this process gets the objects themselves.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "kube/server/machinery/table.h"
#include "kube/server/rest/api_request.h"
#include "kube/server/rest/negotiation.h"
#include "kube/server/storage/object.h"
#include "kube/server/types/resource.h"

namespace kube::server::rest {

struct View {
  types::ResourcePtr resource;
  Representation representation;
  machinery::IncludeObject include = machinery::IncludeObject::Metadata;  // of a Table's rows

  // The same for all views that render alike.
  [[nodiscard]] std::string form() const;
  [[nodiscard]] std::string object(const storage::Object& object, std::chrono::sys_seconds now,
                                   machinery::TableColumns::Definitions definitions =
                                       machinery::TableColumns::Definitions::Include) const;
  [[nodiscard]] std::string row(const storage::Object& object, std::chrono::sys_seconds now) const;
};

// A list as text, piece by piece: one object is parsed at a time, however many there are.
class ListText {
 public:
  // `metadata` is the list's, as JSON.
  ListText(View view, std::vector<storage::ObjectPtr> objects, const nlohmann::json& metadata,
           std::chrono::sys_seconds now);
  // At least so many bytes, or what is left; nullopt after the end.
  std::optional<std::string> next(size_t bytes);

 private:
  void add_item(std::string& text);

  const View view_;
  const std::vector<storage::ObjectPtr> objects_;
  const std::chrono::sys_seconds now_;
  std::string head_;
  size_t position_ = 0;
  bool ended_ = false;
};

// Answers with one object.
void answer_object(ApiRequest& call, const View& view, const storage::ObjectPtr& object,
                   int status = 200, const std::vector<std::string>& warnings = {});

// Answers 200 with the list. A page holds at most Services::page_bytes of its objects' stored text:
// when a client asks for pages, a page may have fewer objects than its limit. A list that nobody
// asked to be cut is sent whole, but written piece by piece, as fast as the client reads it.
void answer_list(ApiRequest& call, View view, std::vector<storage::ObjectPtr> objects,
                 const nlohmann::json& metadata, std::chrono::sys_seconds now);

}  // namespace kube::server::rest
