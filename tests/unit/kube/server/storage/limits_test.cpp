// How large an object and all of them together may be.

#include "kube/server/storage/limits.h"

#include <string>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/json_size.h"
#include "kube/server/storage/object_store.h"
#include "tests/support/catch.h"
#include "tests/unit/kube/server/storage/store_requests.h"
#include "tests/unit/kube/server/support/temporary_folder.h"

namespace kube::server::storage {
namespace {

using nlohmann::json;
using tests::created;
using tests::key;
using tests::open_store;
using tests::revision_of;
using tests::updated;

json nested(size_t levels) {
  json value = 1;
  for (size_t i = 0; i < levels; ++i)
    value = {{"a", std::move(value)}};
  return value;
}

WriteRequest deep(WriteRequest request, size_t levels) {
  (*request.object)["spec"] = nested(levels - 1);
  return request;
}

TEST_CASE("an object that is stored is at most 1.5 MiB with its resourceVersion") {
  const auto store = open_store(":memory:");
  const size_t room = kMaxObjectBytes - base::json_size(*created("a").object) - 41;
  const auto refused = store->write(created("a", std::string(room + 1, 'x')));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == base::Code::TooLarge);
  CHECK(refused.error().message == "the object would have 1572865 bytes, the limit is 1572864");
  const auto written = store->write(created("a", std::string(room, 'x')));
  REQUIRE(written);
  CHECK((*written)->text.size() <= kMaxObjectBytes);
  // Escapes count as they are stored.
  CHECK_FALSE(store->write(created("b", std::string(300'000, '\x01'))));
  CHECK(store->write(created("b", std::string(200'000, '\x01'))));
}

TEST_CASE("a store that is opened with another limit keeps to it") {
  CHECK(ObjectStoreOptions{}.object_bytes == 1'572'864);
  auto store = ObjectStore::open(
      {.path = ":memory:", .object_bytes = 500, .indexed = tests::indexed_fields});
  REQUIRE(store);
  CHECK((*store)->write(created("a", std::string(300, 'x'))));
  const auto refused = (*store)->write(created("b", std::string(500, 'x')));
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::EndsWith("the limit is 500"));
}

TEST_CASE("an object that is stored can be parsed in a list, in a watch and in a watched table") {
  const auto store = open_store(":memory:");
  const auto refused = store->write(deep(created("a"), kMaxObjectDepth + 1));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == base::Code::TooLarge);
  CHECK(refused.error().message == "the object would be nested 61 levels deep, the limit is 60");
  const auto written = store->write(deep(created("a"), kMaxObjectDepth));
  REQUIRE(written);
  const std::string& text = (*written)->text;
  CHECK(base::parse_json(R"({"items":[)" + text + "]}"));
  CHECK(base::parse_json(R"({"type":"ADDED","object":)" + text + "}"));
  CHECK(base::parse_json(R"({"type":"ADDED","object":{"rows":[{"object":)" + text + "}]}}"));
}

TEST_CASE("what an older server let in may be written back, shrunk and removed, not grown") {
  const tests::TemporaryFolder folder;
  {
    open_store(folder.file("state.db")).reset();
    auto database =
        base::sqlite::Database::open(folder.file("state.db"), base::sqlite::Durability::Normal);
    REQUIRE(database);
    for (const auto& [name, object] :
         {std::pair{"huge", *created("huge", std::string(2'000'000, 'x')).object},
          std::pair{"deep", *deep(created("deep"), 64).object}}) {
      auto insert = database->prepare(
          "INSERT INTO revisions (revision, change, resource, namespace, name, previous, object) "
          "VALUES (?, 0, 'things', 'default', ?, 0, ?)");
      REQUIRE(insert);
      insert->bind(1, *name == 'h' ? 1 : 2).bind(2, name).bind(3, base::dump_json(object));
      REQUIRE(insert->run());
    }
  }
  const auto store = open_store(folder.file("state.db"));
  CHECK(store->list("things", "").items.size() == 2);
  CHECK_FALSE(store->write(updated("huge", 1, std::string(2'000'100, 'x'))));
  WriteRequest marked = updated("huge", 1, std::string(2'000'100, 'x'));
  marked.indexed.deleting = true;
  const int64_t going = revision_of(store->write(std::move(marked)));
  const int64_t smaller =
      revision_of(store->write(updated("huge", going, std::string(1'900'000, 'x'))));
  CHECK(store->write(tests::deleted("huge", smaller)));
  CHECK_FALSE(store->write(deep(updated("deep", 2, ""), 65)));
  const int64_t same = revision_of(store->write(deep(updated("deep", 2, "y"), 64)));
  CHECK(store->write(tests::deleted("deep", same)));
}

TEST_CASE("a full store refuses what is new, and lets what is there end") {
  auto opened = ObjectStore::open(
      {.path = ":memory:", .quota_bytes = 100'000, .indexed = tests::indexed_fields});
  REQUIRE(opened);
  ObjectStore& store = **opened;
  const int64_t a = revision_of(store.write(created("a", std::string(60'000, 'x'))));
  REQUIRE(store.write(created("b", std::string(45'000, 'x'))));
  const auto refused = store.write(created("c"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == base::Code::Unavailable);
  CHECK_THAT(refused.error().message,
             Catch::StartsWith("the objects have 105") &&
                 Catch::EndsWith(" bytes, the limit is 100000: delete what is no longer needed"));
  // A run that is there can still tell how it ended; a tenth above, nothing can.
  const int64_t more = revision_of(store.write(updated("a", a, std::string(70'000, 'x'))));
  CHECK_FALSE(store.write(updated("a", more, std::string(70'001, 'x'))));
  REQUIRE(store.write(tests::deleted("a", more)));
  CHECK(store.write(created("c")));
  CHECK(store.bytes() < 46'000);
}

TEST_CASE("measured sizes are those of the text") {
  for (const json& value :
       {json(), json(true), json(false), json(0), json(-17), json(1844674407370955161U), json(0.5),
        json("a\"\\\b\f\n\r\t\x01\x1f\x7f \u00e4\u20ac"), json::array(), json::object(),
        json{1, "two", {{"three", {4, nullptr}}}}, json{{"\n", 1}, {"b", json::array({1, 2})}}}) {
    INFO(value.dump());
    CHECK(base::json_size(value) == base::dump_json(value).size());
  }
  CHECK(base::json_depth(nested(7), 100) == 7);
  CHECK(base::json_depth(nested(7), 3) == 4);
}

}  // namespace
}  // namespace kube::server::storage
