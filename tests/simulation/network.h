#pragma once

// Network: what lies between the replicas and the API: requests that are cut off, answers that are
// lost, writes that arrive long after their caller has given them up. Wire is one process's end of
// it.
//
// Threads: one at a time (fiber.h).

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/forwarding_api.h"
#include "tests/simulation/random.h"
#include "tests/support/fake_api.h"
#include "tests/support/fake_clock.h"

namespace simulation {

class Network {
 public:
  Network(tests::FakeApi& to, tests::FakeClock& time, Random& chance)
      : api(to), clock(time), random(chance) {}

  struct Late {
    base::WallTime due;
    std::string what;
    std::function<void()> deliver;
  };
  // Delivers what is due, or everything.
  void deliver_due();
  void deliver_all();

  tests::FakeApi& api;
  tests::FakeClock& clock;
  Random& random;
  std::vector<Late> late;
  bool calm = false;  // nothing goes wrong any more
  std::function<void(const std::string&)> tell;

 private:
  void deliver(size_t index);
};

class Wire final : public kube::ForwardingApi {
 public:
  struct Hooks {
    std::function<bool()> is_cut;                    // from the API
    std::function<void()> pause;                     // the process may be stopped here
    std::function<void(const std::string&)> writes;  // a write begins
  };
  Wire(Network& network, Hooks hooks)
      : ForwardingApi(network.api), network_(network), hooks_(std::move(hooks)) {}

  base::Result<kube::Json> get(const kube::ResourceType& type, const kube::ObjectKey& key) override;
  base::Result<kube::ObjectList> list(const kube::ResourceType& type,
                                      const kube::ListOptions& options) override;
  base::Result<kube::Json> create(const kube::ResourceType& type,
                                  const kube::Json& object) override;
  base::Result<kube::Json> update(const kube::ResourceType& type, const kube::Json& object,
                                  std::string_view subresource = "") override;
  base::Result<kube::Json> patch(const kube::ResourceType& type, const kube::ObjectKey& key,
                                 kube::PatchType patch_type, const kube::Json& patch,
                                 const kube::PatchOptions& options = {}) override;
  base::Status remove(const kube::ResourceType& type, const kube::ObjectKey& key,
                      const kube::DeleteOptions& options = {}) override;

 private:
  template <class Answer, class Call>
  Answer write(const std::string& what, Call call);

  Network& network_;
  const Hooks hooks_;
};

}  // namespace simulation
