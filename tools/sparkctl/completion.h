#pragma once

// The script that `sparkctl completion` prints: source <(sparkctl completion).

namespace sparkctl {

// clang-format takes it for C++ and parts its ';;', which bash refuses.
// clang-format off
inline constexpr const char* kBashCompletion = R"bash(# bash completion of sparkctl
_sparkctl() {
  local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "list get describe create delete suspend resume trigger history logs render cron version completion" -- "$word"))
    return
  fi
  case $command in
    get|describe|delete|suspend|resume|trigger|history|logs)
      COMPREPLY=($(compgen -W "$(sparkctl list -o name 2>/dev/null | cut -d/ -f2)" -- "$word")) ;;
    list) COMPREPLY=($(compgen -W "schedules runs" -- "$word")) ;;
    cron) COMPREPLY=($(compgen -W "next prev explain check calendar" -- "$word")) ;;
    create|render) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -F _sparkctl sparkctl
)bash";
// clang-format on

}  // namespace sparkctl
