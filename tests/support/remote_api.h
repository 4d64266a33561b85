#pragma once

// RemoteApi: a kube::Api over a Unix socket, so that a process which a test kills may speak to an
// API that lives in the test. One connection per call; a watch keeps its own.
//
// Limits: one machine, one test; not the Kubernetes protocol. Threads: any.

#include <atomic>
#include <list>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/mutex.h"
#include "kube/api.h"

namespace tests {

class RemoteApi final : public kube::Api {
 public:
  explicit RemoteApi(std::string socket) : socket_(std::move(socket)) {}

  base::Result<kube::Json> get(const kube::ResourceType& type, const kube::ObjectKey& key) override;
  base::Result<kube::ObjectList> list(const kube::ResourceType& type,
                                      const kube::ListOptions& options) override;
  base::Result<std::unique_ptr<kube::Watch>> watch(const kube::ResourceType& type,
                                                   const kube::ListOptions& options) override;
  base::Result<kube::Json> create(const kube::ResourceType& type,
                                  const kube::Json& object) override;
  base::Result<kube::Json> update(const kube::ResourceType& type, const kube::Json& object,
                                  std::string_view subresource) override;
  base::Result<kube::Json> patch(const kube::ResourceType& type, const kube::ObjectKey& key,
                                 kube::PatchType patch_type, const kube::Json& patch,
                                 const kube::PatchOptions& options) override;
  base::Status remove(const kube::ResourceType& type, const kube::ObjectKey& key,
                      const kube::DeleteOptions& options) override;

 private:
  base::Result<kube::Json> ask(const kube::Json& question);
  const std::string socket_;
};

// Answers RemoteApis from another Api until it is destroyed.
class ApiPort {
 public:
  ApiPort(kube::Api& api, const std::string& socket);
  ~ApiPort();
  ApiPort(const ApiPort&) = delete;
  ApiPort& operator=(const ApiPort&) = delete;

 private:
  void accept();
  void serve(int connection);
  void serve_watch(int connection, const kube::Json& question);

  kube::Api& api_;
  int listener_;
  std::thread acceptor_;
  base::Mutex mutex_;
  std::list<std::thread> workers_ GUARDED_BY(mutex_);
  std::list<kube::Watch*> watches_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace tests
