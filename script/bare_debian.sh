# Sourced by script/test-elsewhere and docker/test-image: bare Debian systems in
# directories, made of the packages of this machine's mirror. Needs root and debootstrap.

# Prints where this machine's apt gets Debian from; fails if it knows no Debian.
debian_mirror() {
  local mirror
  # shellcheck disable=SC2016  # The placeholders are apt's.
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' |
    awk '$3 == "main" && $2 !~ /-security/ && $1 ~ /\/debian\/$/ {print $1; exit}')
  [[ -n $mirror ]] || {
    echo "apt knows no Debian mirror to make a system from" >&2
    return 1
  }
  echo "$mirror"
}

# bare_debian DIRECTORY MIRROR SUITE PACKAGE,...: a minimal system of SUITE with the
# packages, which reaches packages as this machine does: proxy, credentials, certificates.
# Writes no sources.list but debootstrap's.
bare_debian() {
  local root=$1 mirror=$2 suite=$3 packages=$4 path
  debootstrap --variant=minbase ${packages:+--include="$packages"} "$suite" "$root" "$mirror" \
    >"$root.log" 2>&1 || {
    tail -n 20 "$root.log" >&2
    return 1
  }
  rm "$root.log"
  apt-config dump | grep -E '^Acquire::(http|https|Check|Retries|ForceIPv|Allow)' \
    >"$root/etc/apt/apt.conf.d/90machine" || true
  for path in /etc/apt/auth.conf /etc/apt/auth.conf.d /usr/local/share/ca-certificates \
    /etc/ssl/certs/ca-certificates.crt; do
    [[ -e $path ]] || continue
    mkdir -p "$root${path%/*}"
    cp -rT "$path" "$root$path"
  done
}

# mount_debian ROOT: gives the system the machine's kernel file systems and host names.
mount_debian() {
  local root=$1 path
  chmod 755 "$root"
  for path in /etc/resolv.conf /etc/hosts; do
    cp -L "$path" "$root$path"
  done
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount --rbind /dev "$root/dev"
  mount --make-rslave "$root/dev"
}

# in_debian ROOT [NAME=VALUE...] COMMAND...: runs it there, with a bare environment.
in_debian() {
  local root=$1
  shift
  chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# remove_debian ROOT: unmounts and deletes it; an empty ROOT is none.
remove_debian() {
  local root=$1
  [[ -n $root ]] || return 0
  umount --lazy "$root/proc" "$root/sys" "$root/dev" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
