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
  const Case cases[] = {{"Spark", find_spark_home, "spark-submit", "SPARK_HOME", "--spark-home",
                         ": name the folder that Spark was unpacked to"},
                        {"Java", find_java_home, "java", "JAVA_HOME", "--java-home",
                         ": name the folder of a Java, or nothing for the java on PATH"}};
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

}  // namespace
}  // namespace sparkcron
