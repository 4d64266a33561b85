#include "tools/sparkctl/browser.h"

#include <filesystem>
#include <map>
#include <string>

#include "base/files.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/unit/tools/sparkctl/desk.h"

using sparkctl::Browser;
using sparkctl::browser_of;
namespace fs = std::filesystem;

namespace {

using Variables = std::map<std::string, std::string>;

std::function<std::string(const char*)> environment_of(Variables variables) {
  return [variables = std::move(variables)](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };
}

// A browser that writes down what it is asked for.
std::string fake_browser(const tests::Folder& folder) {
  const fs::path program = folder.path() / "browser";
  const std::string asked = (folder.path() / "asked").string();
  REQUIRE(base::write_plainly(
      program,
      "#!/bin/sh\nprintf %s \"$*\" > " + asked + ".new\nmv " + asked + ".new " + asked + "\n",
      0700));
  return program.string();
}

}  // namespace

TEST_CASE("the browser is the person's own, or the desktop's") {
  struct Case {
    std::string name;
    Variables variables;
    std::string program;
    std::string folder;
  };
  const Case cases[] = {
      {.name = "a desktop",
       .variables = {{"DISPLAY", ":0"}, {"HOME", "/home/a"}},
       .program = "xdg-open",
       .folder = "/home/a/.cache/sparkctl"},
      {.name = "Wayland",
       .variables = {{"WAYLAND_DISPLAY", "wayland-0"}, {"XDG_RUNTIME_DIR", "/run/user/1"}},
       .program = "xdg-open",
       .folder = "/run/user/1/sparkctl"},
      {.name = "the first of the list",
       .variables = {{"BROWSER", "firefox:lynx"}, {"XDG_CACHE_HOME", "/c"}},
       .program = "firefox",
       .folder = "/c/sparkctl"},
      {.name = "a command of a shell is none",
       .variables = {{"BROWSER", "firefox %s"}, {"DISPLAY", ":0"}, {"HOME", "/h"}},
       .program = "xdg-open",
       .folder = "/h/.cache/sparkctl"},
      {.name = "nobody would see it", .variables = {{"HOME", "/h"}}},
      {.name = "nowhere to put the file", .variables = {{"DISPLAY", ":0"}, {"HOME", "relative"}}},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const Browser browser = browser_of(environment_of(c.variables));
    CHECK(browser.program == c.program);
    CHECK(browser.folder == c.folder);
  }
}

TEST_CASE("the link is in a private file and never in a process's arguments") {
  const tests::Folder folder;
  const Browser browser{.program = fake_browser(folder),
                        .folder = (folder.path() / "run/sparkctl").string()};
  const std::string link = "https://127.0.0.1:1/dashboard/#login=a&b\"<c";
  REQUIRE(sparkctl::open_privately(browser, link));
  REQUIRE(tests::await([&] { return base::path_exists(folder.path() / "asked"); }));
  const fs::path page = folder.path() / "run/sparkctl/dashboard.html";
  CHECK(base::read_file(folder.path() / "asked").value() == "file://" + page.string());
  CHECK(base::read_file(page).value().find(
            "url=https://127.0.0.1:1/dashboard/#login=a&amp;b&quot;&lt;c\"") != std::string::npos);
  CHECK((fs::status(page).permissions() & fs::perms(0777)) == fs::perms(0600));
  CHECK_FALSE(sparkctl::open_privately({.program = "/nowhere", .folder = browser.folder}, link));
}

TEST_CASE("the dashboard is opened for a person who has a browser") {
  const tests::Folder folder;
  const Variables variables = {{"BROWSER", fake_browser(folder)},
                               {"XDG_RUNTIME_DIR", folder.path().string()}};
  struct Case {
    std::string name;
    sparkctl::Opening opening;
    sparkctl::Interactive interactive;
    bool opens;
  };
  const Case cases[] = {
      {.name = "asked not to",
       .opening = sparkctl::Opening::None,
       .interactive = sparkctl::Interactive::Yes,
       .opens = false},
      {.name = "a script reads it",
       .opening = sparkctl::Opening::Browser,
       .interactive = sparkctl::Interactive::No,
       .opens = false},
      {.name = "a person",
       .opening = sparkctl::Opening::Browser,
       .interactive = sparkctl::Interactive::Yes,
       .opens = true},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    tests::Desk desk;
    desk.answers["/dashboard/links"] = R"({"login": "secret"})";
    desk.session.server = "https://127.0.0.1:1";
    desk.session.environment = environment_of(variables);
    desk.session.interactive = c.interactive;
    REQUIRE(sparkctl::dashboard(desk.session, c.opening));
    CHECK(desk.out.str() == "https://127.0.0.1:1/dashboard/#login=secret\n");
    CHECK((desk.err.str().find("Opened in a browser") == 0) == c.opens);
    // Written before the browser is started.
    CHECK(base::path_exists(folder.path() / "sparkctl/dashboard.html") == c.opens);
  }
  CHECK(tests::await([&] { return base::path_exists(folder.path() / "asked"); }));
}
