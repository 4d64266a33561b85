#include "tools/sparkctl/completion.h"

namespace sparkctl {
namespace {

constexpr const char* kCommands = "@COMMANDS@";

// clang-format takes them for C++ and parts their ';;', which shells refuse.
// clang-format off
constexpr const char* kBash = R"bash(# bash completion of sparkctl: source <(sparkctl completion bash)
_sparkctl_names() {
  { sparkctl list -o name; [[ $1 == all ]] && sparkctl list runs -o name; } 2>/dev/null | sed 's,.*/,,'
}
_sparkctl() {
  local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "@COMMANDS@" -- "$word"))
    return
  fi
  case $command in
    get|describe|status|delete|events|logs|log|stop|retry|forward)
      COMPREPLY=($(compgen -W "$(_sparkctl_names all)" -- "$word")) ;;
    suspend|resume|trigger|history|why)
      COMPREPLY=($(compgen -W "$(_sparkctl_names)" -- "$word")) ;;
    list) COMPREPLY=($(compgen -W "schedules runs" -- "$word")) ;;
    completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")) ;;
    help) COMPREPLY=($(compgen -W "@COMMANDS@" -- "$word")) ;;
    cron) COMPREPLY=($(compgen -W "next prev explain check calendar" -- "$word")) ;;
    create|render) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -F _sparkctl sparkctl
)bash";

constexpr const char* kZsh = R"zsh(#compdef sparkctl
# zsh completion of sparkctl: source <(sparkctl completion zsh), after compinit
_sparkctl_names() {
  { sparkctl list -o name; [[ $1 == all ]] && sparkctl list runs -o name; } 2>/dev/null | sed 's,.*/,,'
}
_sparkctl() {
  if ((CURRENT == 2)); then
    compadd -- @COMMANDS@
    return
  fi
  case ${words[2]} in
    get|describe|status|delete|events|logs|log|stop|retry|forward) compadd -- ${(f)"$(_sparkctl_names all)"} ;;
    suspend|resume|trigger|history|why) compadd -- ${(f)"$(_sparkctl_names)"} ;;
    list) compadd -- schedules runs ;;
    completion) compadd -- bash zsh fish ;;
    help) compadd -- @COMMANDS@ ;;
    cron) compadd -- next prev explain check calendar ;;
    create|render) _files ;;
  esac
}
if (($+functions[compdef])); then compdef _sparkctl sparkctl; fi
)zsh";

constexpr const char* kFish = R"fish(# fish completion of sparkctl: sparkctl completion fish | source
function __sparkctl_names
    sparkctl list -o name 2>/dev/null | string replace -r '.*/' ''
    if test "$argv[1]" = all
        sparkctl list runs -o name 2>/dev/null | string replace -r '.*/' ''
    end
end
set -l commands @COMMANDS@
complete -c sparkctl -f
complete -c sparkctl -n "not __fish_seen_subcommand_from $commands" -a "$commands"
complete -c sparkctl -n '__fish_seen_subcommand_from get describe status delete events logs log stop retry forward' -a '(__sparkctl_names all)'
complete -c sparkctl -n '__fish_seen_subcommand_from suspend resume trigger history why' -a '(__sparkctl_names)'
complete -c sparkctl -n '__fish_seen_subcommand_from list' -a 'schedules runs'
complete -c sparkctl -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'
complete -c sparkctl -n '__fish_seen_subcommand_from cron' -a 'next prev explain check calendar'
complete -c sparkctl -n '__fish_seen_subcommand_from create render' -F
)fish";
// clang-format on

}  // namespace

std::string completion_script(Shell shell, const std::vector<std::string>& commands) {
  std::string words;
  for (const std::string& command : commands)
    words += (words.empty() ? "" : " ") + command;
  std::string script = shell == Shell::Fish ? kFish : shell == Shell::Zsh ? kZsh : kBash;
  const std::string mark = kCommands;
  for (size_t at = 0; (at = script.find(mark, at)) != std::string::npos; at += words.size())
    script.replace(at, mark.size(), words);
  return script;
}

}  // namespace sparkctl
