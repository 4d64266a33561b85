#pragma once

// WebSocketSession: a connection after its upgrade (RFC 6455). Sends what an Outbound holds, one
// text frame per piece, without copying it; reads only to answer pings and to see the peer close.
// Only connection.cpp includes it.
//
// Threads: the I/O thread only. Every operation under way keeps `owner` alive.

#include <functional>
#include <memory>
#include <utility>

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include "base/http/outbound.h"
#include "base/http/transport.h"

namespace base::http {

namespace beast = boost::beast;

class WebSocketSession {
 public:
  // `on_end` is called once, when the peer has gone or the closing handshake is over; `on_writing`
  // when a frame begins to be sent (true) and when it has been (false).
  WebSocketSession(Transport& transport, std::shared_ptr<Outbound> outbound,
                   std::function<void(bool)> on_writing, std::function<void()> on_end)
      : stream_(transport),
        outbound_(std::move(outbound)),
        on_writing_(std::move(on_writing)),
        on_end_(std::move(on_end)) {
    stream_.set_option(beast::websocket::stream_base::timeout::suggested(beast::role_type::server));
    stream_.auto_fragment(false);
    stream_.text(true);
    stream_.read_message_max(kMaxIncoming);
  }

  template <class Request>
  void start(const Request& request, std::shared_ptr<void> owner) {
    stream_.async_accept(request, [this, owner](error_code error) {
      if (error) return end();
      open_ = true;
      read(owner);
      send(owner);
    });
  }

  // There may be something to send.
  void send(std::shared_ptr<void> owner) {
    if (!open_ || writing_ || !on_end_) return;
    Outbound::Batch batch = outbound_->take(1);
    if (!batch.data.empty()) {
      writing_ = true;
      frame_ = std::move(batch.data.front());
      on_writing_(true);
      stream_.async_write(asio::buffer(*frame_), [this, owner](error_code error, size_t) {
        writing_ = false;
        on_writing_(false);
        outbound_->sent(frame_->size());
        frame_ = {};
        if (error) return end();
        send(owner);
      });
    } else if (batch.last) {
      writing_ = true;
      // Waits for the peer's answer; Beast bounds that wait.
      stream_.async_close(beast::websocket::close_code::normal,
                          [this, owner](error_code) { end(); });
    }
  }

 private:
  static constexpr size_t kMaxIncoming = size_t{64} << 10;

  void read(std::shared_ptr<void> owner) {
    stream_.async_read(incoming_, [this, owner](error_code error, size_t) {
      if (error) {
        // While closing, the end of reading is part of the handshake that async_close reports.
        if (!(writing_ && !frame_)) end();
        return;
      }
      incoming_.clear();
      read(owner);
    });
  }

  void end() {
    if (on_end_) std::exchange(on_end_, nullptr)();
  }

  beast::websocket::stream<Transport&> stream_;
  beast::flat_buffer incoming_;
  std::shared_ptr<Outbound> outbound_;
  Outbound::Piece frame_;
  bool open_ = false;
  bool writing_ = false;
  const std::function<void(bool)> on_writing_;
  std::function<void()> on_end_;
};

}  // namespace base::http
