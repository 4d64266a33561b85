#include "tools/sparkcron/surroundings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include <pwd.h>
#include <unistd.h>

namespace sparkcron {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_spark(const fs::path& home) {
  std::error_code problem;
  return fs::exists(home / "bin" / "spark-submit", problem);
}

// As it was given when the working directory is gone.
std::string absolute_path(const fs::path& path) {
  std::error_code problem;
  const fs::path absolute = fs::absolute(path, problem);
  return (problem ? path : absolute).lexically_normal().string();
}

// <venv>/lib/python3.x/site-packages/pyspark
fs::path pyspark_of(const fs::path& venv) {
  std::error_code problem;
  fs::directory_iterator entry(venv / "lib", problem);
  for (const fs::directory_iterator end; !problem && entry != end; entry.increment(problem)) {
    fs::path home = entry->path() / "site-packages" / "pyspark";
    if (is_spark(home)) return home;
  }
  return {};
}

// The first program of this name in a list of folders like PATH's; empty when there is none.
fs::path java_in(std::string_view path) {
  while (!path.empty()) {
    const std::string_view folder = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(path.size(), folder.size() + 1));
    if (folder.empty()) continue;
    fs::path java = fs::path(folder) / "java";
    if (::access(java.c_str(), X_OK) == 0) return java;
  }
  return {};
}

// Of a java that is a link into its home; empty when it is none (a version manager's script).
std::string home_of(const fs::path& java) {
  std::error_code problem;
  const fs::path program = fs::canonical(java, problem);
  if (problem || program.parent_path().filename() != "bin") return {};
  return program.parent_path().parent_path().string();
}

}  // namespace

base::Result<std::string> find_spark_home(const std::string& given) {
  const std::string named = given.empty() ? variable("SPARK_HOME") : given;
  if (!named.empty()) {
    if (is_spark(named)) return absolute_path(named);
    return base::failure(
        base::Code::InvalidArgument,
        std::string(given.empty() ? "SPARK_HOME" : "--spark-home") + " " + named +
            " has no bin/spark-submit: name the folder that Spark was unpacked to");
  }
  std::vector<fs::path> places;
  std::error_code problem;
  if (fs::path here = fs::current_path(problem); !problem) places.push_back(std::move(here));
  // A program in build/release/bin belongs to the checkout three folders up.
  fs::path folder = fs::path(own_path()).parent_path();
  for (int up = 0; up < 4 && !folder.empty(); ++up, folder = folder.parent_path())
    places.push_back(folder);
  for (const fs::path& place : places) {
    if (const fs::path home = pyspark_of(place / ".venv"); !home.empty()) return home.string();
  }
  return base::failure(
      base::Code::InvalidArgument,
      "no Spark found: give --spark-home or SPARK_HOME, or run tools/bootstrap run, which puts "
      "pyspark into .venv");
}

std::string version_of_spark(const std::string& home) {
  // spark-core_2.13-4.0.1.jar
  constexpr std::string_view kCore = "spark-core_";
  std::error_code problem;
  fs::directory_iterator jars(fs::path(home) / "jars", problem);
  for (; !problem && jars != fs::directory_iterator(); jars.increment(problem)) {
    const std::string name = jars->path().stem().string();
    if (!name.starts_with(kCore) || jars->path().extension() != ".jar") continue;
    const size_t hyphen = name.find('-', kCore.size());
    if (hyphen != std::string::npos) return name.substr(hyphen + 1);
  }
  return {};
}

base::Result<std::string> find_java_home(const std::string& given, std::string_view pods_path) {
  const std::string named = given.empty() ? variable("JAVA_HOME") : given;
  std::error_code problem;
  if (named.empty())
    return java_in(pods_path).empty() ? home_of(java_in(variable("PATH"))) : std::string();
  if (fs::exists(fs::path(named) / "bin" / "java", problem)) return absolute_path(named);
  return base::failure(base::Code::InvalidArgument,
                       std::string(given.empty() ? "JAVA_HOME" : "--java-home") + " " + named +
                           " has no bin/java: name the folder of a Java, or nothing for the java "
                           "on PATH");
}

base::Status check_java(const std::string& java_home, std::string_view pods_path) {
  if (!java_home.empty() || !java_in(pods_path).empty()) return {};
  return base::failure(base::Code::NotFound,
                       "no java found in " + std::string(pods_path) +
                           ": every driver will fail until one is installed there; or restart "
                           "with --java-home");
}

std::string node_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) return "localhost";
  std::string name = host.data();
  for (char& c : name) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '.') c = '-';
  }
  const auto is_edge = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; };
  name.erase(name.begin(), std::find_if_not(name.begin(), name.end(), is_edge));
  name.erase(std::find_if_not(name.rbegin(), name.rend(), is_edge).base(), name.end());
  return name.empty() ? "localhost" : name;
}

std::string user_name() {
  const passwd* user = ::getpwuid(::geteuid());
  return user != nullptr && user->pw_name != nullptr ? user->pw_name : std::to_string(::geteuid());
}

std::string own_path() {
  std::error_code problem;
  const fs::path path = fs::read_symlink("/proc/self/exe", problem);
  return problem ? std::string() : path.string();
}

}  // namespace sparkcron
