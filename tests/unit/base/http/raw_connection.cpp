#include "tests/unit/base/http/raw_connection.h"

#include <array>
#include <charconv>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/http/message.h"

namespace tests {

std::string RawResponse::header(std::string_view name) const {
  size_t at = head.find("\r\n");
  while (at != std::string::npos && at + 2 < head.size()) {
    const size_t start = at + 2;
    const size_t end = head.find("\r\n", start);
    const std::string_view line = std::string_view(head).substr(start, end - start);
    const size_t colon = line.find(": ");
    if (colon != std::string_view::npos &&
        base::http::equal_ignoring_case(line.substr(0, colon), name))
      return std::string(line.substr(colon + 2));
    at = end;
  }
  return {};
}

RawConnection::RawConnection(uint16_t port, int receive_buffer)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (receive_buffer > 0)
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  const timeval limit{.tv_sec = 30, .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(socket_);
    socket_ = -1;
  }
}

RawConnection::RawConnection(RawConnection&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), buffer_(std::move(other.buffer_)) {}

RawConnection::~RawConnection() {
  if (socket_ >= 0) ::close(socket_);
}

void RawConnection::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(socket_, -1));
}

bool RawConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool RawConnection::receive() {
  std::array<char, 65536> part{};
  const ssize_t got = ::recv(socket_, part.data(), part.size(), 0);
  if (got <= 0) return false;
  buffer_.append(part.data(), static_cast<size_t>(got));
  return true;
}

std::string RawConnection::read_until(std::string_view mark) {
  size_t searched = 0;
  while (true) {
    const size_t at = buffer_.find(mark, searched);
    if (at != std::string::npos) return read_exactly(at + mark.size());
    searched = buffer_.size() < mark.size() ? 0 : buffer_.size() - mark.size() + 1;
    if (!receive()) return std::exchange(buffer_, {});
  }
}

std::string RawConnection::read_exactly(size_t bytes) {
  while (buffer_.size() < bytes)
    if (!receive()) return std::exchange(buffer_, {});
  std::string out = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return out;
}

std::string RawConnection::read_to_end() {
  while (receive()) {
  }
  return std::exchange(buffer_, {});
}

RawResponse RawConnection::read_response(bool to_head) {
  RawResponse response;
  response.head = read_until("\r\n\r\n");
  if (response.head.size() < 12) return response;
  std::from_chars(response.head.data() + 9, response.head.data() + 12, response.status);
  if (to_head || response.status == 204 || response.status == 304) return response;
  if (response.header("Transfer-Encoding") == "chunked") {
    while (true) {
      const std::string line = read_until("\r\n");
      size_t size = 0;
      std::from_chars(line.data(), line.data() + line.size(), size, 16);
      const std::string chunk = read_exactly(size + 2);
      if (size == 0) return response;
      response.body += chunk.substr(0, size);
    }
  }
  const std::string length = response.header("Content-Length");
  size_t size = 0;
  std::from_chars(length.data(), length.data() + length.size(), size);
  response.body = length.empty() ? read_to_end() : read_exactly(size);
  return response;
}

RawResponse RawConnection::get(const std::string& target, const std::string& more_headers) {
  if (!send("GET " + target + " HTTP/1.1\r\nHost: test\r\n" + more_headers + "\r\n")) return {};
  return read_response();
}

bool RawConnection::at_end() {
  if (!buffer_.empty()) return false;
  std::array<char, 1> byte{};
  const ssize_t got = ::recv(socket_, byte.data(), 1, 0);
  if (got > 0) buffer_.append(byte.data(), 1);
  return got == 0 || (got < 0 && errno == ECONNRESET);
}

}  // namespace tests
