#pragma once

// Transport: one TCP connection, with TLS or without, as a single Asio stream type, so that Beast
// is instantiated once. Only connection.cpp includes it.
//
// Threads: the I/O thread only.

#include <memory>
#include <utility>

#include <boost/asio.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>

namespace base::http {

namespace asio = boost::asio;
using boost::system::error_code;

class Transport {
 public:
  using Socket = asio::ip::tcp::socket;
  using executor_type = Socket::executor_type;

  // `session` may be null: no TLS. Owned from here on.
  Transport(Socket socket, SSL* session) : socket_(std::move(socket)) {
    if (session != nullptr) tls_ = std::make_unique<asio::ssl::stream<Socket&>>(socket_, session);
  }

  executor_type get_executor() { return socket_.get_executor(); }
  Socket& socket() { return socket_; }
  [[nodiscard]] bool secure() const { return tls_ != nullptr; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, size_t)>(
        [this](auto handler, const Buffers& space) {
          if (tls_)
            tls_->async_read_some(space, std::move(handler));
          else
            socket_.async_read_some(space, std::move(handler));
        },
        token, buffers);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, size_t)>(
        [this](auto handler, const Buffers& data) {
          if (tls_)
            tls_->async_write_some(data, std::move(handler));
          else
            socket_.async_write_some(data, std::move(handler));
        },
        token, buffers);
  }

  // Only when secure().
  template <class Handler>
  void async_handshake(Handler handler) {
    tls_->async_handshake(asio::ssl::stream_base::server, std::move(handler));
  }
  template <class Handler>
  void async_tls_shutdown(Handler handler) {
    tls_->async_shutdown(std::move(handler));
  }

  // The peer reads to the end; we may still read.
  void shutdown_send() {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }
  // Everything under way ends with an error.
  void close() {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  Socket socket_;
  std::unique_ptr<asio::ssl::stream<Socket&>> tls_;
};

// What Beast's WebSocket asks of a transport: the end of a connection, and cutting it off. Beast's
// own teardown waits for the peer without a limit; here the connection drains it afterwards.
template <class Handler>
void async_teardown(boost::beast::role_type, Transport& transport, Handler&& handler) {
  transport.shutdown_send();
  asio::post(transport.get_executor(),
             boost::beast::bind_front_handler(std::forward<Handler>(handler), error_code{}));
}
inline void teardown(boost::beast::role_type, Transport& transport, error_code& error) {
  transport.shutdown_send();
  error = {};
}
inline void beast_close_socket(Transport& transport) {
  transport.close();
}

}  // namespace base::http
