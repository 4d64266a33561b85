#include "base/http/client_loop.h"

#include <utility>

#include <signal.h>

#include "base/check.h"
#include "base/guard.h"

namespace base::http {
namespace {

// An idle loop only wakes for this; commands and sockets wake it at once.
constexpr int kPollMilliseconds = 60'000;
constexpr long kKeptConnections = 32;

}  // namespace

Result<std::shared_ptr<CurlLoop>> CurlLoop::start() {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (global != CURLE_OK) return failure(Code::Internal, "libcurl did not initialise");
  CurlMulti multi(curl_multi_init());
  if (multi == nullptr) return failure(Code::Unavailable, "libcurl has no memory");
  curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, kKeptConnections);
  std::shared_ptr<CurlLoop> loop(new CurlLoop(std::move(multi)));
  MutexLock lock(loop->join_mutex_);
  loop->thread_ = start_thread("http-client", [raw = loop.get()] { raw->run(); });
  return loop;
}

CurlLoop::CurlLoop(CurlMulti multi) : multi_(std::move(multi)) {}

CurlLoop::~CurlLoop() {
  stop();
}

void CurlLoop::begin(std::shared_ptr<Transfer> transfer) {
  post({Command::Kind::Begin, std::move(transfer)});
}

void CurlLoop::resume(std::shared_ptr<Transfer> transfer) {
  post({Command::Kind::Resume, std::move(transfer)});
}

void CurlLoop::drop(std::shared_ptr<Transfer> transfer) {
  post({Command::Kind::Drop, std::move(transfer)});
}

void CurlLoop::post(Command command) {
  {
    MutexLock lock(mutex_);
    if (!stopping_) {
      commands_.push_back(std::move(command));
      curl_multi_wakeup(multi_.get());
      return;
    }
  }
  if (command.kind == Command::Kind::Begin) {
    command.transfer->abandon({.code = Code::Cancelled, .message = "the client was stopped"});
  }
}

void CurlLoop::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    curl_multi_wakeup(multi_.get());
  }
  MutexLock lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

void CurlLoop::run() {
  // Signals are for the other threads; above all, OpenSSL writing to a closed connection would end
  // the process by SIGPIPE.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (true) {
    obey_all();  // what is left after something threw
    {
      MutexLock lock(mutex_);
      if (stopping_) break;
      taken_.swap(commands_);
    }
    obey_all();
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    reap();
    curl_multi_poll(multi_.get(), nullptr, 0, kPollMilliseconds, nullptr);
  }
  end_all();
}

void CurlLoop::obey_all() {
  while (next_taken_ < taken_.size()) {
    const Command command = std::move(taken_[next_taken_++]);
    const Status done = guarded("begin a request", [&] { return obey(command); });
    if (done) continue;
    active_.erase(command.transfer->easy());
    command.transfer->abandon(done.error());
  }
  taken_.clear();
  next_taken_ = 0;
}

Status CurlLoop::obey(const Command& command) {
  CURL* const easy = command.transfer->easy();
  switch (command.kind) {
    case Command::Kind::Begin:
      if (command.transfer->ended()) return {};  // cancelled before it began
      active_.emplace(easy, command.transfer);
      if (const CURLMcode code = curl_multi_add_handle(multi_.get(), easy); code != CURLM_OK)
        return failure(Code::Unavailable, curl_multi_strerror(code));
      return {};
    case Command::Kind::Resume:
      // May call the body callback, which may pause again.
      if (active_.contains(easy)) curl_easy_pause(easy, CURLPAUSE_CONT);
      return {};
    case Command::Kind::Drop:
      if (const auto found = active_.find(easy); found != active_.end()) {
        curl_multi_remove_handle(multi_.get(), easy);
        active_.erase(found);
      }
      return {};
  }
  return {};
}

void CurlLoop::reap() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const easy = message->easy_handle;
    const CURLcode code = message->data.result;  // `message` dies with the removal
    const auto found = active_.find(easy);
    CHECK(found != active_.end());
    curl_multi_remove_handle(multi_.get(), easy);
    const std::shared_ptr<Transfer> transfer = std::move(found->second);
    active_.erase(found);
    const Status told = guarded("end a request", [&] { transfer->finish(code); });
    if (!told) transfer->abandon(told.error());
  }
}

void CurlLoop::end_all() {
  std::vector<Command> commands;
  {
    MutexLock lock(mutex_);
    commands.swap(commands_);
  }
  const Error cancelled{.code = Code::Cancelled, .message = "the client was stopped"};
  for (const Command& command : commands)
    command.transfer->abandon(cancelled);
  for (const auto& [easy, transfer] : active_) {
    curl_multi_remove_handle(multi_.get(), easy);
    transfer->abandon(cancelled);
  }
  active_.clear();
}

}  // namespace base::http
