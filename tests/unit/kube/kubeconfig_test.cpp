#include "kube/kubeconfig.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kube/token_file.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace {

using base::Code;
using kube::load_kubeconfig;

// A folder of its own, gone at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "kubeconfig-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string config(const std::string& cluster, const std::string& user,
                   const std::string& context = "namespace: team") {
  return "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
         "contexts:\n- name: here\n  context: {cluster: c, user: u, " +
         context +
         "}\n"
         "clusters:\n- name: c\n  cluster: {" +
         cluster + "}\nusers:\n- name: u\n  user: {" + user + "}\n";
}

TEST_CASE("what stands in a kubeconfig reaches the client") {
  const Folder folder;
  folder.write("ca.crt", "CA");
  folder.write("token", "from-file\n");
  SECTION("inline data and a client certificate") {
    const auto got = load_kubeconfig({folder.write(
        "config", config("server: 'https://h:6443/', certificate-authority-data: Q0E=, "
                         "tls-server-name: other, proxy-url: 'http://p:3128'",
                         "client-certificate-data: Q0VSVA==, client-key-data: S0VZ"))});
    REQUIRE(got.has_value());
    CHECK(got->client.base_url == "https://h:6443");
    CHECK(got->client.ca_pem == "CA");
    CHECK(got->client.tls_server_name == "other");
    CHECK(got->client.proxy == "http://p:3128");
    CHECK(got->client.client_certificate_pem == "CERT");
    CHECK(got->client.client_key_pem == "KEY");
    CHECK_FALSE(got->client.bearer_token);
    CHECK(got->ns == "team");
    CHECK(got->context == "here");
  }
  SECTION("files, relative to the kubeconfig") {
    const auto good = load_kubeconfig(
        {folder.write("config", config("server: https://h, certificate-authority: ca.crt",
                                       "tokenFile: token", ""))});
    REQUIRE(good.has_value());
    CHECK(good->client.ca_pem == "CA");
    CHECK(good->client.bearer_token() == "from-file");
    CHECK(good->ns == "default");
  }
  SECTION("a token, basic, no verification") {
    const auto got = load_kubeconfig(
        {folder.write("config", config("server: http://h, insecure-skip-tls-verify: true",
                                       "token: abc, username: nick, password: p"))});
    REQUIRE(got.has_value());
    CHECK(got->client.bearer_token() == "abc");
    CHECK(got->client.username == "nick");
    CHECK(got->client.password == "p");
    CHECK(got->client.insecure_skip_tls_verify);
  }
}

TEST_CASE("several files are merged and the first definition counts") {
  const Folder folder;
  const std::string first = folder.write("one", config("server: http://one", "token: t1"));
  const std::string second = folder.write(
      "two",
      "current-context: far\ncontexts:\n- name: far\n  context: {cluster: d, user: u}\n"
      "clusters:\n- name: c\n  cluster: {server: http://other}\n"
      "- name: d\n  cluster: {server: http://two}\n");
  const auto here = load_kubeconfig({folder.path("missing"), first, second});
  REQUIRE(here.has_value());
  CHECK(here->client.base_url == "http://one");
  const auto far = load_kubeconfig({first, second}, "far");
  REQUIRE(far.has_value());
  CHECK(far->client.base_url == "http://two");
  CHECK(far->client.bearer_token() == "t1");
}

TEST_CASE("what cannot be used says why") {
  const Folder folder;
  struct Case {
    const char* name;
    std::string text;
    std::string context;
    Code code;
    std::string message;  // after "FILE: " unless it starts with "="
  };
  const Case cases[] = {
      {.name = "an exec plugin of an old version",
       .text = config("server: http://h",
                      "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: aws}"),
       .context = "",
       .code = Code::Unimplemented,
       .message = "user \"u\": exec.apiVersion \"client.authentication.k8s.io/v1alpha1\": "
                  "client.authentication.k8s.io/v1 or v1beta1 expected"},
      {.name = "an exec plugin that wants a terminal",
       .text = config("server: http://h",
                      "exec: {apiVersion: client.authentication.k8s.io/v1, "
                      "command: aws, interactiveMode: Always}"),
       .context = "",
       .code = Code::Unimplemented,
       .message = "user \"u\": exec.interactiveMode Always: there is no terminal here"},
      {.name = "an exec plugin without a command",
       .text =
           config("server: http://h", "exec: {apiVersion: client.authentication.k8s.io/v1beta1}"),
       .context = "",
       .code = Code::InvalidArgument,
       .message = "user \"u\": exec has no command"},
      {.name = "an auth provider",
       .text = config("server: http://h", "auth-provider: {name: gcp}"),
       .context = "",
       .code = Code::Unimplemented,
       .message = "user \"u\" uses an auth provider (gcp), which is not supported; use a token, a "
                  "client certificate or a service account"},
      {.name = "impersonation",
       .text = config("server: http://h", "as: root"),
       .context = "",
       .code = Code::Unimplemented,
       .message = "user \"u\" uses impersonation, which is not supported; use a token, a client "
                  "certificate or a service account"},
      {.name = "no server",
       .text = config("", "token: t"),
       .context = "",
       .code = Code::InvalidArgument,
       .message = "the cluster has no server"},
      {.name = "an unknown context",
       .text = config("server: http://h", "token: t"),
       .context = "there",
       .code = Code::InvalidArgument,
       .message = "=kubeconfig has no context \"there\""},
      {.name = "no context",
       .text = "kind: Config\n",
       .context = "",
       .code = Code::InvalidArgument,
       .message = "no current-context"},
      {.name = "bad base64",
       .text = config("server: http://h, certificate-authority-data: '!'", "token: t"),
       .context = "",
       .code = Code::InvalidArgument,
       .message = "certificate-authority-data: not base64"},
      {.name = "not a kubeconfig",
       .text = "- a\n",
       .context = "",
       .code = Code::InvalidArgument,
       .message = "not a kubeconfig"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const std::string file = folder.write("config", c.text);
      const auto got = load_kubeconfig({file}, c.context);
      REQUIRE_FALSE(got.has_value());
      CHECK(got.error().code == c.code);
      CHECK(got.error().message ==
            (c.message[0] == '=' ? c.message.substr(1) : file + ": " + c.message));
    }
  }
  const auto missing = load_kubeconfig({folder.path("nowhere")});
  CHECK(missing.error().code == Code::NotFound);
  CHECK(missing.error().message ==
        "read " + folder.path("nowhere") + ": No such file or directory");
  CHECK(load_kubeconfig({}).error().message == "no kubeconfig given");
}

TEST_CASE("a pod finds its API server") {
  const Folder folder;
  folder.write("ca.crt", "CA");
  folder.write("token", "t");
  folder.write("namespace", "jobs");
  const auto got =
      kube::load_in_cluster({.folder = folder.path(""), .host = "fd00::1", .port = "443"});
  REQUIRE(got.has_value());
  CHECK(got->client.base_url == "https://[fd00::1]:443");
  CHECK(got->client.ca_pem == "CA");
  CHECK(got->client.bearer_token() == "t");
  CHECK(got->ns == "jobs");
  CHECK(kube::load_in_cluster({}).error().message == "not running in a cluster");
}

TEST_CASE("a token that changes in its file is read again, and one that vanishes stays") {
  const Folder folder;
  tests::FakeClock clock;
  const std::string path = folder.write("token", "one\n");
  const auto token = kube::token_from_file(path, clock).value();
  folder.write("token", "two\n");
  CHECK(token() == "one");
  clock.advance(std::chrono::minutes{1});
  CHECK(token() == "two");
  std::filesystem::remove(path);
  clock.advance(std::chrono::minutes{1});
  CHECK(token() == "two");
  CHECK_FALSE(kube::token_from_file(path, clock).has_value());
}

TEST_CASE("certificates that change in their files are read again, the pair together") {
  const Folder folder;
  tests::FakeClock clock;
  const std::string certificate = folder.write("tls.crt", "CERT1");
  const std::string key = folder.write("tls.key", "KEY1");
  const auto pair = kube::certificate_from_files(certificate, key, clock).value();
  const auto ca = kube::text_from_file(folder.write("ca.crt", "CA1"), clock).value();
  folder.write("tls.crt", "CERT2");
  folder.write("tls.key", "KEY2");
  folder.write("ca.crt", "CA2");
  CHECK(pair().value().certificate_pem == "CERT1");
  CHECK(ca() == "CA1");
  clock.advance(std::chrono::minutes{1});
  CHECK(pair().value().certificate_pem == "CERT2");
  CHECK(pair().value().key_pem == "KEY2");
  CHECK(ca() == "CA2");
  // Half a pair is no reading.
  folder.write("tls.crt", "CERT3");
  folder.write("tls.key", "");
  clock.advance(std::chrono::minutes{1});
  CHECK(pair().value().certificate_pem == "CERT2");
  CHECK_FALSE(kube::certificate_from_files(certificate, key, clock).has_value());
}

TEST_CASE("certificates in files and a token beside them reach each request") {
  const Folder folder;
  folder.write("ca.crt", "CA");
  folder.write("tls.crt", "CERT");
  folder.write("tls.key", "KEY");
  const auto got = load_kubeconfig({folder.write(
      "config", config("server: https://h, certificate-authority: ca.crt",
                       "client-certificate: tls.crt, client-key: tls.key, token: t"))});
  REQUIRE(got.has_value());
  CHECK(got->client.ca() == "CA");
  const auto credential = got->client.credential({}).value();
  CHECK(credential.certificate_pem == "CERT");
  CHECK(credential.key_pem == "KEY");
  CHECK(credential.token == "t");
}

}  // namespace
