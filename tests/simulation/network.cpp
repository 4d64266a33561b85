#include "tests/simulation/network.h"

#include <utility>

namespace simulation {

using base::Code;
using kube::Json;

namespace {

// As long as a request may be on its way: in buffers, proxies, and a busy server.
constexpr uint32_t kLatestSeconds = 60;

base::Error unreachable() {
  return {.code = Code::Unavailable, .message = "unreachable"};
}

}  // namespace

void Network::deliver(size_t index) {
  const Late one = std::move(late[index]);
  late.erase(late.begin() + static_cast<std::ptrdiff_t>(index));
  tell("late: " + one.what);
  one.deliver();
}

void Network::deliver_due() {
  for (size_t i = 0; i < late.size();) {
    if (late[i].due <= clock.now())
      deliver(i);
    else
      ++i;
  }
}

void Network::deliver_all() {
  while (!late.empty())
    deliver(0);
}

template <class Answer, class Call>
Answer Wire::write(const std::string& what, Call call) {
  if (hooks_.writes) hooks_.writes(what);
  if (network_.calm) return call();
  if (hooks_.is_cut()) return base::failure(unreachable());
  Random& random = network_.random;
  if (random.one_in(10)) {
    network_.late.push_back(
        {.due = network_.clock.now() + std::chrono::seconds(random.below(kLatestSeconds)),
         .what = what,
         .deliver = [call] { (void)call(); }});
    hooks_.pause();
    return base::failure(Code::DeadlineExceeded, "no answer in time");
  }
  Answer answer = call();
  if (random.one_in(20)) return base::failure(Code::Unavailable, "the answer was lost");
  if (random.one_in(4)) hooks_.pause();
  return answer;
}

base::Result<Json> Wire::get(const kube::ResourceType& type, const kube::ObjectKey& key) {
  if (hooks_.is_cut()) return base::failure(unreachable());
  return ForwardingApi::get(type, key);
}

base::Result<kube::ObjectList> Wire::list(const kube::ResourceType& type,
                                          const kube::ListOptions& options) {
  if (hooks_.is_cut()) return base::failure(unreachable());
  return ForwardingApi::list(type, options);
}

base::Result<Json> Wire::create(const kube::ResourceType& type, const Json& object) {
  return write<base::Result<Json>>(
      "create " + type.plural + " " + kube::key_of(object).name,
      [&api = network_.api, type, object] { return api.create(type, object); });
}

base::Result<Json> Wire::update(const kube::ResourceType& type, const Json& object,
                                std::string_view subresource) {
  return write<base::Result<Json>>(
      "update " + type.plural + " " + kube::key_of(object).name,
      [&api = network_.api, type, object, part = std::string(subresource)] {
        return api.update(type, object, part);
      });
}

base::Result<Json> Wire::patch(const kube::ResourceType& type, const kube::ObjectKey& key,
                               kube::PatchType patch_type, const Json& patch,
                               const kube::PatchOptions& options) {
  return write<base::Result<Json>>("patch " + type.plural + " " + key.name,
                                   [&api = network_.api, type, key, patch_type, patch, options] {
                                     return api.patch(type, key, patch_type, patch, options);
                                   });
}

base::Status Wire::remove(const kube::ResourceType& type, const kube::ObjectKey& key,
                          const kube::DeleteOptions& options) {
  return write<base::Status>(
      "delete " + type.plural + " " + key.name,
      [&api = network_.api, type, key, options] { return api.remove(type, key, options); });
}

}  // namespace simulation
