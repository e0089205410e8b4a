# install_packages NAME...: Debian's packages of these names, where they are missing. Takes
# root, or sudo. To be sourced.
install_packages() {
  local as_root=() missing=() package status
  for package in "$@"; do
    # dpkg also knows packages that others only suggest.
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [[ $status == "install ok installed" ]] || missing+=("$package")
  done
  ((${#missing[@]} > 0)) || return 0
  ((EUID == 0)) || as_root=(sudo)
  echo "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
