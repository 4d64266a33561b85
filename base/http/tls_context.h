#pragma once

// TlsContext: the server's certificate and key, read from PEM files and read again when they
// change, so that a renewed certificate needs no restart. TLS 1.2 or newer.
//
// Errors: InvalidArgument, "read TLS certificate FILE: …". A renewal that cannot be read keeps the
// old certificate, is logged, and tried again. Threads: one at a time.

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"

struct ssl_st;
struct ssl_ctx_st;

namespace base::http {

class TlsContext {
 public:
  static Result<std::unique_ptr<TlsContext>> load(std::string certificate_file,
                                                  std::string key_file);
  // A new session for one connection, owned by the caller; null when OpenSSL has no memory.
  ssl_st* new_session();

 private:
  using Handle = std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)>;
  struct Stamp {
    std::filesystem::file_time_type certificate;
    std::filesystem::file_time_type key;
    bool operator==(const Stamp&) const = default;
  };

  TlsContext(std::string certificate_file, std::string key_file);
  [[nodiscard]] Result<Handle> read() const;
  [[nodiscard]] Stamp stamp() const;

  const std::string certificate_file_;
  const std::string key_file_;
  Stamp stamp_;          // of what is in use
  std::string problem_;  // with what came after it; each is logged once
  Handle handle_;
};

}  // namespace base::http
