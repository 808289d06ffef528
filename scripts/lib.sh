# Sourced by the scripts beside it. Everything said here goes to standard error.
# shellcheck shell=bash

# The checkout, wherever the caller stands.
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)

say() { printf '%s\n' "$*" >&2; }

die() {
  say "${0##*/}: $*"
  exit 1
}

# The comment block at the head of the calling script.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    die "packages are missing, and there is neither root nor sudo to install them"
  fi
}

# ensure_packages GROUP...: installs what scripts/packages.txt lists in these groups and is not there.
ensure_packages() {
  local wanted missing
  command -v dpkg-query >/dev/null || {
    say "not a Debian system: install the counterparts of scripts/packages.txt yourself"
    return 0
  }
  wanted=$(awk -v groups=" $* " '!/^#/ && index(groups, " " $1 " ") {print $2}' \
    "$ROOT/scripts/packages.txt" | sort)
  # dpkg-query ends with 1 when it knows nothing of a package: that one is missing.
  # shellcheck disable=SC2086
  missing=$(comm -23 <(printf '%s\n' $wanted) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
      sed -n 's/^installed //p' | sort -u))
  [[ -n $missing ]] || return 0
  say "installing ${missing//$'\n'/ }"
  {
    as_root apt-get -o Acquire::Retries=3 -q update
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 -q -y \
      --no-install-recommends install $missing
  } >&2
}

# build PRESET [TARGET...]: configures once (ninja does it again when need be) and builds. One build of
# a preset at a time; a compiler's output goes to standard error.
build() {
  local preset=$1 directory=$ROOT/build/$1
  shift
  mkdir -p "$directory"
  (
    flock 9
    cd "$ROOT" || exit 1
    if [[ ! -f $directory/build.ninja ]]; then
      cmake --preset "$preset" || exit 1
    fi
    ninja -C "$directory" "$@"
  ) 9>"$directory/.lock" >&2
}
