#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/http/client.h"
#include "base/http/server.h"
#include "base/log.h"
#include "tests/support/catch.h"
#include "tests/unit/base/http/box.h"
#include "tests/unit/base/http/raw_connection.h"

namespace fs = std::filesystem;
namespace http = base::http;

namespace {

// A certificate for 127.0.0.1 that signs itself, made by the openssl program.
struct Identity {
  explicit Identity(const fs::path& folder)
      : certificate(folder / "tls.crt"), key(folder / "tls.key") {
    make();
  }
  void make() const {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 "
        "-subj /CN=test -addext subjectAltName=IP:127.0.0.1 -keyout " +
        key.string() + " -out " + certificate.string() + " 2>/dev/null";
    REQUIRE(std::system(command.c_str()) == 0);
  }
  [[nodiscard]] std::string pem() const {
    std::ostringstream text;
    text << std::ifstream(certificate).rdbuf();
    return text.str();
  }
  fs::path certificate;
  fs::path key;
};

struct Folder {
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "tls_test.XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

base::Result<http::Response> get(uint16_t port, const std::string& ca_pem) {
  auto client = http::Client::create(
      {.base_url = "https://127.0.0.1:" + std::to_string(port), .ca_pem = ca_pem});
  REQUIRE(client);
  return (*client)->send({.method = "GET", .path = "/"});
}

}  // namespace

TEST_CASE("TLS carries answers and streams, and renews its certificate", "[http]") {
  const Folder folder;
  const Identity identity(folder.path);
  const std::string big(3'000'000, 'x');
  auto server = http::Server::listen(
      {.tls_certificate_file = identity.certificate, .tls_key_file = identity.key},
      [&](const http::Request& request, auto responder) {
        if (request.path != "/stream")
          return responder->send({.status = 200, .headers = {}, .body = big});
        auto stream = responder->stream(200, {});
        for (int i = 0; i < 100; ++i)
          stream->write(std::make_shared<const std::string>("event\n"));
        stream->close();
      });
  REQUIRE(server);
  const uint16_t port = (*server)->port();
  const std::string first = identity.pem();

  SECTION("a whole answer") {
    const auto response = get(port, first);
    REQUIRE(response);
    CHECK((response->body == big));
  }
  SECTION("a stream, to its end") {
    auto client = http::Client::create(
        {.base_url = "https://127.0.0.1:" + std::to_string(port), .ca_pem = first});
    REQUIRE(client);
    const auto response = (*client)->send({.method = "GET", .path = "/stream"});
    REQUIRE(response);
    CHECK(response->body.size() == 600);
    CHECK((*client)->send({.method = "GET", .path = "/"}));
  }
  SECTION("a certificate that was renewed") {
    REQUIRE(get(port, first));
    identity.make();
    fs::last_write_time(identity.certificate,
                        fs::file_time_type::clock::now() + std::chrono::hours(1));
    CHECK_FALSE(get(port, first));
    CHECK(get(port, identity.pem()));
  }
  SECTION("a renewal that is broken keeps the old one") {
    base::set_log_level(base::LogLevel::Off);
    std::ofstream(identity.certificate) << "not a certificate";
    fs::last_write_time(identity.certificate,
                        fs::file_time_type::clock::now() + std::chrono::hours(1));
    CHECK(get(port, first));
    base::set_log_level(base::LogLevel::Info);
  }
  SECTION(
      "a renewal that was broken is in use once it is whole, whatever the clock of its files "
      "says") {
    base::set_log_level(base::LogLevel::Off);
    // As if all of it came within one tick.
    const auto tick = fs::file_time_type::clock::now() + std::chrono::hours(1);
    const auto stamp = [&] {
      for (const fs::path& file : {identity.certificate, identity.key})
        fs::last_write_time(file, tick);
    };
    std::ofstream(identity.certificate) << "half of";
    stamp();
    CHECK(get(port, first));
    identity.make();
    stamp();
    CHECK(get(port, identity.pem()));
    base::set_log_level(base::LogLevel::Info);
  }
  SECTION("plain text gets nothing, others go on") {
    tests::RawConnection plain(port);
    plain.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    CHECK_THAT(plain.read_to_end(), !Catch::Contains("HTTP"));
    CHECK(get(port, first));
  }
  SECTION("a handshake that never comes does not hold up the stop") {
    const tests::RawConnection silent(port);
    server->reset();
    CHECK_FALSE(get(port, first));
  }
}

TEST_CASE("certificates that cannot be used are named", "[http]") {
  const Folder folder;
  const Identity identity(folder.path);
  const auto refusal = [](const fs::path& certificate, const fs::path& key) {
    const auto server = http::Server::listen(
        {.tls_certificate_file = certificate, .tls_key_file = key}, [](auto&&...) {});
    REQUIRE_FALSE(server);
    CHECK(server.error().code == base::Code::InvalidArgument);
    return server.error().message;
  };
  const std::string missing = (folder.path / "missing").string();
  CHECK(refusal(missing, identity.key) ==
        "read TLS certificate " + missing + ": No such file or directory");
  CHECK(refusal(identity.certificate, missing) ==
        "read TLS key " + missing + ": No such file or directory");
  const fs::path text = folder.path / "text";
  std::ofstream(text) << "text";
  CHECK(refusal(text, identity.key) == "read TLS certificate " + text.string() + ": no start line");
  fs::create_directory(folder.path / "other");
  const Identity other(folder.path / "other");
  CHECK(refusal(identity.certificate, other.key) ==
        "read TLS key " + other.key.string() + ": key values mismatch");
}
