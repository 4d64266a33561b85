#include "tools/sparkctl/cron.h"

#include <map>
#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>

#include "tools/sparkctl/cron_answers.h"

namespace sparkctl {
namespace {

constexpr size_t kMaxCount = 100'000;

constexpr char kCronHelp[] = R"(Examples:
  sparkctl cron next '30 2 * * *' --zone America/New_York
  sparkctl cron explain '0 9 * * 1#1' --zone Europe/Berlin
  sparkctl cron check '*/10 8-18 * * 1-5'
  sparkctl cron calendar '0 18 LW * *' --month 2026-12

The fields: [second] minute hour day-of-month month day-of-week [year], or @daily and
the like, or @every 1h30m. Exit codes: 0 done, 1 refused or never due, 2 wrong usage.)";

constexpr char kNextHelp[] = R"(Examples:
  sparkctl cron next '30 2 * * *' --zone America/New_York
  sparkctl cron next '@every 90m' --anchor 2026-11-21T08:00:00Z -n 3
  sparkctl cron next 'H H * * *' --seed reports/nightly -o json
  printf '0 0 L * *\tUTC\t2026-01-01T00:00:00Z\tVixie\t3\n' | sparkctl cron next --batch

--batch answers every line with one line: 2026-01-31T00:00:00Z;..., NEVER (also last,
where fewer are left), or INVALID: and why. An empty zone or dstPolicy means what the
options say. Exit codes: 0 done, 1 refused, 2 wrong usage.)";

constexpr char kPrevHelp[] = R"(Examples:
  sparkctl cron prev '0 0 29 2 *' -n 3
  sparkctl cron prev '30 1 * * *' -z America/New_York --before 2026-11-02T00:00:00Z

Exit codes: 0 done, 1 refused, 2 wrong usage.)";

constexpr char kExplainHelp[] = R"(Examples:
  sparkctl cron explain '0 9 * * 1#1' --zone Europe/Berlin
  sparkctl cron explain 'H 3 * * *' --seed reports/nightly

Exit codes: 0 done, 1 refused, 2 wrong usage.)";

constexpr char kCheckHelp[] = R"(Examples:
  sparkctl cron check '*/10 8-18 * * 1-5'
  sparkctl cron check '0 0 30 2 *' || echo 'never fires'

Exit codes: 0 accepted, 1 refused or never due, 2 wrong usage.)";

constexpr char kCalendarHelp[] = R"(Examples:
  sparkctl cron calendar '0 18 LW * *' --month 2026-12
  sparkctl cron calendar '30 2 * * *' --zone America/New_York --month 2026-03 -o json

Exit codes: 0 done, 1 refused, 2 wrong usage.)";

// What the command line fills in; one per subcommand, kept alive by its callback.
struct Arguments {
  CronQuestion question;
  std::string dst = "Vixie";
  std::string output = "text";
  std::string from;
  std::string anchor;
  std::string month;
  size_t count = 10;
  bool batch = false;
};

// Values that only we can judge; the message is what CLI11 prints.
std::string check_instant(const std::string& text) {
  const auto instant = instant_of(text);
  return instant ? "" : instant.error().message;
}

std::string check_dst(const std::string& text) {
  return dst_policy_of(text) ? "" : "\"" + text + "\" is not Vixie, Kubernetes or Once";
}

CLI::Option* add_common(CLI::App& command, Arguments& arguments) {
  command.add_option("--zone,-z", arguments.question.zone, "IANA time zone, default UTC");
  command.add_option("--dst", arguments.dst, "DST policy: Vixie (default), Kubernetes or Once")
      ->check(CLI::Validator(check_dst, ""));
  command.add_option("--seed", arguments.question.seed, "what H hangs on: namespace/name");
  command.add_option("--anchor", arguments.anchor, "where @every starts, default 1970")
      ->check(CLI::Validator(check_instant, ""));
  command.add_option("--output,-o", arguments.output, "text (default) or json")
      ->check(CLI::IsMember({"text", "json"}));
  return command.add_option("expression", arguments.question.expression,
                            "the cron expression, in quotes");
}

void resolve(Arguments& arguments) {
  arguments.question.dst_policy = *dst_policy_of(arguments.dst);
  arguments.question.output = arguments.output == "json" ? CronOutput::Json : CronOutput::Text;
  if (!arguments.anchor.empty()) arguments.question.anchor = *instant_of(arguments.anchor);
}

using Answer = int (*)(const Arguments&, const CronContext&);

int slots_from(const Arguments& arguments, CronDirection direction, const CronContext& context) {
  const scheduler::Instant from =
      arguments.from.empty() ? context.now : *instant_of(arguments.from);
  return answer_slots(arguments.question, direction, from, arguments.count, context);
}

int next(const Arguments& arguments, const CronContext& context) {
  if (arguments.batch) return answer_batch(arguments.question, context);
  return slots_from(arguments, CronDirection::Next, context);
}

int prev(const Arguments& arguments, const CronContext& context) {
  return slots_from(arguments, CronDirection::Prev, context);
}

int explain(const Arguments& arguments, const CronContext& context) {
  return answer_explain(arguments.question, context);
}

int check(const Arguments& arguments, const CronContext& context) {
  return answer_check(arguments.question, context);
}

int calendar(const Arguments& arguments, const CronContext& context) {
  return answer_calendar(arguments.question, arguments.month, context);
}

std::shared_ptr<Arguments> add_command(CLI::App& cron, const char* name, const char* description,
                                       const char* help, Answer answer, const CronContext& context,
                                       int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = cron.add_subcommand(name, description);
  command->footer(help);
  CLI::Option* expression = add_common(*command, *arguments);
  command->callback([arguments, expression, answer, &context, &exit_code] {
    if (expression->count() == 0 && !arguments->batch) throw CLI::RequiredError("expression");
    resolve(*arguments);
    exit_code = answer(*arguments, context);
  });
  return arguments;
}

void add_slot_options(CLI::App& command, Arguments& arguments, const char* from) {
  command.add_option("-n,--count", arguments.count, "how many, default 10")
      ->check(CLI::Range(size_t{1}, kMaxCount));
  command.add_option(from, arguments.from, "RFC 3339 time, default now")
      ->check(CLI::Validator(check_instant, ""));
}

}  // namespace

void add_cron(CLI::App& app, const CronContext& context, int& exit_code) {
  CLI::App* cron = app.add_subcommand("cron", "Ask what a cron expression means");
  cron->require_subcommand(1);
  cron->footer(kCronHelp);
  const auto add = [&](const char* name, const char* description, const char* help, Answer answer) {
    return add_command(*cron, name, description, help, answer, context, exit_code);
  };
  const auto next_arguments = add("next", "The next slots", kNextHelp, next);
  CLI::App* next_command = cron->get_subcommand("next");
  add_slot_options(*next_command, *next_arguments, "--after");
  next_command->add_flag("--batch", next_arguments->batch,
                         "answer TSV lines from standard input: expression, zone, after, "
                         "dstPolicy, count");
  const auto prev_arguments = add("prev", "The slots before, latest first", kPrevHelp, prev);
  add_slot_options(*cron->get_subcommand("prev"), *prev_arguments, "--before");
  add("explain", "The expression in plain English", kExplainHelp, explain);
  add("check", "Exit code 0 if the expression is accepted and can fire", kCheckHelp, check);
  const auto calendar_arguments =
      add("calendar", "A month with the days that match", kCalendarHelp, calendar);
  cron->get_subcommand("calendar")
      ->add_option("--month", calendar_arguments->month, "such as 2026-11, default this month");
}

int cron_main(const std::vector<std::string>& arguments, const CronContext& context) {
  CLI::App app("sparkctl");
  app.require_subcommand(1);
  int exit_code = 0;
  add_cron(app, context, exit_code);
  // CLI11 takes the arguments last first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  reversed.emplace_back("cron");
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    constexpr int kUsage = 2;
    return app.exit(error, context.out, context.err) == 0 ? 0 : kUsage;
  }
  return exit_code;
}

}  // namespace sparkctl
