#include "tools/sparkcron/certificate.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

#include "tests/support/catch.h"
#include "tests/support/folder.h"

namespace sparkcron {
namespace {

const base::WallTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};

std::string content(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST_CASE("a certificate is made once, and anew when it will not do") {
  const tests::Folder folder;
  const CertificateFiles files{.certificate = folder.path() / "tls.crt",
                               .key = folder.path() / "tls.key"};

  REQUIRE(ensure_certificate(files, "127.0.0.1", kNow).has_value());
  const std::string first = content(files.certificate);
  CHECK(first.find("BEGIN CERTIFICATE") != std::string::npos);

  REQUIRE(ensure_certificate(files, "localhost", kNow).has_value());
  CHECK(content(files.certificate) == first);

  REQUIRE(ensure_certificate(files, "10.1.2.3", kNow).has_value());
  const std::string other_host = content(files.certificate);
  CHECK(other_host != first);

  REQUIRE(ensure_certificate(files, "10.1.2.3", kNow + std::chrono::days{3630}).has_value());
  const std::string renewed = content(files.certificate);
  CHECK(renewed != other_host);

  std::ofstream(files.key) << "broken";
  REQUIRE(ensure_certificate(files, "10.1.2.3", kNow + std::chrono::days{3630}).has_value());
  CHECK(content(files.certificate) != renewed);
}

TEST_CASE("a key behind a planted link, or of another user, is refused and not replaced") {
  const tests::Folder folder;
  const CertificateFiles files{.certificate = folder.path() / "tls.crt",
                               .key = folder.path() / "tls.key"};
  REQUIRE(ensure_certificate(files, "127.0.0.1", kNow).has_value());
  const std::string certificate = content(files.certificate);
  std::string message;
  SECTION("a link") {
    std::filesystem::rename(files.key, folder.path() / "elsewhere");
    std::filesystem::create_symlink(folder.path() / "elsewhere", files.key);
    REQUIRE(std::filesystem::is_symlink(files.key));
    message = files.key + " is a symbolic link: remove it";
  }
  SECTION("another user's") {
    if (::geteuid() != 0) return;  // only root can give files away
    REQUIRE(::chown(files.key.c_str(), 65534, 65534) == 0);
    message = files.key + " belongs to user 65534: remove it, or choose another folder";
  }
  const auto made = ensure_certificate(files, "127.0.0.1", kNow);
  REQUIRE_FALSE(made);
  CHECK(made.error().message == message);
  CHECK(content(files.certificate) == certificate);
}

}  // namespace
}  // namespace sparkcron
