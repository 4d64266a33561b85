#include "tools/sparkcron/certificate.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

#include "tests/support/catch.h"

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
  std::string pattern = std::filesystem::temp_directory_path() / "certificate-XXXXXX";
  const std::string folder = ::mkdtemp(pattern.data());
  const CertificateFiles files{.certificate = folder + "/tls.crt", .key = folder + "/tls.key"};

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
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sparkcron
