#include "tools/sparkcron/surroundings.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/files.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"

namespace sparkcron {
namespace {

// A variable of the environment while it lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    const char* was = std::getenv(name);
    had_ = was != nullptr;
    before_ = had_ ? was : "";
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { had_ ? ::setenv(name_, before_.c_str(), 1) : ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  bool had_ = false;
  std::string before_;
};

struct Case {
  const char* name;
  base::Result<std::string> (*find)(const std::string&);
  const char* program;
  const char* variable;
  const char* flag;
  const char* advice;
};

TEST_CASE("Spark and Java are where the flag says, else the environment, else it is said") {
  const Case cases[] = {
      {"Spark", find_spark_home, "spark-submit", "SPARK_HOME", "--spark-home",
       ": name the folder that Spark was unpacked to"},
      {"Java", [](const std::string& given) { return find_java_home(given, ""); }, "java",
       "JAVA_HOME", "--java-home", ": name the folder of a Java, or nothing for the java on PATH"}};
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const tests::Folder folder;
      const std::string home = folder.path() / "home";
      REQUIRE(base::make_folders(home + "/bin"));
      std::ofstream(home + "/bin/" + c.program) << "";
      const std::string nothing = folder.path() / "nothing";
      {
        const Variable variable(c.variable, home);
        CHECK(c.find("") == home);
        const auto wrong = c.find(nothing);
        REQUIRE_FALSE(wrong);
        CHECK(wrong.error().message ==
              std::string(c.flag) + " " + nothing + " has no bin/" + c.program + c.advice);
      }
      const Variable variable(c.variable, nothing);
      CHECK(c.find(home) == home);
      const auto wrong = c.find("");
      REQUIRE_FALSE(wrong);
      CHECK(wrong.error().message ==
            std::string(c.variable) + " " + nothing + " has no bin/" + c.program + c.advice);
    }
  }
}

TEST_CASE("the version of a Spark is that of its core library") {
  const tests::Folder folder;
  REQUIRE(base::make_folders(folder.path() / "jars"));
  CHECK(version_of_spark(folder.path()).empty());
  for (const char* jar :
       {"spark-core_2.13.txt", "spark-sql_2.13-3.0.0.jar", "spark-core_2.13-4.1.0-preview1.jar"})
    std::ofstream(folder.path() / "jars" / jar) << "";
  CHECK(version_of_spark(folder.path()) == "4.1.0-preview1");
  CHECK(version_of_spark(folder.path() / "nothing").empty());
}

// A folder's bin/java that may be run.
std::string make_java(const std::filesystem::path& home) {
  const std::filesystem::path java = home / "bin" / "java";
  REQUIRE(base::make_folders(java.parent_path()));
  std::ofstream(java) << "#!/bin/sh\n";
  std::filesystem::permissions(java, std::filesystem::perms::owner_all);
  return java;
}

TEST_CASE("a java on the service's PATH that pods would not find becomes their JAVA_HOME") {
  const tests::Folder folder;
  const std::filesystem::path home = std::filesystem::canonical(folder.path()) / "jdk";
  const std::string java = make_java(home);
  const std::filesystem::path links = folder.path() / "links";
  REQUIRE(base::make_folders(links));
  std::filesystem::create_symlink(java, links / "java");
  const Variable none("JAVA_HOME", "");
  SECTION("through a link") {
    const Variable path("PATH", "/nowhere:" + links.string());
    CHECK(find_java_home("", "/nowhere") == home.string());
  }
  SECTION("which they find themselves: it may be replaced while the service runs") {
    const Variable path("PATH", links.string());
    CHECK(find_java_home("", links.string()) == std::string());
  }
  SECTION("a version manager's script has no home") {
    const std::filesystem::path shims = folder.path() / "shims";
    std::filesystem::rename(folder.path() / "jdk" / "bin", shims);
    const Variable path("PATH", shims.string());
    CHECK(find_java_home("", "/nowhere") == std::string());
  }
}

TEST_CASE("without a java for the pods it is said where it was looked for and what to do") {
  const tests::Folder folder;
  const std::string java = make_java(folder.path());
  CHECK(check_java("/opt/java", ""));
  CHECK(check_java("", "/nowhere:" + (folder.path() / "bin").string()));
  const auto none = check_java("", "/nowhere::/usr/nothing");
  REQUIRE_FALSE(none);
  CHECK(none.error().message ==
        "no java found in /nowhere::/usr/nothing: every driver will fail until one is installed "
        "there; or restart with --java-home");
  std::filesystem::permissions(java, std::filesystem::perms::owner_read);
  CHECK_FALSE(check_java("", (folder.path() / "bin").string()));
}

}  // namespace
}  // namespace sparkcron
