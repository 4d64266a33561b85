#include "tools/sparkctl/cron.h"

#include <map>
#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>

#include "tools/sparkctl/cron_answers.h"

namespace sparkctl {
namespace {

constexpr size_t kMaxCount = 100'000;

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
                                       Answer answer, const CronContext& context, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = cron.add_subcommand(name, description);
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
  const auto add = [&](const char* name, const char* description, Answer answer) {
    return add_command(*cron, name, description, answer, context, exit_code);
  };
  const auto next_arguments = add("next", "The next slots", next);
  CLI::App* next_command = cron->get_subcommand("next");
  add_slot_options(*next_command, *next_arguments, "--after");
  next_command->add_flag("--batch", next_arguments->batch,
                         "answer TSV lines from standard input: expression, zone, after, "
                         "dstPolicy, count");
  const auto prev_arguments = add("prev", "The slots before, latest first", prev);
  add_slot_options(*cron->get_subcommand("prev"), *prev_arguments, "--before");
  add("explain", "The expression in plain English", explain);
  add("check", "Exit code 0 if the expression is accepted and can fire", check);
  const auto calendar_arguments = add("calendar", "A month with the days that match", calendar);
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
