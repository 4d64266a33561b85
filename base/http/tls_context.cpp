#include "base/http/tls_context.h"

#include <system_error>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/log.h"

namespace base::http {
namespace {

// The first reason on OpenSSL's error queue, which is the cause, and the queue emptied.
std::string openssl_error() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown error";
}

}  // namespace

TlsContext::TlsContext(std::string certificate_file, std::string key_file)
    : certificate_file_(std::move(certificate_file)),
      key_file_(std::move(key_file)),
      stamp_(stamp()),
      handle_(nullptr, SSL_CTX_free) {}

Result<std::unique_ptr<TlsContext>> TlsContext::load(std::string certificate_file,
                                                     std::string key_file) {
  std::unique_ptr<TlsContext> context(
      new TlsContext(std::move(certificate_file), std::move(key_file)));
  ASSIGN_OR_RETURN(context->handle_, context->read());
  return context;
}

Result<TlsContext::Handle> TlsContext::read() const {
  Handle handle(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!handle) return failure(Code::Internal, "set up TLS: " + openssl_error());
  SSL_CTX_set_min_proto_version(handle.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(handle.get(), SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(handle.get(), SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_use_certificate_chain_file(handle.get(), certificate_file_.c_str()) != 1)
    return failure(Code::InvalidArgument,
                   "read TLS certificate " + certificate_file_ + ": " + openssl_error());
  if (SSL_CTX_use_PrivateKey_file(handle.get(), key_file_.c_str(), SSL_FILETYPE_PEM) != 1)
    return failure(Code::InvalidArgument, "read TLS key " + key_file_ + ": " + openssl_error());
  if (SSL_CTX_check_private_key(handle.get()) != 1)
    return failure(Code::InvalidArgument, "TLS key " + key_file_ + " does not belong to " +
                                              certificate_file_ + ": " + openssl_error());
  return handle;
}

TlsContext::Stamp TlsContext::stamp() const {
  std::error_code ignored;  // a missing file is found when it is read
  return {.certificate = std::filesystem::last_write_time(certificate_file_, ignored),
          .key = std::filesystem::last_write_time(key_file_, ignored)};
}

ssl_st* TlsContext::new_session() {
  if (const Stamp now = stamp(); now != stamp_) {
    // Both files change one after the other, and a file may change twice within one tick of its
    // clock: what does not fit yet is tried again with every connection until it does.
    if (auto fresh = read()) {
      handle_ = std::move(*fresh);
      stamp_ = now;
      problem_.clear();
      log_info("base/http", "Read the TLS certificate again", {{"file", certificate_file_}});
    } else if (fresh.error().message != problem_) {
      problem_ = fresh.error().message;
      log_warning("base/http", "Kept the old TLS certificate", {{"error", problem_}});
    }
  }
  return SSL_new(handle_.get());
}

}  // namespace base::http
