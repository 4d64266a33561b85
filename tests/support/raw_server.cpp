#include "tests/support/raw_server.h"

#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace tests {

std::optional<RawServer::Message> RawServer::Peer::read() {
  const auto more = [this] {
    char bytes[4096];
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(count));
    return true;
  };
  size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) return std::nullopt;
  }
  Message message{.head = buffer_.substr(0, end + 2), .body = {}};
  buffer_.erase(0, end + 4);
  size_t length = 0;
  const std::string field = "Content-Length: ";
  if (const size_t at = message.head.find(field); at != std::string::npos) {
    length = std::strtoul(message.head.c_str() + at + field.size(), nullptr, 10);
  }
  while (buffer_.size() < length) {
    if (!more()) return std::nullopt;
  }
  message.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return message;
}

bool RawServer::Peer::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

bool RawServer::Peer::answer(int status, std::string_view body, std::string_view extra_fields) {
  return write("HTTP/1.1 " + std::to_string(status) + " Status\r\n" + std::string(extra_fields) +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
}

bool RawServer::Peer::start_chunked(int status) {
  return write("HTTP/1.1 " + std::to_string(status) +
               " Status\r\nTransfer-Encoding: chunked\r\n\r\n");
}

bool RawServer::Peer::chunk(std::string_view data) {
  char size[32];
  const int length = std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return write(std::string(size, static_cast<size_t>(length)) + std::string(data) + "\r\n");
}

void RawServer::Peer::await_close() {
  char bytes[4096];
  while (::recv(socket_, bytes, sizeof bytes, 0) > 0) {
  }
}

void RawServer::Peer::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

RawServer::RawServer(Script script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  CHECK(::bind(listener_, generic, sizeof address) == 0);
  CHECK(::listen(listener_, 64) == 0);
  socklen_t size = sizeof address;
  CHECK(::getsockname(listener_, generic, &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

RawServer::~RawServer() {
  std::vector<std::thread> threads;
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    for (const int socket : sockets_)
      ::shutdown(socket, SHUT_RDWR);
  }
  acceptor_.join();
  {
    base::MutexLock lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads)
    thread.join();
  ::close(listener_);
}

void RawServer::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    base::MutexLock lock(mutex_);
    if (stopping_) {
      ::close(socket);
      return;
    }
    ++connections_;
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] {
      Peer peer(socket);
      script_(peer);
      base::MutexLock own(mutex_);
      std::erase(sockets_, socket);
      ::close(socket);
    });
  }
}

}  // namespace tests
