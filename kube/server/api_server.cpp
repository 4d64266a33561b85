#include "kube/server/api_server.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "kube/object.h"
#include "kube/server/bootstrap.h"
#include "kube/server/controllers/collector.h"
#include "kube/server/controllers/housekeeping.h"
#include "kube/server/local_api.h"
#include "kube/server/objects/objects.h"
#include "kube/server/rest/account_tokens.h"
#include "kube/server/rest/api_handler.h"
#include "kube/server/rest/log_streams.h"
#include "kube/server/storage/object_store.h"
#include "kube/server/storage/watch_hub.h"
#include "kube/server/types/built_ins.h"
#include "kube/server/types/definition.h"

namespace kube::server {
namespace {

constexpr const char* kDefinitions = "customresourcedefinitions.apiextensions.k8s.io";

// Makes the catalog of what a store defines. A definition is compiled once for each of its
// versions: while a catalog is made, the one before it is served, and people see that.
class CatalogMaker {
 public:
  types::CatalogPtr make(const storage::ObjectStore* store) {
    std::map<std::string, Compiled> compiled;
    auto resources = types::built_ins();
    if (store) {
      for (const auto& definition : store->list(kDefinitions, "").items) {
        const auto known = compiled_.find(definition->key.name);
        Compiled& one = compiled[definition->key.name];
        one = known != compiled_.end() && known->second.revision == definition->revision
                  ? known->second
                  : Compiled{definition->revision, types::resources_of(definition->parse())};
        resources.insert(resources.end(), one.resources.begin(), one.resources.end());
      }
    }
    compiled_ = std::move(compiled);
    return std::make_shared<const types::Catalog>(std::move(resources));
  }

 private:
  struct Compiled {
    int64_t revision = 0;
    std::vector<types::ResourcePtr> resources;
  };
  std::map<std::string, Compiled> compiled_;  // by the definition's name
};

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
  CatalogMaker catalog_maker;  // after the start the writer's thread alone uses it
  types::Catalogs catalogs;
  std::unique_ptr<storage::ObjectStore> store;
  objects::Objects objects;
  storage::WatchHub hub;
  controllers::Collector collector;
  controllers::Housekeeping housekeeping;
  rest::LogStreams logs;
  rest::AccountTokens tokens;
  rest::ApiHandler handler;

  Parts(CatalogMaker maker, types::CatalogPtr first, std::unique_ptr<storage::ObjectStore> opened,
        ApiServerOptions& options)
      : catalog_maker(std::move(maker)),
        catalogs(std::move(first)),
        store(followed(std::move(opened))),
        objects(*store, catalogs, *options.clock),
        hub(*store, *options.clock),
        collector(objects, options.collector_backlog),
        housekeeping(
            *store, *options.clock,
            {.lifetime = options.event_lifetime, .per_namespace = options.events_per_namespace}),
        logs(options.logs, *options.clock),
        tokens(objects, options.tokens),
        handler({.objects = objects,
                 .hub = hub,
                 .clock = *options.clock,
                 .logs = logs,
                 .tokens = tokens,
                 .page_bytes = options.page_bytes,
                 .advise = std::move(options.advise)},
                std::move(options.tokens)) {}

  // On the writer's thread, before the writer of a definition is answered and before the hub, which
  // listens later, tells its watchers: what they do next finds the new resource, or finds it gone.
  std::unique_ptr<storage::ObjectStore> followed(std::unique_ptr<storage::ObjectStore> opened) {
    opened->add_listener([this](const std::vector<storage::EventPtr>& events) {
      const bool changed = std::any_of(events.begin(), events.end(), [](const auto& event) {
        return event->object->key.resource == kDefinitions;
      });
      if (changed) catalogs.replace(catalog_maker.make(store.get()));
    });
    return opened;
  }
};

ApiServer::ApiServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

base::Result<std::unique_ptr<ApiServer>> ApiServer::open(ApiServerOptions options) {
  if (options.tokens.empty() ||
      std::any_of(options.tokens.begin(), options.tokens.end(),
                  [](const std::string& token) { return token.empty(); })) {
    return base::failure(base::Code::InvalidArgument, "the API server needs a token");
  }
  CatalogMaker catalog_maker;
  const types::CatalogPtr built_ins = catalog_maker.make(nullptr);
  ASSIGN_OR_RETURN(auto store,
                   storage::ObjectStore::open(
                       {.path = options.path,
                        .durability = options.durability,
                        .history_revisions = options.history_revisions,
                        .history_bytes = options.history_bytes,
                        .quota_bytes = options.quota_bytes,
                        .object_bytes = options.object_bytes,
                        // By value: a store that opens its file anew asks again, long after this.
                        .indexed =
                            [built_ins](const storage::Key& key, const nlohmann::json& object) {
                              return indexed_at_load(*built_ins, key, object);
                            },
                        .unindexed = kube::kManagedFieldsPath}));
  auto catalog = catalog_maker.make(store.get());
  const std::vector<nlohmann::json> definitions = std::move(options.definitions);
  auto parts = std::make_unique<Parts>(std::move(catalog_maker), std::move(catalog),
                                       std::move(store), options);
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
  return [handler = &parts_->handler](base::http::Request request,
                                      std::shared_ptr<base::http::Responder> responder) {
    handler->handle(std::move(request), std::move(responder));
  };
}

std::unique_ptr<kube::Api> ApiServer::connect(LocalOptions options) {
  return std::make_unique<LocalApi>(parts_->handler, std::move(options));
}

base::http::Admit ApiServer::admit() const {
  return [handler = &parts_->handler](const base::http::Request& head) {
    return handler->admit(head);
  };
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

void ApiServer::try_write() {
  parts_->store->try_write();
}

base::Status ApiServer::health() const {
  return parts_->store->health();
}

}  // namespace kube::server
