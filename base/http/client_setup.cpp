#include "base/http/client_setup.h"

#include <algorithm>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/guard.h"

namespace base::http {
namespace {

// As much of a stream's body waits for its reader; then curl stops reading from the socket.
// Every informer has a stream, and after a restart all of them come faster than they are read.
constexpr size_t kStreamBacklog = size_t{128} << 10;
// A peer that vanished without a word is noticed within about half a minute.
constexpr long kKeepAliveIdleSeconds = 15;
constexpr long kKeepAliveIntervalSeconds = 5;
constexpr unsigned kUserTimeoutMilliseconds = 30'000;

// Nothing is thrown through libcurl, which is C: what cannot be kept ends the transfer.
size_t header_callback(char* data, size_t size, size_t count, void* transfer) {
  const auto taken = guarded("read the head of an answer", [&] {
    return static_cast<Transfer*>(transfer)->on_header({data, size * count});
  });
  return taken.value_or(0);
}

size_t body_callback(char* data, size_t size, size_t count, void* transfer) {
  const auto taken = guarded("read the body of an answer", [&] {
    return static_cast<Transfer*>(transfer)->on_body({data, size * count});
  });
  return taken.value_or(0);
}

int socket_callback(void*, curl_socket_t socket, curlsocktype) {
  // What we start later must not inherit our connections.
  fcntl(socket, F_SETFD, FD_CLOEXEC);
  // Data that nobody acknowledges ends the connection too, which keep-alive alone does not see.
  setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMilliseconds,
             sizeof(kUserTimeoutMilliseconds));
  return CURL_SOCKOPT_OK;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7f &&
           std::string_view("\"(),/:;<=>?@[\\]{}").find(static_cast<char>(c)) ==
               std::string_view::npos;
  });
}

bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

struct Url {
  std::string_view scheme;
  std::string_view host;  // with the brackets of an IPv6 address
  std::string_view port;  // may be empty
  std::string_view path;  // in front of every request's own; may be empty
};

// Of a URL that check_options() accepted.
Url split(std::string_view url) {
  Url parts;
  const size_t scheme_end = url.find("://");
  parts.scheme = url.substr(0, scheme_end);
  std::string_view authority = url.substr(scheme_end + 3);
  const size_t slash = std::min(authority.find('/'), authority.size());
  parts.path = authority.substr(slash);
  authority = authority.substr(0, slash);
  const size_t port = authority.rfind(':');
  const size_t bracket = authority.rfind(']');
  if (port != std::string_view::npos && (bracket == std::string_view::npos || port > bracket)) {
    parts.port = authority.substr(port + 1);
    authority = authority.substr(0, port);
  }
  parts.host = authority;
  return parts;
}

std::string with_port(std::string_view host, std::string_view port) {
  return port.empty() ? std::string(host) : std::string(host) + ":" + std::string(port);
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

// Adds "Name: value" lines; the list is consumed and returned.
class HeaderList {
 public:
  void add(const std::string& line) {
    list_.reset(curl_slist_append(list_.release(), line.c_str()));
  }
  void add(const std::string& name, const std::string& value) {
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  CurlList take() { return std::move(list_); }

 private:
  CurlList list_;
};

// As it is now.
Result<Credential> credential_of(const ClientOptions& options, const std::stop_token& stop) {
  if (options.credential) return options.credential(stop);
  return Credential{.token = options.bearer_token ? options.bearer_token() : "",
                    .certificate_pem = options.client_certificate_pem,
                    .key_pem = options.client_key_pem};
}

Result<CurlList> header_list(const ClientOptions& options, const Request& request,
                             const std::string& token) {
  HeaderList list;
  for (const auto& [name, value] : request.headers.fields()) {
    if (!is_token(name) || !is_one_line(value)) {
      return failure(Code::InvalidArgument, "header field \"" + name + "\" is malformed");
    }
    list.add(name, value);
  }
  if (!is_one_line(token))
    return failure(Code::InvalidArgument, "the bearer token contains a line break");
  if (!token.empty() && !request.headers.has("Authorization"))
    list.add("Authorization", "Bearer " + token);
  if (!options.tls_server_name.empty() && !request.headers.has("Host")) {
    const Url url = split(options.base_url);
    list.add("Host", with_port(url.host, url.port));
  }
  // Never wait for "100 Continue", and no content type that we did not choose.
  list.add("Expect:");
  if (!request.headers.has("Content-Type")) list.add("Content-Type:");
  return list.take();
}

// Copied: what files and plugins say lives for one request.
curl_blob blob(const std::string& data) {
  return {.data = const_cast<char*>(data.data()), .len = data.size(), .flags = CURL_BLOB_COPY};
}

// With a TLS server name of its own, the certificate is checked, and SNI sent, for that name, while
// the connection goes to the URL's host. The list must live as long as the handle.
CurlList set_url(CURL* easy, const ClientOptions& options, const Request& request) {
  if (options.tls_server_name.empty()) {
    curl_easy_setopt(easy, CURLOPT_URL, (options.base_url + request.target()).c_str());
    return nullptr;
  }
  const Url parts = split(options.base_url);
  const std::string url = std::string(parts.scheme) + "://" +
                          with_port(options.tls_server_name, parts.port) + std::string(parts.path) +
                          request.target();
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  const std::string to = "::" + std::string(parts.host) + ":" + std::string(parts.port);
  CurlList list(curl_slist_append(nullptr, to.c_str()));
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, list.get());
  return list;
}

void set_tls(CURL* easy, const ClientOptions& options, const Credential& credential) {
  const std::string ca_pem = options.ca ? options.ca() : options.ca_pem;
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  if (options.insecure_skip_tls_verify) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  } else if (!ca_pem.empty()) {
    curl_blob ca = blob(ca_pem);
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
  }
  if (!credential.certificate_pem.empty()) {
    curl_blob certificate = blob(credential.certificate_pem);
    curl_blob key = blob(credential.key_pem);
    curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
    curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &certificate);
    curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
    curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
  }
}

void set_connection(CURL* easy, const ClientOptions& options) {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, socket_callback);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  if (!options.proxy.empty()) {
    curl_easy_setopt(easy, CURLOPT_PROXY, options.proxy.c_str());
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");  // whatever no_proxy says
  } else if (is_loopback(split(options.base_url).host)) {
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");  // whatever http_proxy says
  }
  if (!options.username.empty() && !options.bearer_token && !options.credential) {
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(easy, CURLOPT_USERNAME, options.username.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, options.password.c_str());
  }
}

void set_method(CURL* easy, const Request& request, const std::string& body) {
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (!body.empty() || (request.method != "GET" && request.method != "DELETE")) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

}  // namespace

Status check_options(const ClientOptions& options) {
  const std::string& url = options.base_url;
  const auto bad = [&](const std::string& why) {
    return failure(Code::InvalidArgument, "server URL \"" + url + "\": " + why);
  };
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return bad("http:// or https:// expected");
  }
  if (!is_one_line(url) || url.find_first_of(" ?#") != std::string::npos) {
    return bad("a plain URL without query expected");
  }
  if (url.find('@') != std::string::npos || split(url).host.empty()) {
    return failure(Code::InvalidArgument, "server URL: a host without user name expected");
  }
  if (options.client_certificate_pem.empty() != options.client_key_pem.empty()) {
    return failure(Code::InvalidArgument, "a client certificate needs its key and the other way");
  }
  return {};
}

Result<std::shared_ptr<Transfer>> make_transfer(const ClientOptions& options,
                                                const Request& request, AnswerKind kind,
                                                const std::stop_token& stop) {
  if (!is_token(request.method)) return failure(Code::InvalidArgument, "malformed HTTP method");
  ASSIGN_OR_RETURN(const Credential credential, credential_of(options, stop));
  ASSIGN_OR_RETURN(CurlList headers, header_list(options, request, credential.token));
  CurlEasy owned(curl_easy_init());
  if (owned == nullptr) return failure(Code::Unavailable, "libcurl has no memory");
  CURL* const easy = owned.get();

  CurlList connect_to = set_url(easy, options, request);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  set_connection(easy, options);
  set_tls(easy, options, credential);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());

  const bool whole = kind == AnswerKind::Whole;
  if (whole) {
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options.request_timeout.count()));
    // Lists shrink tenfold. Streams are not compressed: a compressor holds events back.
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  }
  auto transfer = std::make_shared<Transfer>(
      Transfer::Handles{.headers = std::move(headers),
                        .connect_to = std::move(connect_to),
                        .easy = std::move(owned)},
      Transfer::Options{.what = request.method + " " + options.base_url + request.path,
                        .body = whole ? Transfer::Body::Whole : Transfer::Body::Streamed,
                        .limit = whole ? options.max_response : kStreamBacklog,
                        .request_body = request.body,
                        .connect_timeout = options.connect_timeout,
                        .request_timeout = options.request_timeout});
  set_method(easy, request, transfer->request_body());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error_buffer());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_callback);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_callback);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
  return transfer;
}

}  // namespace base::http
