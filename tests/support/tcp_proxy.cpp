#include "tests/support/tcp_proxy.h"

#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace tests {
namespace {

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

bool pass(int from, int to) {
  char bytes[4096];
  const ssize_t count = ::recv(from, bytes, sizeof bytes, 0);
  if (count <= 0) return false;
  for (ssize_t sent = 0; sent < count;) {
    const ssize_t more = ::send(to, bytes + sent, static_cast<size_t>(count - sent), MSG_NOSIGNAL);
    if (more <= 0) return false;
    sent += more;
  }
  return true;
}

}  // namespace

TcpProxy::TcpProxy(uint16_t to) : to_(to) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  CHECK(::bind(listener_, generic, sizeof address) == 0);
  CHECK(::listen(listener_, 64) == 0);
  socklen_t size = sizeof address;
  CHECK(::getsockname(listener_, generic, &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

TcpProxy::~TcpProxy() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
  }
  acceptor_.join();
  ::close(listener_);
  base::MutexLock lock(mutex_);
  for (const auto& pipe : pipes_) {
    {
      base::MutexLock own(pipe->mutex);
      pipe->stopping = true;
      CHECK(::write(pipe->wake[1], "x", 1) == 1);
    }
    pipe->thread.join();
    for (const int one : {pipe->client, pipe->server, pipe->wake[0], pipe->wake[1]})
      ::close(one);
  }
}

void TcpProxy::accept_all() {
  while (true) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    auto pipe = std::make_unique<Pipe>();
    pipe->client = client;
    pipe->server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(to_);
    CHECK(::connect(pipe->server, reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
          0);
    CHECK(::pipe2(pipe->wake, O_CLOEXEC) == 0);
    {
      base::MutexLock own(pipe->mutex);
      pipe->silent = new_are_silent_;
    }
    pipe->thread = std::thread([this, raw = pipe.get()] { pump(*raw); });
    base::MutexLock lock(mutex_);
    pipes_.push_back(std::move(pipe));
    ++connections_;
  }
}

void TcpProxy::silence() {
  base::MutexLock lock(mutex_);
  for (const auto& pipe : pipes_) {
    base::MutexLock own(pipe->mutex);
    pipe->silent = true;
    CHECK(::write(pipe->wake[1], "x", 1) == 1);
    while (!pipe->is_silent && !pipe->ended)
      pipe->changed.wait(own);
  }
}

void TcpProxy::pump(Pipe& pipe) {
  bool open = true;
  while (open) {
    bool silent = false;
    {
      base::MutexLock own(pipe.mutex);
      if (pipe.stopping) break;
      silent = pipe.silent;
      if (silent && !pipe.is_silent) {
        pipe.is_silent = true;
        pipe.changed.notify_all();
      }
    }
    // A negative descriptor is not looked at.
    pollfd ready[3] = {{pipe.wake[0], POLLIN, 0},
                       {silent ? -1 : pipe.client, POLLIN, 0},
                       {silent ? -1 : pipe.server, POLLIN, 0}};
    ::poll(ready, 3, -1);
    char byte = 0;
    if ((ready[0].revents & POLLIN) != 0) {
      CHECK(::read(pipe.wake[0], &byte, 1) == 1);
      continue;
    }
    if (ready[1].revents != 0) open = pass(pipe.client, pipe.server);
    if (open && ready[2].revents != 0) open = pass(pipe.server, pipe.client);
  }
  ::shutdown(pipe.client, SHUT_RDWR);
  ::shutdown(pipe.server, SHUT_RDWR);
  base::MutexLock own(pipe.mutex);
  pipe.ended = true;
  pipe.changed.notify_all();
}

}  // namespace tests
