# Completion of incept for bash: commands and options are those that its help lists.
_incept() {
  local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "--help --version $(incept --help 2>/dev/null |
      sed -n '/^Subcommands:/,$s/^  \([a-z-]*\) .*/\1/p')" -- "$word")
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(incept "$command" --help 2>/dev/null |
      grep -oE -- '--[a-z][a-z0-9-]*' | sort -u)" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -o filenames -F _incept incept
