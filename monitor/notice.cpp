#include "monitor/notice.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/rfc3339.h"
#include "base/text.h"

namespace monitor {

using base::Result;
using base::Status;
using base::WallTime;
using base::sqlite::Database;
using base::sqlite::Statement;
using nlohmann::json;

namespace {

constexpr const char* kCompleted = "COMPLETED";
// What fits a line of a chat.
constexpr size_t kMaxReason = 300;
constexpr const char* kColumns =
    "id, kind, at, ns, schedule, schedule_uid, run, run_uid, slot, until, count, attempts, "
    "exit_code, message";

const char* to_string(NoticeKind kind) {
  switch (kind) {
    case NoticeKind::Failed:
      return "Failed";
    case NoticeKind::Recovered:
      return "Recovered";
    case NoticeKind::Missed:
      return "Missed";
  }
  return "";
}

bool is_news(WallTime happened, WallTime now) {
  return happened + kNewsworthy >= now;
}

std::string text_of(WallTime time) {
  return base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(time));
}

std::string first_line(std::string_view message) {
  const std::string_view line = message.substr(0, message.find('\n'));
  return line.size() <= kMaxReason ? std::string(line) : base::cut_text(line, kMaxReason) + "…";
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string subject_of(const Notice& notice) {
  return notice.schedule.ns + "/" +
         (notice.schedule.name.empty() ? notice.run : notice.schedule.name);
}

void bind_time(Statement& statement, int position, const std::optional<WallTime>& time) {
  if (time)
    statement.bind(position, static_cast<int64_t>(time->time_since_epoch().count()));
  else
    statement.bind_null(position);
}

std::optional<WallTime> time_at(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return WallTime{std::chrono::milliseconds{row.integer(column)}};
}

Notice read_notice(const Statement& row) {
  Notice notice;
  notice.id = row.integer(0);
  notice.kind = static_cast<NoticeKind>(std::clamp<int64_t>(row.integer(1), 0, 2));
  notice.at = time_at(row, 2).value_or(WallTime{});
  notice.schedule = {.ns = std::string(row.text(3)), .name = std::string(row.text(4))};
  notice.schedule_uid = row.text(5);
  notice.run = row.text(6);
  notice.run_uid = row.text(7);
  notice.slot = time_at(row, 8);
  notice.until = time_at(row, 9);
  notice.count = static_cast<uint64_t>(row.integer(10));
  notice.attempts = static_cast<int>(row.integer(11));
  if (!row.is_null(12)) notice.exit_code = static_cast<int>(row.integer(12));
  notice.message = row.text(13);
  return notice;
}

}  // namespace

std::optional<Notice> notice_of(const runner::RunRecord& run, std::string_view before,
                                WallTime now) {
  if (!run.ended || !is_news(*run.ended, now)) return std::nullopt;
  const bool good = run.state == kCompleted;
  if (good && (before.empty() || before == kCompleted)) return std::nullopt;
  return Notice{.kind = good ? NoticeKind::Recovered : NoticeKind::Failed,
                .at = now,
                .schedule = run.schedule,
                .schedule_uid = run.schedule_uid,
                .run = run.name,
                .run_uid = run.uid,
                .slot = run.slot,
                .until = std::nullopt,
                .attempts = run.attempts,
                .exit_code = run.exit_code,
                .message = run.message};
}

std::optional<Notice> notice_of(const runner::SkipRecord& skip, uint64_t more, WallTime now) {
  if (more == 0 || !is_news(skip.to, now)) return std::nullopt;
  return Notice{.kind = NoticeKind::Missed,
                .at = now,
                .schedule = skip.schedule,
                .schedule_uid = skip.schedule_uid,
                .run = {},
                .run_uid = {},
                .slot = skip.from,
                .until = skip.to,
                .count = more,
                .exit_code = std::nullopt,
                .message = skip.reason};
}

bool is_wanted(std::string_view wish, NoticeKind kind) {
  bool said_anything = false;
  while (!wish.empty()) {
    const size_t comma = wish.find(',');
    const std::string_view word = trimmed(wish.substr(0, comma));
    wish = comma == std::string_view::npos ? std::string_view{} : wish.substr(comma + 1);
    if (word == "none") return false;
    for (const auto& [name, named] :
         {std::pair{"failed", NoticeKind::Failed}, std::pair{"recovered", NoticeKind::Recovered},
          std::pair{"missed", NoticeKind::Missed}}) {
      if (word != name) continue;
      if (named == kind) return true;
      said_anything = true;
    }
  }
  return !said_anything;
}

std::string sentence_of(const Notice& notice) {
  const std::string subject = subject_of(notice);
  switch (notice.kind) {
    case NoticeKind::Recovered:
      return subject + " works again: run " + notice.run + " completed";
    case NoticeKind::Missed: {
      const std::string first = notice.slot ? text_of(*notice.slot) : "";
      if (notice.count == 1 && notice.slot == notice.until)
        return subject + " missed its slot " + first + ": " + notice.message;
      return subject + " missed " + std::to_string(notice.count) +
             (notice.count == 1 ? " slot" : " slots") + " from " + first + " to " +
             (notice.until ? text_of(*notice.until) : "") + ": " + notice.message;
    }
    case NoticeKind::Failed:
      break;
  }
  std::string text = subject + " failed";
  if (!notice.schedule.name.empty()) text += ": run " + notice.run;
  if (notice.slot) text += ", slot " + text_of(*notice.slot);
  if (notice.attempts > 1) text += ", " + std::to_string(notice.attempts) + " attempts";
  if (notice.exit_code) text += ", exit code " + std::to_string(*notice.exit_code);
  if (!notice.message.empty()) text += ": " + first_line(notice.message);
  return text;
}

json to_json(const Notice& notice) {
  const std::string kind = to_string(notice.kind);
  json body{{"text", sentence_of(notice)},
            {"kind", kind},
            {"namespace", notice.schedule.ns},
            {"time", text_of(notice.at)}};
  if (!notice.schedule.name.empty()) body["schedule"] = notice.schedule.name;
  if (!notice.message.empty()) body["reason"] = notice.message;
  if (notice.slot) body["slot"] = text_of(*notice.slot);
  if (notice.kind == NoticeKind::Missed) {
    body["id"] = notice.schedule_uid + "/" + text_of(*notice.slot) + "/" + kind + "/" +
                 (notice.until ? text_of(*notice.until) : "");
    if (notice.until) body["until"] = text_of(*notice.until);
    body["count"] = notice.count;
    return body;
  }
  body["id"] = notice.run_uid + "/" + kind;
  body["run"] = notice.run;
  body["attempts"] = notice.attempts;
  if (notice.exit_code) body["exitCode"] = *notice.exit_code;
  return body;
}

Status insert_notice(Database& database, const Notice& notice) {
  ASSIGN_OR_RETURN(Statement insert,
                   database.prepare("INSERT INTO notices (kind, at, ns, schedule, schedule_uid, "
                                    "run, run_uid, slot, until, count, attempts, exit_code, "
                                    "message) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"));
  insert.bind(1, static_cast<int64_t>(notice.kind));
  bind_time(insert, 2, notice.at);
  insert.bind(3, notice.schedule.ns)
      .bind(4, notice.schedule.name)
      .bind(5, notice.schedule_uid)
      .bind(6, notice.run)
      .bind(7, notice.run_uid);
  bind_time(insert, 8, notice.slot);
  bind_time(insert, 9, notice.until);
  insert.bind(10, static_cast<int64_t>(notice.count)).bind(11, int64_t{notice.attempts});
  if (notice.exit_code)
    insert.bind(12, int64_t{*notice.exit_code});
  else
    insert.bind_null(12);
  RETURN_IF_ERROR(insert.bind(13, base::cut_text(notice.message, 4'096)).run());
  // Ids are given in order, so the oldest are those far below the newest.
  ASSIGN_OR_RETURN(Statement bound,
                   database.prepare("DELETE FROM notices WHERE id <= (SELECT max(id) FROM notices) "
                                    "- ?"));
  return bound.bind(1, kMaxNotices).run();
}

Result<std::vector<Notice>> select_notices(Database& database, size_t limit) {
  std::vector<Notice> notices;
  ASSIGN_OR_RETURN(Statement query, database.prepare("SELECT " + std::string(kColumns) +
                                                     " FROM notices ORDER BY id LIMIT ?"));
  query.bind(1, static_cast<int64_t>(limit));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, query.step());
    if (!row) return notices;
    notices.push_back(read_notice(query));
  }
}

Status delete_notice(Database& database, int64_t id) {
  ASSIGN_OR_RETURN(Statement remove, database.prepare("DELETE FROM notices WHERE id = ?"));
  return remove.bind(1, id).run();
}

Result<uint64_t> delete_notices_before(Database& database, WallTime time) {
  ASSIGN_OR_RETURN(Statement remove, database.prepare("DELETE FROM notices WHERE at < ?"));
  RETURN_IF_ERROR(remove.bind(1, static_cast<int64_t>(time.time_since_epoch().count())).run());
  return static_cast<uint64_t>(database.changes());
}

}  // namespace monitor
