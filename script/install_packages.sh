# install_packages NAME...: Debian's packages of these names, where they are missing. Takes
# root, or sudo. To be sourced.
install_packages() {
  local as_root=()
  ! dpkg-query -W "$@" >/dev/null 2>&1 || return 0
  ((EUID == 0)) || as_root=(sudo)
  echo "installing $*"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
