#pragma once

// Client: HTTP(S) requests to one server over libcurl. One thread owns the multi handle; callers
// block on their own request only. Connections are kept and reused.
//
// Errors: Unavailable (connection, TLS, reset), DeadlineExceeded, Cancelled, TooLarge. An HTTP
// error status is not an Error: the Response is returned as it came. Threads: all methods may be
// called from any thread at once.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/http/message.h"
#include "base/result.h"

namespace base::http {

// Who a request is from; what is empty is left out.
struct Credential {
  std::string token;
  std::string certificate_pem;
  std::string key_pem;
};

struct ClientOptions {
  std::string base_url;  // "https://10.0.0.1:6443", without a trailing slash
  std::string user_agent = "sparkcron";
  // Called for every request; empty = no Authorization header. Never logged.
  std::function<std::string()> bearer_token;
  std::string username;  // basic authentication, only when no token is given
  std::string password;
  std::string ca_pem;  // empty: the system's
  // Called for every request, for a file that changes; what it gives takes the place of ca_pem.
  std::function<std::string()> ca;
  std::string client_certificate_pem;
  std::string client_key_pem;
  // Called for every request, on the caller's thread; it may take its time until the request is
  // stopped, and its error is the request's. Takes the place of the token and the client
  // certificate above.
  std::function<Result<Credential>(const std::stop_token&)> credential;
  // Called after an answer of 401: what the credential was taken from is not believed any more.
  std::function<void()> on_unauthorized;
  std::string tls_server_name;  // checked instead of the URL's host
  // Whatever no_proxy says. Empty: as https_proxy and no_proxy of the environment say, never for
  // loopback.
  std::string proxy;
  bool insecure_skip_tls_verify = false;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds request_timeout{30'000};
  size_t max_response = size_t{64} << 20;
};

// The body of an answer, as it comes.
class BodyStream {
 public:
  virtual ~BodyStream() = default;  // closes the connection
  [[nodiscard]] virtual int status() const = 0;
  [[nodiscard]] virtual const Headers& headers() const = 0;
  // The next bytes; nullopt at the end of the body. Blocks. Cancelled once cancel() was called.
  virtual Result<std::optional<std::string>> read() = 0;
  // Wakes a blocked read(). From any thread.
  virtual void cancel() = 0;
};

class Client {
 public:
  static Result<std::unique_ptr<Client>> create(ClientOptions options);
  virtual ~Client() = default;  // cancels what is under way
  virtual Result<Response> send(const Request& request, std::stop_token stop = {}) = 0;
  // Sends and returns once the head of the answer is there. `idle_timeout` is the longest silence
  // allowed on the body; zero = none. A peer that dies silently is found by TCP keep-alive.
  virtual Result<std::unique_ptr<BodyStream>> open(const Request& request,
                                                   std::chrono::milliseconds idle_timeout,
                                                   std::stop_token stop = {}) = 0;
};

}  // namespace base::http
