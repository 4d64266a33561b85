#include "tools/sparkctl/upload.h"

#include <filesystem>
#include <map>
#include <sstream>
#include <string>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/files.h"
#include "base/json.h"
#include "config/names.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/folder.h"
#include "tests/support/memory_api.h"
#include "tools/sparkctl/commands.h"

namespace {

using base::Code;
using kube::Json;
using namespace sparkctl;

// A folder with files and manifests, and an API in memory.
struct Desk {
  tests::Folder folder;
  tests::FakeClock clock;
  tests::MemoryApi api{clock};
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  std::map<std::string, std::string> variables;
  Session session{.api = api,
                  .logs = {},
                  .raw = {},
                  .environment = [this](const char* name) { return variables[name]; },
                  .clock = clock,
                  .in = in,
                  .out = out,
                  .err = err,
                  .ns = "team"};

  std::string file(const std::string& name, const std::string& bytes) const {
    const auto path = folder.path() / name;
    REQUIRE(base::make_folders(path.parent_path()));
    REQUIRE(base::write_plainly(path, bytes));
    return path.string();
  }
  std::string manifest(const std::string& name, const Json& spec,
                       const std::string& kind = config::kApplicationKind) const {
    return file(name + ".yaml", Json{{"apiVersion", config::kApiVersion},
                                     {"kind", kind},
                                     {"metadata", {{"name", name}}},
                                     {"spec", spec}}
                                    .dump());
  }
  base::Status send(const std::vector<std::string>& manifests, const std::string& to = "") {
    UploadOptions options;
    options.wanted = true;
    options.to.url = to;
    return create(session, manifests, options);
  }
  Json app(const std::string& name) {
    return api.peek(config::spark_applications(), {"team", name});
  }
  std::vector<Json> maps() const {
    std::vector<Json> found;
    for (const Json& object : api.all())
      if (base::string_at(object, {"kind"}) == "ConfigMap") found.push_back(object);
    return found;
  }
};

}  // namespace

TEST_CASE("files that a manifest names become ConfigMaps that the driver mounts") {
  Desk desk;
  desk.file("job.py", "print(1)\n");
  const std::string elsewhere = desk.file("lib/tools.zip", std::string("PK\0\xff", 4));
  REQUIRE(desk.send(
      {desk.manifest("pi", {{"mainApplicationFile", "job.py"},
                            {"deps",
                             {{"pyFiles", {"file://" + elsewhere, "s3a://b/x.py"}},
                              {"archives", {"lib/tools.zip#tools", "local:///opt/a.zip"}}}}})}));
  CHECK(desk.err.str().empty());

  const Json app = desk.app("pi");
  const Json& spec = app["spec"];
  const auto maps = desk.maps();
  REQUIRE(maps.size() == 2);
  std::map<std::string, std::string> names;  // of the maps, by file
  for (const Json& map : maps) {
    CHECK(map["metadata"]["labels"][config::kUploadLabel] == "true");
    CHECK(map["immutable"] == true);
    // It goes with the last of its users.
    REQUIRE(map["metadata"]["ownerReferences"].size() == 1);
    CHECK(map["metadata"]["ownerReferences"][0]["uid"] == app["metadata"]["uid"]);
    for (const auto& [key, value] : map["binaryData"].items())
      names[key] = map["metadata"]["name"].get<std::string>();
  }
  const auto folder = [&](const std::string& file) {
    return "/opt/sparkcron/files/" + names[file].substr(std::string("sparkctl-").size());
  };
  CHECK(spec["mainApplicationFile"] == "file://" + folder("job.py") + "/job.py");
  CHECK(spec["deps"]["pyFiles"] ==
        Json({"file://" + folder("tools.zip") + "/tools.zip", "s3a://b/x.py"}));
  CHECK(spec["deps"]["archives"] ==
        Json({"file://" + folder("tools.zip") + "/tools.zip#tools", "local:///opt/a.zip"}));
  CHECK(spec["driver"]["configMaps"] ==
        Json({{{"name", names["job.py"]}, {"path", folder("job.py")}},
              {{"name", names["tools.zip"]}, {"path", folder("tools.zip")}}}));
  CHECK_THAT(desk.out.str(), Catch::StartsWith("job.py sent: configmap/" + names["job.py"] + "\n"));
}

TEST_CASE("the same file is not sent twice, and belongs to all that use it") {
  Desk desk;
  desk.file("job.py", "print(1)\n");
  const Json spec = {{"mainApplicationFile", "job.py"}};
  REQUIRE(desk.send({desk.manifest("one", spec), desk.manifest("two", spec)}));
  REQUIRE(desk.send({desk.manifest("nightly", {{"template", spec}}, config::kScheduleKind)}));
  REQUIRE(desk.maps().size() == 1);
  CHECK(desk.maps()[0]["metadata"]["ownerReferences"].size() == 3);
  CHECK_THAT(desk.out.str(), Catch::Contains("job.py is there already: configmap/sparkctl-"));
  const Json schedule = desk.api.peek(config::scheduled_spark_applications(), {"team", "nightly"});
  CHECK_THAT(schedule["spec"]["template"]["mainApplicationFile"].get<std::string>(),
             Catch::StartsWith("file:///opt/sparkcron/files/"));

  // Another content is another file, another name too.
  desk.file("job.py", "print(2)\n");
  REQUIRE(desk.send({desk.manifest("three", spec)}));
  CHECK(desk.maps().size() == 2);
}

TEST_CASE("nothing is sent and nothing created when a file cannot be") {
  struct Case {
    const char* name;
    Json spec;
    const char* to;
    Code code;
    const char* error;  // FOLDER stands for the folder
  };
  const Case cases[] = {
      {.name = "missing",
       .spec = {{"mainApplicationFile", "job.py"}, {"deps", {{"jars", {"no.jar"}}}}},
       .to = "",
       .code = Code::NotFound,
       .error =
           "FOLDER/app.yaml: spec.deps.jars[0]: read FOLDER/no.jar: No such file or directory"},
      {.name = "a folder",
       .spec = {{"mainApplicationFile", "job.py"}, {"deps", {{"files", {"data"}}}}},
       .to = "",
       .code = Code::InvalidArgument,
       .error = "FOLDER/app.yaml: spec.deps.files[0]: FOLDER/data is a folder: pack it into a .zip "
                "or .tar.gz"},
      {.name = "a name that cannot travel",
       .spec = {{"mainApplicationFile", "my job.py"}},
       .to = "",
       .code = Code::InvalidArgument,
       .error = "FOLDER/app.yaml: spec.mainApplicationFile: FOLDER/my job.py: the name of a file "
                "that is sent may have letters, digits, '.', '-' and '_' only"},
      {.name = "too large for a ConfigMap",
       .spec = {{"mainApplicationFile", "job.py"}, {"deps", {{"jars", {"big.jar"}}}}},
       .to = "",
       .code = Code::TooLarge,
       .error = "FOLDER/app.yaml: spec.deps.jars[0]: FOLDER/big.jar has 1.1 MiB, and a ConfigMap "
                "holds 1 MiB: name a bucket or, for a service on this machine, a folder with "
                "--upload-to"},
      {.name = "a bucket without credentials",
       .spec = {{"mainApplicationFile", "job.py"}},
       .to = "s3://files",
       .code = Code::InvalidArgument,
       .error =
           "--upload-to: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set; or give "
           "--upload-credentials-file"},
      {.name = "no place",
       .spec = {{"mainApplicationFile", "job.py"}},
       .to = "files",
       .code = Code::InvalidArgument,
       .error = "--upload-to: \"files\": s3://BUCKET or s3://BUCKET/PREFIX expected"},
      {.name = "a driver that is none",
       .spec = {{"mainApplicationFile", "job.py"}, {"driver", "x"}},
       .to = "",
       .code = Code::InvalidArgument,
       .error = "FOLDER/app.yaml: driver must be an object, and driver.configMaps a list"},
  };
  for (const Case& one : cases) {
    INFO(one.name);
    Desk desk;
    desk.file("job.py", "print(1)\n");
    desk.file("my job.py", "print(1)\n");
    desk.file("data/a.csv", "a\n");
    desk.file("big.jar", std::string((size_t{1} << 20) + 1, 'x'));
    const auto done = desk.send({desk.manifest("app", one.spec)}, one.to);
    REQUIRE_FALSE(done);
    std::string expected = one.error;
    for (size_t at = expected.find("FOLDER"); at != std::string::npos; at = expected.find("FOLDER"))
      expected.replace(at, 6, desk.folder.path().string());
    CHECK(done.error().message == expected);
    CHECK(done.error().code == one.code);
    CHECK(desk.api.all().empty());
  }
}

TEST_CASE("of an application that is refused no ConfigMap is left") {
  Desk desk;
  desk.file("one.py", "print(1)\n");
  desk.file("two.py", "print(2)\n");
  const auto one = desk.manifest("one", {{"mainApplicationFile", "one.py"}});
  const auto two = desk.manifest("two", {{"mainApplicationFile", "two.py"}});
  REQUIRE(desk.send({one}));
  // Its file was there before, so it stays.
  CHECK(desk.send({one}).error().code == Code::AlreadyExists);
  CHECK(desk.maps().size() == 1);
  // The second object of a call is refused: the first one keeps its file.
  CHECK(desk.send({two, one}).error().code == Code::AlreadyExists);
  CHECK(desk.maps().size() == 2);
  const auto three = desk.manifest("two", {{"deps", {{"files", {"one.yaml"}}}}});
  CHECK(desk.send({three}).error().code == Code::AlreadyExists);
  CHECK(desk.maps().size() == 2);
}

TEST_CASE("a ConfigMap that goes with its last user while another one comes is made again") {
  Desk desk;
  desk.file("job.py", "print(1)\n");
  const Json spec = {{"mainApplicationFile", "job.py"}};
  REQUIRE(desk.send({desk.manifest("one", spec)}));
  const kube::ObjectKey key = kube::key_of(desk.maps().at(0));
  desk.api.on_create = [&](const kube::ResourceType& type) {
    if (type == config::spark_applications())
      CHECK(desk.api.remove(kube::config_maps(), key, {}).has_value());
  };
  REQUIRE(desk.send({desk.manifest("two", spec)}));
  const Json map = desk.api.peek(kube::config_maps(), key);
  REQUIRE(map.is_object());
  CHECK(map["metadata"]["ownerReferences"][0]["name"] == "two");
  CHECK(map["binaryData"]["job.py"] == base::encode_base64("print(1)\n"));
}

TEST_CASE("a ConfigMap of the name that holds something else is not used") {
  Desk desk;
  desk.file("job.py", "print(1)\n");
  REQUIRE(desk.send({desk.manifest("one", {{"mainApplicationFile", "job.py"}})}));
  Json map = desk.maps().at(0);
  map["binaryData"]["job.py"] = base::encode_base64("print('mine')\n");
  REQUIRE(desk.api.update(kube::config_maps(), map, ""));
  const auto done = desk.send({desk.manifest("two", {{"mainApplicationFile", "job.py"}})});
  REQUIRE_FALSE(done);
  CHECK_THAT(done.error().message, Catch::Contains("spec.mainApplicationFile: ConfigMap team/") &&
                                       Catch::EndsWith("holds something else: delete it"));
  CHECK(desk.app("two").is_null());
}

TEST_CASE("files go into a folder that pods of this machine see") {
  Desk desk;
  desk.file("job.py", "print(1)\n");
  desk.file("big.jar", std::string((size_t{1} << 20) + 1, 'x'));
  const std::string to = (desk.folder.path() / "shared").string();
  const Json spec = {{"mainApplicationFile", "job.py"}, {"deps", {{"jars", {"big.jar"}}}}};
  REQUIRE(desk.send({desk.manifest("one", spec)}, to));
  REQUIRE(desk.send({desk.manifest("two", spec)}, to));
  CHECK(desk.maps().empty());
  const std::string uri = desk.app("one")["spec"]["mainApplicationFile"].get<std::string>();
  CHECK_THAT(uri, Catch::StartsWith("file://" + to + "/") && Catch::EndsWith("/job.py"));
  CHECK(desk.app("two")["spec"] == desk.app("one")["spec"]);
  CHECK(base::read_file(uri.substr(7)).value() == "print(1)\n");
  CHECK(base::list_folder(to)->size() == 2);
  CHECK_THAT(desk.out.str(), Catch::Contains("job.py is there already: " + to));
}

// Run by tests/s3/s3_test.py against a server that checks signatures.
TEST_CASE("files go into a bucket of a real store", "[.s3]") {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  Desk desk;
  desk.variables = {{"AWS_ACCESS_KEY_ID", variable("SPARKCRON_TEST_S3_ID")},
                    {"AWS_SECRET_ACCESS_KEY", variable("SPARKCRON_TEST_S3_SECRET")}};
  const std::string big((size_t{9} << 20) + 1, 'x');
  desk.file("big.jar", big);
  desk.file("job.py", "print(1)\n");
  const Json spec = {{"mainApplicationFile", "job.py"}, {"deps", {{"jars", {"big.jar"}}}}};
  UploadOptions options;
  options.wanted = true;
  options.to.url = "s3://logs/files";
  options.to.endpoint = variable("SPARKCRON_TEST_S3");
  REQUIRE(create(desk.session, {desk.manifest("one", spec)}, options));
  REQUIRE(create(desk.session, {desk.manifest("two", spec)}, options));
  const Json app = desk.app("one");
  const std::string uri = app["spec"]["deps"]["jars"][0].get<std::string>();
  CHECK_THAT(uri, Catch::StartsWith("s3a://logs/files/") && Catch::EndsWith("/big.jar"));
  CHECK(app["spec"]["hadoopConf"]["fs.s3a.endpoint"] == options.to.endpoint);
  CHECK(app["spec"]["hadoopConf"]["fs.s3a.path.style.access"] == "true");
  CHECK_THAT(desk.out.str(), Catch::Contains("big.jar sent: " + uri) &&
                                 Catch::Contains("big.jar is there already: " + uri));
  const auto bucket = base::s3::resolve(options.to, desk.session.environment).value().bucket;
  CHECK(base::s3::Bucket(bucket).get(uri.substr(std::string("s3a://logs/").size())).value() == big);

  options.to.url = "s3://nothing";
  const auto missing = create(desk.session, {desk.manifest("three", spec)}, options);
  REQUIRE_FALSE(missing);
  CHECK_THAT(missing.error().message,
             Catch::Contains("three.yaml: spec.mainApplicationFile: put ") &&
                 Catch::Contains(" into bucket nothing: HTTP 404 NoSuchBucket"));
  CHECK(desk.app("three").is_null());
}
