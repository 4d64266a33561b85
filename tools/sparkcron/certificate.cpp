#include "tools/sparkcron/certificate.h"

#include <array>
#include <memory>
#include <string>

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/files.h"

namespace sparkcron {
namespace {

using base::Code;
using base::failure;

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;

constexpr std::chrono::days kLife{3650};
constexpr std::chrono::days kRenewBefore{30};

constexpr size_t kLargestPem = size_t{1} << 20;

// Empty when there is none. What is not ours, or cannot be read, is an error: made anew, it would
// take the certificate that clients know from them.
base::Result<std::string> read_ours(const std::string& path) {
  auto text = base::read_own_file(path, kLargestPem);
  if (!text && text.error().code == Code::NotFound) return std::string();
  return text;
}

bool is_address(const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

bool covers(X509* certificate, const std::string& host) {
  return is_address(host)
             ? X509_check_ip_asc(certificate, host.c_str(), 0) == 1
             : X509_check_host(certificate, host.c_str(), host.size(), 0, nullptr) == 1;
}

bool will_do(const std::string& pem, const std::string& key_pem, const std::string& host,
             base::WallTime now) {
  const Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Certificate certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  const Bio key_in(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  const Key key(PEM_read_bio_PrivateKey(key_in.get(), nullptr, nullptr, nullptr));
  if (!certificate || !key || X509_check_private_key(certificate.get(), key.get()) != 1)
    return false;
  time_t renew =
      std::chrono::floor<std::chrono::seconds>(now + kRenewBefore).time_since_epoch().count();
  return X509_cmp_time(X509_get0_notAfter(certificate.get()), &renew) > 0 &&
         covers(certificate.get(), host) && covers(certificate.get(), "127.0.0.1");
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::string names_for(const std::string& host) {
  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  if (host != "localhost" && host != "127.0.0.1" && host != "::1") {
    names += (is_address(host) ? ",IP:" : ",DNS:") + host;
  }
  return names;
}

Certificate make_certificate(EVP_PKEY* key, const std::string& host, base::WallTime now) {
  Certificate certificate(X509_new());
  std::array<unsigned char, 8> serial{};
  if (!certificate || RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1)
    return nullptr;
  uint64_t number = 0;
  for (const unsigned char byte : serial)
    number = number << 8 | byte;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const bool made =
      X509_set_version(certificate.get(), 2) == 1 &&
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), number >> 1) == 1 &&
      // A day back: clocks of clients may be a little behind.
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()), seconds - 86'400) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()),
                    seconds + std::chrono::seconds(kLife).count()) != nullptr &&
      X509_set_pubkey(certificate.get(), key) == 1 &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>("sparkcron"), -1, -1,
                                 0) == 1 &&
      X509_set_issuer_name(certificate.get(), name) == 1 &&
      // An authority that has signed only itself: clients that insist on one (Java) are content.
      add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
      add_extension(certificate.get(), NID_key_usage, "critical,digitalSignature,keyCertSign") &&
      add_extension(certificate.get(), NID_ext_key_usage, "serverAuth") &&
      add_extension(certificate.get(), NID_subject_alt_name, names_for(host)) &&
      X509_sign(certificate.get(), key, EVP_sha256()) > 0;
  return made ? std::move(certificate) : nullptr;
}

std::string text_of(BIO* bio) {
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

}  // namespace

base::Status ensure_certificate(const CertificateFiles& files, const std::string& host,
                                base::WallTime now) {
  ASSIGN_OR_RETURN(const std::string known, read_ours(files.certificate));
  ASSIGN_OR_RETURN(const std::string known_key, read_ours(files.key));
  if (will_do(known, known_key, host, now)) return {};
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = key ? make_certificate(key.get(), host, now) : nullptr;
  const Bio key_pem(BIO_new(BIO_s_mem()));
  const Bio pem(BIO_new(BIO_s_mem()));
  if (!certificate || !key_pem || !pem ||
      PEM_write_bio_PKCS8PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1 ||
      PEM_write_bio_X509(pem.get(), certificate.get()) != 1) {
    return failure(Code::Internal, "could not make a certificate for " + host);
  }
  // The key first: a crash in between leaves two that do not match, which will not do at the next
  // start.
  RETURN_IF_ERROR(base::write_durably(files.key, text_of(key_pem.get())));
  return base::write_durably(files.certificate, text_of(pem.get()));
}

}  // namespace sparkcron
