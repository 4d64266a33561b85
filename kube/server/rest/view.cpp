#include "kube/server/rest/view.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/objects/objects.h"
#include "kube/server/rest/local_call.h"
#include "kube/server/rest/log_streams.h"

namespace kube::server::rest {
namespace {

using nlohmann::json;
using storage::ObjectPtr;

json metadata_only(const json& object, const std::string& meta_version) {
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", "meta.k8s.io/" + meta_version},
          {"metadata", object.at("metadata")}};
}

json table(const View& view, const std::vector<json>& objects, const json& metadata,
           std::chrono::sys_seconds now, machinery::TableColumns::Definitions definitions) {
  std::vector<const json*> rows;
  rows.reserve(objects.size());
  for (const json& object : objects)
    rows.push_back(&object);
  json result = view.resource->columns->table(rows, metadata, view.include, now, definitions);
  result["apiVersion"] = "meta.k8s.io/" + view.representation.meta_version;
  return result;
}

}  // namespace

std::string View::form() const {
  std::string name = resource->type.api_version();
  name += representation.form == Form::Json    ? " j"
          : representation.form == Form::Table ? " t"
                                               : " m";
  if (representation.form != Form::Json) name += representation.meta_version;
  if (representation.form == Form::Table) name += std::to_string(static_cast<int>(include));
  return name;
}

std::string View::object(const storage::Object& object, std::chrono::sys_seconds now,
                         machinery::TableColumns::Definitions definitions) const {
  if (representation.form == Form::Json && resource->stored_as_served()) return object.text;
  std::vector<json> one;
  one.push_back(objects::Objects::served(*resource, object));
  if (representation.form == Form::Json) return base::dump_json(one[0]);
  if (representation.form == Form::Metadata) {
    return base::dump_json(metadata_only(one[0], representation.meta_version));
  }
  const json metadata = {
      {"resourceVersion", base::string_at(one[0], {"metadata", "resourceVersion"})}};
  return base::dump_json(table(*this, one, metadata, now, definitions));
}

std::string View::row(const storage::Object& object, std::chrono::sys_seconds now) const {
  std::vector<json> one;
  one.push_back(objects::Objects::served(*resource, object));
  return base::dump_json(table(*this, one, json::object(), now,
                               machinery::TableColumns::Definitions::Omit)["rows"][0]);
}

ListText::ListText(View view, std::vector<ObjectPtr> objects, const json& metadata,
                   std::chrono::sys_seconds now)
    : view_(std::move(view)), objects_(std::move(objects)), now_(now) {
  const Representation& as = view_.representation;
  if (as.form == Form::Table) {
    head_ = base::dump_json(
        table(view_, {}, metadata, now, machinery::TableColumns::Definitions::Include));
    head_.resize(head_.size() - 2);  // ]}: the rows are the last member
    return;
  }
  const bool whole = as.form == Form::Json;
  const types::Resource& resource = *view_.resource;
  head_ = R"({"kind":")" + (whole ? resource.list_kind : "PartialObjectMetadataList") +
          R"(","apiVersion":")" +
          (whole ? resource.type.api_version() : "meta.k8s.io/" + as.meta_version) +
          R"(","metadata":)" + base::dump_json(metadata) + R"(,"items":[)";
}

void ListText::add_item(std::string& text) {
  if (position_ > 0) text += ',';
  const storage::Object& object = *objects_[position_++];
  text += view_.representation.form == Form::Table ? view_.row(object, now_)
                                                   : view_.object(object, now_);
}

std::optional<std::string> ListText::next(size_t bytes) {
  if (ended_) return std::nullopt;
  std::string text = std::exchange(head_, {});
  while (text.size() < bytes && position_ < objects_.size())
    add_item(text);
  ended_ = position_ == objects_.size();
  if (ended_) text += "]}\n";
  return text;
}

namespace {

constexpr size_t kChunksPerPage = 32;
constexpr std::chrono::minutes kLongestList{10};  // kube-apiserver gives a request one

class ListReader final : public kube::LogReader {
 public:
  ListReader(ListText text, size_t chunk) : text_(std::move(text)), chunk_(chunk) {}
  base::Result<std::optional<std::string>> read() override { return text_.next(chunk_); }
  void cancel() override {}  // read() never waits

 private:
  ListText text_;
  const size_t chunk_;
};

}  // namespace

void answer_object(ApiRequest& call, const View& view, const ObjectPtr& object, int status,
                   const std::vector<std::string>& warnings) {
  if (call.local != nullptr) {
    call.local->resource = view.resource;
    call.local->object = object;
    return;
  }
  const auto now = std::chrono::floor<std::chrono::seconds>(call.services.clock.now());
  answer(*call.responder, status, view.object(*object, now) + "\n", "application/json", warnings);
}

void answer_list(ApiRequest& call, View view, std::vector<ObjectPtr> objects, const json& metadata,
                 std::chrono::sys_seconds now) {
  if (call.local != nullptr) {
    call.local->resource = view.resource;
    call.local->page = std::make_unique<LocalCall::Page>(
        LocalCall::Page{.objects = std::move(objects),
                        .resource_version = base::string_at(metadata, {"resourceVersion"}),
                        .continue_token = base::string_at(metadata, {"continue"})});
    return;
  }
  size_t bytes = 0;
  for (const ObjectPtr& object : objects)
    bytes += object->text.size();
  const size_t page = call.services.page_bytes;
  const bool one_page = bytes <= page || objects.size() <= 1;
  ListText text(std::move(view), std::move(objects), metadata, now);
  if (one_page) {
    return answer(*call.responder, 200, *text.next(static_cast<size_t>(-1)));
  }
  call.services.logs.send(std::make_unique<ListReader>(std::move(text), page / kChunksPerPage),
                          call.responder,
                          {.content_type = "application/json", .at_most = kLongestList});
}

}  // namespace kube::server::rest
