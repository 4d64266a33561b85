#pragma once

// RawConnection: a TCP client that sends exactly the bytes a test wants, and a reader of what comes
// back. Reading stops after half a minute, so that a broken server fails a test instead of hanging.

#include <cstdint>
#include <string>
#include <string_view>

namespace tests {

struct RawResponse {
  int status = 0;
  std::string head;  // with the empty line
  std::string body;  // chunks put together
  // The value of a header field, or empty.
  [[nodiscard]] std::string header(std::string_view name) const;
};

class RawConnection {
 public:
  // `receive_buffer` > 0 makes the kernel hold little, so that a peer that does not read is
  // noticed.
  explicit RawConnection(uint16_t port, int receive_buffer = 0);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;
  RawConnection(RawConnection&& other) noexcept;

  // False when the server has closed.
  bool send(std::string_view bytes);
  // The bytes up to and with `mark`; what came at all when the connection ended first.
  std::string read_until(std::string_view mark);
  std::string read_exactly(size_t bytes);
  std::string read_to_end();
  // One answer, by its Content-Length or chunks; `to_head` true reads no body.
  RawResponse read_response(bool to_head = false);
  // Sends a GET and reads the answer.
  RawResponse get(const std::string& target, const std::string& more_headers = "");
  // True when the server has ended the connection (waits for it).
  bool at_end();
  void reset();  // closes with RST

 private:
  bool receive();
  int socket_ = -1;
  std::string buffer_;
};

}  // namespace tests
