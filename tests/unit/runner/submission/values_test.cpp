// The small functions that everything else rests on: memory, names, command lines.

#include <set>

#include <nlohmann/json.hpp>

#include "runner/submission/conf_folder.h"
#include "runner/submission/conf_resolution.h"
#include "runner/submission/memory.h"
#include "runner/submission/names.h"
#include "runner/submission/spark_version.h"
#include "runner/submission/submit_arguments.h"
#include "tests/support/catch.h"

using namespace runner::submission;

TEST_CASE("how much memory a driver's pod needs") {
  struct Case {
    const char* what;
    Conf conf;
    Language language;
    const char* version;
    int64_t mebibytes;
  };
  const Case cases[] = {
      {"JVM 1g", {}, Language::Jvm, "4.0.1", 1408},
      {"JVM 512m", {{"spark.driver.memory", "512m"}}, Language::Jvm, "4.0.1", 896},
      {"JVM 8g", {{"spark.driver.memory", "8g"}}, Language::Jvm, "4.0.1", 9011},
      {"JVM 7680m", {{"spark.driver.memory", "7680m"}}, Language::Jvm, "4.0.1", 8448},
      {"Python 1g", {}, Language::Python, "4.0.1", 1433},
      {"Python 512m", {{"spark.driver.memory", "512m"}}, Language::Python, "4.0.1", 896},
      {"Python 2g", {{"spark.driver.memory", "2g"}}, Language::Python, "4.0.1", 2867},
      {"R 1g", {}, Language::R, "4.0.1", 1433},
      {"a bare number is MiB", {{"spark.driver.memory", "2048"}}, Language::Jvm, "4.0.1", 2432},
      {"8g, factor 0.2",
       {{"spark.driver.memory", "8g"}, {"spark.driver.memoryOverheadFactor", "0.2"}},
       Language::Jvm,
       "4.0.1",
       9830},
      {"explicit overhead",
       {{"spark.driver.memory", "4g"}, {"spark.driver.memoryOverhead", "1g"}},
       Language::Jvm,
       "4.0.1",
       5120},
      {"4.0: a minimum of 500m",
       {{"spark.driver.minMemoryOverhead", "500m"}},
       Language::Jvm,
       "4.0.1",
       1524},
      {"3.5 has no such key",
       {{"spark.driver.minMemoryOverhead", "500m"}},
       Language::Jvm,
       "3.5.8",
       1408},
      {"a huge factor saturates",
       {{"spark.driver.memory", "1t"}, {"spark.driver.memoryOverheadFactor", "1e300"}},
       Language::Jvm,
       "4.0.1",
       1048576 + int64_t{2147483647}},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.what) {
      const auto memory = driver_memory(c.conf, c.language, *parse_spark_version(c.version));
      REQUIRE(memory.has_value());
      CHECK(memory->pod_mebibytes == c.mebibytes);
    }
  }
}

TEST_CASE("sizes") {
  constexpr int64_t kMi = int64_t{1} << 20;
  CHECK(parse_size("512m", SizeUnit::Byte) == 512 * kMi);
  CHECK(parse_size(" 3841MB ", SizeUnit::Byte) == 3841 * kMi);
  CHECK(parse_size("7", SizeUnit::Mebibyte) == 7 * kMi);
  CHECK(parse_size("7", SizeUnit::Byte) == 7);
  for (const char* bad : {"", "g", "1.5g", "-1g", "1Gi", "1 g", "9999999999g", "8192p", "1g1"}) {
    INFO(bad);
    CHECK_FALSE(parse_size(bad, SizeUnit::Byte).has_value());
  }
  CHECK(kubernetes_quantity("1500m") == "1500Mi");
  CHECK(kubernetes_quantity("2G") == "2Gi");
  CHECK(kubernetes_quantity("2048") == "2048");
  CHECK(kubernetes_quantity("2Gi") == "2Gi");
  CHECK_FALSE(kubernetes_quantity("lots").has_value());
}

TEST_CASE("a size of Kubernetes means in Spark what it says") {
  struct Case {
    const char* written;
    const char* size;  // nullptr: refused
  };
  constexpr Case kCases[] = {
      {"1Gi", "1024m"},    {"1.5Gi", "1536m"},      {"512Mi", "512m"},
      {"100Ki", "1m"},     {"2e9", "1908m"},        {"1G", "1G"},
      {"1g", "1g"},        {"512", "512"},          {"0Gi", "0m"},
      {"1Ti", "1048576m"}, {"1E", "953674316407m"}, {"1.5g", nullptr},
      {"1.5", nullptr},    {"", nullptr},           {"Gi", nullptr},
      {"-1Gi", nullptr},   {"1..5Gi", nullptr},     {"9Ei", nullptr},
      {"1e999", nullptr},  {"ten", nullptr},
  };
  for (const Case& c : kCases) {
    INFO(c.written);
    const auto size = spark_size(c.written);
    if (c.size == nullptr) {
      CHECK_FALSE(size.has_value());
    } else {
      REQUIRE(size.has_value());
      CHECK(*size == c.size);
    }
  }
  for (const char* good : {"500m", "2", "1.5", "2Gi", "1e3", "1E", "100k"}) {
    INFO(good);
    CHECK(is_quantity(good));
  }
  for (const char* bad : {"", "two", "1,5", "-1", "2g", "1e", "1e+", "m"}) {
    INFO(bad);
    CHECK_FALSE(is_quantity(bad));
  }
}

TEST_CASE("doubles are printed as Java prints them") {
  struct Case {
    double value;
    const char* text;
  };
  constexpr Case kCases[] = {{0.0, "0.0"},   {0.1, "0.1"},         {1.0, "1.0"},
                             {-0.1, "-0.1"}, {1.5, "1.5"},         {1e-5, "1.0E-5"},
                             {1e7, "1.0E7"}, {1.25e10, "1.25E10"}, {1234567.0, "1234567.0"}};
  for (const Case& c : kCases)
    CHECK(java_double(c.value) == c.text);
}

TEST_CASE("names") {
  struct Case {
    std::string name;
    std::string label;
    std::string prefix;
  };
  const std::string a63(63, 'a');
  const std::string a62(62, 'a');
  const Case cases[] = {
      {" Job+Spark-Pi 2021", "job-spark-pi-2021", "job-spark-pi-2021-u1"},
      {std::string(253, 'a'), a63, std::string(253, 'a') + "-u1"},
      {"-hello-", "hello", "hello-u1"},
      {a62 + "-aaa", a62, a62 + "-aaa-u1"},
      {"-" + a63, a62, a63 + "-u1"},
      {"_hello_", "hello", "hello-u1"},
      {"1st", "1st", "xst-u1"},
      {"日本語", "", "u1"},
      {"", "", "u1"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      CHECK(app_name_label(c.name) == c.label);
      CHECK(resource_name_prefix(c.name, "u1") == c.prefix);
    }
  }
}

TEST_CASE("ids follow from UID and attempt alone") {
  std::set<std::string> seen;
  for (const char* uid : {"a", "b"}) {
    for (int execution = 1; execution < 20; ++execution) {
      for (int submission = 1; submission < 20; ++submission) {
        const SubmissionIds ids = submission_ids(uid, execution, submission);
        CHECK(ids.app_id == submission_ids(uid, execution, submission).app_id);
        CHECK(ids.app_id.size() == 38);
        CHECK(ids.unique_id.size() == 16);
        CHECK(ids.unique_id.find_first_not_of("0123456789abcdef") == std::string::npos);
        CHECK(ids.unique_id.front() >= 'a');
        CHECK(seen.insert(ids.app_id).second);
        CHECK(seen.insert(ids.unique_id).second);
      }
    }
  }
}

TEST_CASE("names of volumes fit and stay different") {
  CHECK(volume_name("dummy-cm-vol") == "dummy-cm-vol");
  CHECK(volume_name("a.b") != volume_name("a-b"));
  const std::string long_name(80, 'x');
  CHECK(volume_name(long_name).size() == 63);
  CHECK(volume_name(long_name) != volume_name(long_name + "y"));
}

TEST_CASE("which paths are on the submitting machine") {
  for (const std::string_view path :
       {"/opt/a.jar", "a.jar", "file:/a", "file:///a", "FILE:///a", "./a:b"}) {
    INFO(path);
    CHECK(on_submitting_machine(path, FileUris::Submitters));
    // On one machine file: is a path of that machine, and so is a whole one.
    const bool from_a_folder = scheme_of(path).empty() && !path.starts_with('/');
    CHECK(on_submitting_machine(path, FileUris::Pods) == from_a_folder);
  }
  for (const char* path :
       {"local:///a", "s3a://b/a", "https://h/a", "hdfs://h/a",
        "file:///opt/sparkcron/files/x/a.jar", "file:/opt/sparkcron/files/x/a.jar"}) {
    INFO(path);
    CHECK_FALSE(on_submitting_machine(path, FileUris::Submitters));
  }
}

TEST_CASE("command lines that spark-submit would refuse") {
  struct Case {
    std::vector<std::string> arguments;
    const char* error;
  };
  const Case cases[] = {
      {{"--conf", "spark.x"}, "Spark config without '=': spark.x"},
      {{"--conf"}, "Missing argument for option --conf"},
      {{"--fly", "high", "a.jar"}, "Unrecognized option: --fly"},
      {{"--properties-file", "/none", "a.jar"}, "Properties file /none does not exist"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.error) {
      const auto read = read_submit_arguments(c.arguments, {});
      REQUIRE_FALSE(read.has_value());
      CHECK(read.error().message == c.error);
    }
  }
}

TEST_CASE("a conf folder gives what fits into one ConfigMap, the smallest first") {
  const auto data = conf_folder_files({{"big.txt", std::string(1 << 20, 'x')},
                                       {"small.txt", "s"},
                                       {"spark-defaults.conf", "x"},
                                       {"x.jar", "x"},
                                       {"binary", "\xff"}});
  CHECK(data.size() == 1);
  CHECK(data.contains("small.txt"));
}

TEST_CASE("whose rules a Spark version is submitted by") {
  struct Case {
    const char* written;
    int major;
    int minor;
    const char* warning;
  };
  constexpr Case kCases[] = {
      {"4.0.1", 4, 0, ""},
      {"3.5", 3, 5, ""},
      {"v3.1.1", 3, 1, ""},
      {"4", 4, 0, ""},
      {"4.1.0-preview1", 4, 1, ""},
      {"4.7.2", 4, 2, "Spark 4.7.2 is not known: it is submitted as Spark 4.2 would be"},
      {"12.0", 4, 2, "Spark 12.0 is not known: it is submitted as Spark 4.2 would be"},
      {"3.9.0", 3, 5, "Spark 3.9.0 is not known: it is submitted as Spark 3.5 would be"},
      {"2.4.5", 3, 0,
       "Spark 2.4.5 is not known: it is submitted as Spark 3.0 would be, and what is that old may "
       "not run"},
  };
  for (const Case& c : kCases) {
    DYNAMIC_SECTION(c.written) {
      const auto version = parse_spark_version(c.written);
      REQUIRE(version.has_value());
      CHECK(version->text == c.written);
      CHECK(version->major == c.major);
      CHECK(version->minor == c.minor);
      CHECK(version->warning == c.warning);
    }
  }
  for (const char* bad : {"", "four", "-1.2", "3.x", "3.5.8 ", "99999999999.1", "v", "3,5"}) {
    INFO(bad);
    CHECK_FALSE(parse_spark_version(bad).has_value());
  }
}

TEST_CASE("a rule holds from its line on") {
  const auto has = [](const char* version, Rule rule) {
    return parse_spark_version(version)->has(rule);
  };
  CHECK_FALSE(has("3.0.3", Rule::NfsVolumes));
  CHECK(has("3.1.3", Rule::NfsVolumes));
  CHECK_FALSE(has("3.5.8", Rule::ClaimsForOnePod));
  CHECK(has("4.0.0", Rule::ClaimsForOnePod));
  CHECK_FALSE(has("4.1.4", Rule::NetworkPolicies));
  CHECK(has("5.0", Rule::NetworkPolicies));
  CHECK(has("5.0", Rule::ArchivesTravel));
}
