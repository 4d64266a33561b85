#include "kube/fenced_api.h"

#include <functional>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/memory_api.h"

namespace {

using kube::FencedApi;
using kube::Json;

TEST_CASE("nothing is written behind a closed fence, whichever way, and everything is read") {
  tests::MemoryApi api;
  const Json pod = {{"metadata", {{"namespace", "n"}, {"name", "a"}}}};
  REQUIRE(api.create(kube::pods(), pod).has_value());
  bool leads = false;
  FencedApi fenced(api, [&] { return leads; });
  struct Case {
    const char* verb;
    std::function<base::Status()> write;
  };
  const Case cases[] = {
      {.verb = "create",
       .write = [&]() -> base::Status {
         Json other = pod;
         other["metadata"]["name"] = "b";
         RETURN_IF_ERROR(fenced.create(kube::pods(), other));
         return {};
       }},
      {.verb = "update",
       .write = [&]() -> base::Status {
         RETURN_IF_ERROR(fenced.update(kube::pods(), pod));
         return {};
       }},
      {.verb = "patch",
       .write = [&]() -> base::Status {
         RETURN_IF_ERROR(fenced.patch(kube::pods(), {"n", "a"}, kube::PatchType::MergePatch,
                                      {{"metadata", {{"labels", {{"x", "y"}}}}}}));
         return {};
       }},
      {.verb = "delete", .write = [&] { return fenced.remove(kube::pods(), {"n", "a"}); }},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.verb) {
      const int before = api.calls(c.verb);
      const base::Status refused = c.write();
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().code == base::Code::Unavailable);
      CHECK(refused.error().message == "not written: this replica does not lead");
      CHECK(api.calls(c.verb) == before);
      leads = true;
      CHECK(c.write().has_value());
      CHECK(api.calls(c.verb) == before + 1);
    }
  }
  leads = false;
  const auto list = fenced.list(kube::pods(), {});
  REQUIRE(list.has_value());
  CHECK(fenced.watch(kube::pods(), {.resource_version = list->resource_version}).has_value());
}

}  // namespace
