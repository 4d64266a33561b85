#include "kube/server/api_server.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "kube/server/bootstrap.h"
#include "kube/server/controllers/collector.h"
#include "kube/server/controllers/housekeeping.h"
#include "kube/server/objects/objects.h"
#include "kube/server/rest/api_handler.h"
#include "kube/server/rest/log_streams.h"
#include "kube/server/storage/object_store.h"
#include "kube/server/storage/watch_hub.h"
#include "kube/server/types/built_ins.h"
#include "kube/server/types/definition.h"

namespace kube::server {
namespace {

constexpr const char* kDefinitions = "customresourcedefinitions.apiextensions.k8s.io";

types::CatalogPtr make_catalog(const storage::ObjectStore* store) {
  auto resources = types::built_ins();
  if (store) {
    for (const auto& definition : store->list(kDefinitions, "").items) {
      for (auto& resource : types::resources_of(definition->parse())) {
        resources.push_back(std::move(resource));
      }
    }
  }
  return std::make_shared<const types::Catalog>(std::move(resources));
}

// Selectable fields of custom resources are read from the objects themselves (rest/selection.cpp),
// so the built-ins are all that has to be known while the file is read.
storage::IndexedFields indexed_at_load(const types::Catalog& built_ins, const storage::Key& key,
                                       const nlohmann::json& object) {
  const auto resource = built_ins.find_stored(key.resource);
  return types::indexed_fields(object,
                               resource ? resource->selectable_fields : std::vector<std::string>{});
}

}  // namespace

// In the order in which they depend on each other: destroyed from the last to the first.
struct ApiServer::Parts {
  types::Catalogs catalogs;
  std::unique_ptr<storage::ObjectStore> store;
  objects::Objects objects;
  storage::WatchHub hub;
  controllers::Collector collector;
  controllers::Housekeeping housekeeping;
  rest::LogStreams logs;
  rest::ApiHandler door;

  Parts(types::CatalogPtr first, std::unique_ptr<storage::ObjectStore> opened,
        ApiServerOptions& options)
      : catalogs(std::move(first)),
        store(std::move(opened)),
        objects(*store, catalogs, *options.clock),
        hub(*store, *options.clock),
        collector(objects, options.collector_backlog),
        housekeeping(
            *store, *options.clock,
            {.lifetime = options.event_lifetime, .per_namespace = options.events_per_namespace}),
        logs(options.logs, *options.clock),
        door({.objects = objects,
              .hub = hub,
              .clock = *options.clock,
              .logs = logs,
              .page_bytes = options.page_bytes},
             std::move(options.tokens)) {
    // On the writer's thread, before the writer of a definition is answered: what it creates next
    // finds the new resource.
    store->add_listener([this](const std::vector<storage::EventPtr>& events) {
      const bool changed = std::any_of(events.begin(), events.end(), [](const auto& event) {
        return event->object->key.resource == kDefinitions;
      });
      if (changed) catalogs.replace(make_catalog(store.get()));
    });
  }
};

ApiServer::ApiServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

base::Result<std::unique_ptr<ApiServer>> ApiServer::open(ApiServerOptions options) {
  if (options.tokens.empty() ||
      std::any_of(options.tokens.begin(), options.tokens.end(),
                  [](const std::string& token) { return token.empty(); })) {
    return base::failure(base::Code::InvalidArgument, "the API server needs a token");
  }
  const types::CatalogPtr built_ins = make_catalog(nullptr);
  ASSIGN_OR_RETURN(
      auto store,
      storage::ObjectStore::open(
          {.path = options.path,
           .durability = options.durability,
           .history_revisions = options.history_revisions,
           .history_bytes = options.history_bytes,
           .quota_bytes = options.quota_bytes,
           // By value: a store that opens its file anew asks again, long after this.
           .indexed = [built_ins](const storage::Key& key, const nlohmann::json& object) {
             return indexed_at_load(*built_ins, key, object);
           }}));
  auto catalog = make_catalog(store.get());
  const std::vector<nlohmann::json> definitions = std::move(options.definitions);
  auto parts = std::make_unique<Parts>(std::move(catalog), std::move(store), options);
  RETURN_IF_ERROR(bootstrap(parts->objects, definitions));
  parts->collector.start();
  parts->housekeeping.start();
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(parts)));
}

ApiServer::~ApiServer() {
  begin_stop();
  parts_->housekeeping.stop();
  parts_->collector.stop();
}

base::http::Handler ApiServer::handler() {
  return [door = &parts_->door](base::http::Request request,
                                std::shared_ptr<base::http::Responder> responder) {
    door->handle(std::move(request), std::move(responder));
  };
}

base::http::Admit ApiServer::admit() const {
  return [door = &parts_->door](const base::http::Request& head) { return door->admit(head); };
}

void ApiServer::begin_stop() {
  parts_->hub.stop();
  parts_->logs.stop();
}

ApiServer::Numbers ApiServer::numbers() const {
  return {.revision = parts_->store->revision(),
          .compacted = parts_->store->compacted(),
          .watches = parts_->hub.size(),
          .bytes = parts_->store->bytes()};
}

base::Status ApiServer::health() const {
  return parts_->store->health();
}

}  // namespace kube::server
