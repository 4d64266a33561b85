#include "base/http/client.h"

#include <functional>
#include <utility>

#include "base/http/client_loop.h"
#include "base/http/client_setup.h"

namespace base::http {
namespace {

// Ends the transfer for whoever waits on it, and takes it off the wire.
void cancel_transfer(CurlLoop& loop, const std::shared_ptr<Transfer>& transfer) {
  transfer->abandon({.code = Code::Cancelled, .message = "cancelled"});
  loop.drop(transfer);
}

class CurlBodyStream final : public BodyStream {
 public:
  CurlBodyStream(std::shared_ptr<CurlLoop> loop, std::shared_ptr<Transfer> transfer,
                 Transfer::Head head, std::chrono::milliseconds idle_timeout,
                 const std::stop_token& stop)
      : loop_(std::move(loop)),
        transfer_(std::move(transfer)),
        head_(std::move(head)),
        idle_timeout_(idle_timeout),
        on_stop_(stop, [this] { cancel(); }) {}
  ~CurlBodyStream() override { loop_->drop(transfer_); }

  int status() const override { return head_.status; }
  const Headers& headers() const override { return head_.headers; }
  void cancel() override { cancel_transfer(*loop_, transfer_); }

  Result<std::optional<std::string>> read() override {
    ASSIGN_OR_RETURN(std::optional<Transfer::Piece> piece, transfer_->take(idle_timeout_));
    if (!piece) return std::nullopt;
    if (piece->was_paused) loop_->resume(transfer_);
    return std::move(piece->data);
  }

 private:
  const std::shared_ptr<CurlLoop> loop_;
  const std::shared_ptr<Transfer> transfer_;
  const Transfer::Head head_;
  const std::chrono::milliseconds idle_timeout_;
  const std::stop_callback<std::function<void()>> on_stop_;
};

class CurlClient final : public Client {
 public:
  CurlClient(ClientOptions options, std::shared_ptr<CurlLoop> loop)
      : options_(std::move(options)), loop_(std::move(loop)) {}
  // Streams may live longer; they find everything ended.
  ~CurlClient() override { loop_->stop(); }

  Result<Response> send(const Request& request, std::stop_token stop) override {
    ASSIGN_OR_RETURN(std::shared_ptr<Transfer> transfer,
                     make_transfer(options_, request, AnswerKind::Whole, stop));
    loop_->begin(transfer);
    const std::stop_callback on_stop(stop, [&] { cancel_transfer(*loop_, transfer); });
    Result<Response> response = transfer->await_response();
    if (response) look_at(response->status);
    return response;
  }

  Result<std::unique_ptr<BodyStream>> open(const Request& request,
                                           std::chrono::milliseconds idle_timeout,
                                           std::stop_token stop) override {
    ASSIGN_OR_RETURN(std::shared_ptr<Transfer> transfer,
                     make_transfer(options_, request, AnswerKind::Stream, stop));
    loop_->begin(transfer);
    const std::stop_callback on_stop(stop, [&] { cancel_transfer(*loop_, transfer); });
    Result<Transfer::Head> head =
        transfer->await_head(real_clock().steady_now() + options_.request_timeout);
    if (!head) {
      loop_->drop(transfer);
      return failure(head.error());
    }
    look_at(head->status);
    return std::make_unique<CurlBodyStream>(loop_, std::move(transfer), std::move(*head),
                                            idle_timeout, stop);
  }

 private:
  void look_at(int status) const {
    if (status == 401 && options_.on_unauthorized) options_.on_unauthorized();
  }

  const ClientOptions options_;
  const std::shared_ptr<CurlLoop> loop_;
};

}  // namespace

Result<std::unique_ptr<Client>> Client::create(ClientOptions options) {
  RETURN_IF_ERROR(check_options(options));
  ASSIGN_OR_RETURN(std::shared_ptr<CurlLoop> loop, CurlLoop::start());
  return std::make_unique<CurlClient>(std::move(options), std::move(loop));
}

}  // namespace base::http
