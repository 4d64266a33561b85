#include "base/http/server.h"

#include <cctype>
#include <thread>
#include <vector>

#include <boost/asio.hpp>

#include "base/guard.h"
#include "base/http/engine.h"
#include "base/http/peer.h"
#include "base/log.h"

namespace base::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr size_t kRefusals = 64;  // connections above the maximum that still get a 503
// Of what the kernel keeps unsent for one peer; it would let it grow to megabytes.
constexpr int kSendBuffer = 128 << 10;
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::milliseconds kBetweenComplaints{10'000};

std::string endpoint_text(const ServerOptions& options) {
  const bool v6 = options.address.find(':') != std::string::npos;
  return (v6 ? "[" + options.address + "]" : options.address) + ":" + std::to_string(options.port);
}

// "Address already in use" as a fragment of a message.
std::string lower_first(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

// What a person can do about an address that cannot be listened on.
const char* next_step(const error_code& error) {
  namespace errc = boost::system::errc;
  if (error == errc::address_in_use) return " (another sparkcron? choose another with --listen)";
  if (error == errc::address_not_available)
    return " (it is none of this machine's: choose one that is with --listen)";
  if (error == errc::permission_denied)
    return " (ports below 1024 are for root: choose another with --listen)";
  return "";
}

class TcpServer final : public Server {
 public:
  TcpServer(ServerOptions options, Handler handler)
      : engine_(std::make_shared<Engine>(std::move(options), std::move(handler))),
        work_(engine_->io.get_executor()),
        acceptor_(engine_->io),
        accept_pause_(engine_->io) {}

  ~TcpServer() override {
    if (!thread_.joinable()) return;  // listen() failed
    begin_stop();
    engine_->pool.stop();
    engine_->post([this] { begin_last_wait(); });
    thread_.join();
    engine_->finish();
  }

  Status bind() {
    const std::string doing = "listen on " + endpoint_text(engine_->options) + ": ";
    const ServerOptions& options = engine_->options;
    error_code error;
    const auto address = asio::ip::make_address(
        options.address == "localhost" ? "127.0.0.1" : options.address, error);
    if (error) return failure(Code::InvalidArgument, doing + "not an IP address");
    if (options.tls_certificate_file.empty() != options.tls_key_file.empty())
      return failure(Code::InvalidArgument, doing + "TLS needs both a certificate and a key");
    if (!options.tls_certificate_file.empty()) {
      ASSIGN_OR_RETURN(engine_->tls,
                       TlsContext::load(options.tls_certificate_file, options.tls_key_file));
    }
    const asio::ip::tcp::endpoint endpoint(address, options.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return failure(error == asio::error::access_denied ? Code::Forbidden : Code::Unavailable,
                     doing + lower_first(error.message()) + next_step(error));
    endpoint_ = acceptor_.local_endpoint();
    return {};
  }

  void serve() {
    thread_ = start_thread("http", [this] {
      // Also after something threw out of the loop: it goes on with everybody else.
      if (!accepting_ && !engine_->stopping) accept();
      engine_->io.run();
    });
  }

  [[nodiscard]] std::string address() const override { return endpoint_.address().to_string(); }
  [[nodiscard]] uint16_t port() const override { return endpoint_.port(); }

  void begin_stop() override {
    if (engine_->stopping.exchange(true)) return;
    engine_->post([this] {
      error_code ignored;
      acceptor_.close(ignored);
      accept_pause_.cancel();
      for (const auto& connection : all_connections())
        connection->stop();
    });
  }

  [[nodiscard]] ServerNumbers numbers() const override {
    return {.strangers = engine_->table.strangers(),
            .trusted = engine_->table.trusted(),
            .shed = engine_->table.shed(),
            .cut = engine_->cut_off,
            .refused = engine_->refusals,
            .memory_used = engine_->budget->used()};
  }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code error, asio::ip::tcp::socket socket) {
      accepting_ = false;
      if (engine_->stopping) return;
      if (error) return pause(error);
      if (const Status done = guarded("accept a connection", [&] { admit(std::move(socket)); });
          !done)
        log_error("base/http", "Could not serve a connection", {{"error", done.error().message}});
      accept();
    });
    accepting_ = true;
  }

  // No file descriptors left, most likely: the pending connection would come back at once.
  void pause(error_code error) {
    const SteadyTime now = real_clock().steady_now();
    if (now >= next_complaint_) {
      next_complaint_ = now + kBetweenComplaints;
      log_warning("base/http", "Could not accept a connection", {{"error", error.message()}});
    }
    engine_->table.shed_one();
    accept_pause_.expires_after(kAcceptPause);
    accept_pause_.async_wait([this](error_code cancelled) {
      accepting_ = false;
      if (!cancelled && !engine_->stopping) accept();
    });
    accepting_ = true;
  }

  void admit(asio::ip::tcp::socket socket) {
    set_up(socket);
    SSL* session = nullptr;
    if (engine_->tls) {
      session = engine_->tls->new_session();
      if (session == nullptr) return;
    }
    auto connection = make_connection(engine_, std::move(socket), session);
    const Standing standing = engine_->options.admit ? Standing::Stranger : Standing::Trusted;
    if (engine_->table.add(connection, standing)) return connection->start();
    ++engine_->refusals;
    if (engine_->refused.size() >= kRefusals) return;
    engine_->refused.insert(connection);
    connection->refuse();
  }

  // A peer that dies without a word is found by keep-alive probes within about a minute.
  static void set_up(asio::ip::tcp::socket& socket) {
    using Seconds = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
    using Interval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
    using Count = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
    error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    socket.set_option(Seconds(30), ignored);
    socket.set_option(Interval(10), ignored);
    socket.set_option(Count(3), ignored);
    socket.set_option(asio::socket_base::send_buffer_size(kSendBuffer), ignored);
  }

  // No handler runs any more. What is still being sent gets stop_timeout.
  void begin_last_wait() {
    work_.reset();
    if (engine_->quiet()) return;
    engine_->stop_timer.expires_after(engine_->options.stop_timeout);
    engine_->stop_timer.async_wait([this](error_code cancelled) {
      if (cancelled) return;
      for (const auto& connection : all_connections())
        connection->abort();
    });
  }

  // A copy: connections leave the set while it is walked.
  [[nodiscard]] std::vector<std::shared_ptr<Peer>> all_connections() const {
    std::vector<std::shared_ptr<Peer>> all = engine_->table.all();
    all.insert(all.end(), engine_->refused.begin(), engine_->refused.end());
    return all;
  }

  const std::shared_ptr<Engine> engine_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer accept_pause_;
  asio::ip::tcp::endpoint endpoint_;
  bool accepting_ = false;  // or about to; of the I/O thread
  SteadyTime next_complaint_ = SteadyTime::min();
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, Handler handler) {
  auto server = std::make_unique<TcpServer>(std::move(options), std::move(handler));
  RETURN_IF_ERROR(server->bind());
  server->serve();
  return server;
}

}  // namespace base::http
