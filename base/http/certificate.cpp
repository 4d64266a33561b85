#include "base/http/certificate.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <memory>
#include <utility>

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace base::http {
namespace {

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

Certificate read_certificate(const std::string& pem) {
  const Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string names;
  for (const std::string& host : hosts)
    names += (names.empty() ? "" : ",") + std::string(is_address(host) ? "IP:" : "DNS:") + host;
  return names;
}

Certificate sign(EVP_PKEY* key, const std::string& names, WallTime now, std::chrono::seconds life) {
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
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), seconds + life.count()) != nullptr &&
      X509_set_pubkey(certificate.get(), key) == 1 &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>("sparkcron"), -1, -1,
                                 0) == 1 &&
      X509_set_issuer_name(certificate.get(), name) == 1 &&
      // An authority that has signed only itself: clients that insist on one (Java) are content.
      add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
      add_extension(certificate.get(), NID_key_usage, "critical,digitalSignature,keyCertSign") &&
      add_extension(certificate.get(), NID_ext_key_usage, "serverAuth") &&
      add_extension(certificate.get(), NID_subject_alt_name, names) &&
      X509_sign(certificate.get(), key, EVP_sha256()) > 0;
  return made ? std::move(certificate) : nullptr;
}

std::string text_of(BIO* bio) {
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

std::optional<WallTime> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
}

}  // namespace

Result<KeyPair> make_certificate(const std::vector<std::string>& hosts, WallTime now,
                                 std::chrono::seconds life) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate =
      key ? sign(key.get(), alternative_names(hosts), now, life) : nullptr;
  const Bio key_pem(BIO_new(BIO_s_mem()));
  const Bio pem(BIO_new(BIO_s_mem()));
  if (!certificate || !key_pem || !pem ||
      PEM_write_bio_PKCS8PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1 ||
      PEM_write_bio_X509(pem.get(), certificate.get()) != 1) {
    return failure(Code::Internal, "could not make a certificate for " +
                                       (hosts.empty() ? std::string("nobody") : hosts.front()));
  }
  return KeyPair{.certificate = text_of(pem.get()), .key = text_of(key_pem.get())};
}

bool serves(const KeyPair& pair, const std::vector<std::string>& hosts) {
  const Certificate certificate = read_certificate(pair.certificate);
  const Bio key_in(BIO_new_mem_buf(pair.key.data(), static_cast<int>(pair.key.size())));
  const Key key(PEM_read_bio_PrivateKey(key_in.get(), nullptr, nullptr, nullptr));
  if (!certificate || !key || X509_check_private_key(certificate.get(), key.get()) != 1)
    return false;
  return std::all_of(hosts.begin(), hosts.end(),
                     [&](const std::string& host) { return covers(certificate.get(), host); });
}

std::optional<Validity> validity_of(const std::string& pem) {
  const Certificate certificate = read_certificate(pem);
  if (!certificate) return std::nullopt;
  const auto from = time_of(X509_get0_notBefore(certificate.get()));
  const auto until = time_of(X509_get0_notAfter(certificate.get()));
  if (!from || !until) return std::nullopt;
  return Validity{.from = *from, .until = *until};
}

std::vector<std::string> split_certificates(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::vector<std::string> all;
  for (size_t at = 0;;) {
    const size_t begin = pem.find(kBegin, at);
    const size_t end = begin == std::string_view::npos ? begin : pem.find(kEnd, begin);
    if (end == std::string_view::npos) return all;
    at = end + kEnd.size();
    all.push_back(std::string(pem.substr(begin, at - begin)) + "\n");
  }
}

}  // namespace base::http
