#include "runner/node/journal.h"

#include <cerrno>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/json.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;

base::WallTime time_at(const Json& fact) {
  return base::WallTime(std::chrono::milliseconds(base::integer_at(fact, {"at"}).value_or(0)));
}

Json identity_json(const ProcessIdentity& process) {
  return {{"pid", process.pid}, {"startTime", process.start_time}, {"bootId", process.boot_id}};
}

ProcessIdentity identity_of(const Json& fact) {
  return {.pid = static_cast<pid_t>(base::integer_at(fact, {"process", "pid"}).value_or(0)),
          .start_time =
              static_cast<uint64_t>(base::integer_at(fact, {"process", "startTime"}).value_or(0)),
          .boot_id = base::string_at(fact, {"process", "bootId"})};
}

void apply(const Json& fact, Journal& journal) {
  const std::string kind = base::string_at(fact, {"fact"});
  const std::string container = base::string_at(fact, {"container"});
  if (kind == "begun") {
    journal.supervisor = identity_of(fact);
    journal.cgroup = base::string_at(fact, {"cgroup"});
  } else if (kind == "started") {
    journal.containers[container] = {.process = identity_of(fact), .started = time_at(fact)};
  } else if (kind == "exited") {
    journal.containers[container].exit =
        ContainerExit{.code = static_cast<int>(base::integer_at(fact, {"code"}).value_or(0)),
                      .signal = static_cast<int>(base::integer_at(fact, {"signal"}).value_or(0)),
                      .out_of_memory = base::bool_at(fact, {"outOfMemory"}).value_or(false),
                      .start_error = base::string_at(fact, {"startError"}),
                      .at = time_at(fact)};
  } else if (kind == "stopping") {
    journal.stopping = true;
    if (base::string_at(fact, {"cause"}) == "deadline") journal.deadline_exceeded = true;
  } else if (kind == "stuck") {
    journal.stuck = base::string_at(fact, {"who"});
  } else if (kind == "ended") {
    journal.ended = time_at(fact);
  } else if (kind == "lost") {
    journal.lost = base::string_at(fact, {"why"});
    journal.lost_at = time_at(fact);
  }
}

}  // namespace

base::Result<Journal> read_journal(const std::filesystem::path& path) {
  Journal journal;
  auto text = base::read_own_file(path);
  if (!text) {
    if (text.error().code == base::Code::NotFound) return journal;
    return base::failure(text.error());
  }
  for (size_t at = 0; at < text->size();) {
    const size_t end = text->find('\n', at);
    if (end == std::string::npos) break;
    if (const auto fact = base::parse_json(std::string_view(*text).substr(at, end - at)))
      apply(*fact, journal);
    at = end + 1;
  }
  return journal;
}

base::Result<JournalWriter> JournalWriter::open(const std::filesystem::path& path) {
  base::FileDescriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return base::failure(base::system_error("open " + path.string(), errno));
  // The name must survive a machine crash as well as the lines do.
  RETURN_IF_ERROR(base::sync_folder(path.parent_path()));
  return JournalWriter(std::move(file));
}

base::Status JournalWriter::append(const Json& fact) {
  // One write per line, so that a reader never sees half of one while we live. After a failure
  // (full disk) half a line may stand there: begin on a new one, the half is then no JSON.
  const std::string line = (torn_ ? "\n" : "") + base::dump_json(fact) + "\n";
  torn_ = !base::write_all(file_.get(), line) || ::fdatasync(file_.get()) != 0;
  if (torn_) return base::failure(base::system_error("write the journal", errno));
  return {};
}

base::Status JournalWriter::begun(const ProcessIdentity& supervisor, const std::string& cgroup) {
  return append({{"fact", "begun"}, {"process", identity_json(supervisor)}, {"cgroup", cgroup}});
}

base::Status JournalWriter::started(const std::string& container, const ContainerRecord& record) {
  return append({{"fact", "started"},
                 {"container", container},
                 {"process", identity_json(record.process)},
                 {"at", record.started.time_since_epoch().count()}});
}

base::Status JournalWriter::exited(const std::string& container, const ContainerExit& exit) {
  return append({{"fact", "exited"},
                 {"container", container},
                 {"code", exit.code},
                 {"signal", exit.signal},
                 {"outOfMemory", exit.out_of_memory},
                 {"startError", exit.start_error},
                 {"at", exit.at.time_since_epoch().count()}});
}

base::Status JournalWriter::stopping(StopCause cause, base::WallTime at) {
  return append({{"fact", "stopping"},
                 {"cause", cause == StopCause::Deadline ? "deadline" : "asked"},
                 {"at", at.time_since_epoch().count()}});
}

base::Status JournalWriter::stuck(const std::string& who, base::WallTime at) {
  return append({{"fact", "stuck"}, {"who", who}, {"at", at.time_since_epoch().count()}});
}

base::Status JournalWriter::ended(base::WallTime at) {
  return append({{"fact", "ended"}, {"at", at.time_since_epoch().count()}});
}

base::Status JournalWriter::lost(const std::string& why, base::WallTime at) {
  return append({{"fact", "lost"}, {"why", why}, {"at", at.time_since_epoch().count()}});
}

}  // namespace runner::node
