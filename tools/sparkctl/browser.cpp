#include "tools/sparkctl/browser.h"

#include <filesystem>

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include "base/files.h"

namespace sparkctl {
namespace {

std::string folder_of(const std::function<std::string(const char*)>& environment) {
  for (const char* name : {"XDG_RUNTIME_DIR", "XDG_CACHE_HOME"})
    if (const std::string folder = environment(name); folder.starts_with('/')) return folder;
  const std::string home = environment("HOME");
  return home.starts_with('/') ? home + "/.cache" : "";
}

// In quotes of HTML.
std::string quoted(const std::string& link) {
  std::string text;
  for (const char c : link) {
    if (c == '"') {
      text += "&quot;";
    } else if (c == '&') {
      text += "&amp;";
    } else if (c == '<') {
      text += "&lt;";
    } else {
      text += c;
    }
  }
  return text;
}

// A session of its own: Ctrl-C in the terminal does not end it. What browsers say on their standard
// output is for nobody.
base::Status start(const std::string& program, const std::string& address) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::string name = program;
  std::string file = address;
  char* const arguments[] = {name.data(), file.data(), nullptr};
  pid_t pid = 0;
  const int failed =
      ::posix_spawnp(&pid, name.c_str(), &actions, &attributes, arguments, ::environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return base::failure(base::system_error("start " + program, failed));
  return {};
}

}  // namespace

Browser browser_of(const std::function<std::string(const char* name)>& environment) {
  const std::string folder = folder_of(environment);
  if (folder.empty()) return {};
  const std::string list = environment("BROWSER");
  std::string program = list.substr(0, list.find(':'));
  // An entry with an argument in it is a command of a shell, not a program.
  if (program.find_first_of("% ") != std::string::npos) program.clear();
  const bool graphical = !environment("DISPLAY").empty() || !environment("WAYLAND_DISPLAY").empty();
  if (program.empty() && graphical) program = "xdg-open";
  if (program.empty()) return {};
  return {.program = program, .folder = folder + "/sparkctl"};
}

base::Status open_privately(const Browser& browser, const std::string& link) {
  RETURN_IF_ERROR(base::make_folders(browser.folder));
  const std::string page = browser.folder + "/dashboard.html";
  RETURN_IF_ERROR(base::write_durably(
      page,
      "<!doctype html><meta charset=\"utf-8\"><title>sparkcron</title>"
      "<meta name=\"referrer\" content=\"no-referrer\">"
      "<meta http-equiv=\"refresh\" content=\"0; url=" +
          quoted(link) + "\"><a href=\"" + quoted(link) + "\">sparkcron</a>\n"));
  return start(browser.program, "file://" + page);
}

}  // namespace sparkctl
