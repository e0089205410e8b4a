# Sourced by docker/test-image: an engine of the test's own, and the base image.
# Uses $work, a directory of the test's; sets $engine, the engine's process.

# until_true SECONDS COMMAND...: repeats COMMAND until it succeeds; fails after SECONDS.
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}

gone() { ! kill -0 "$1" 2>/dev/null; }

clean_up() {
  set +e
  if [[ -n $engine ]] && ! gone "$engine"; then
    docker ps --all --quiet | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
    kill -TERM "$engine"
    if ! until_true 30 gone "$engine"; then
      kill -KILL "$engine" "$(cat "$work/exec/containerd/containerd.pid")"
    fi
    wait "$engine" 2>/dev/null
  fi
  if [[ -n $work ]]; then
    # Layers and namespaces that a killed engine left mounted.
    awk -v work="$work/" 'index($2, work) == 1 {print $2}' /proc/mounts | sort -r |
      xargs --no-run-if-empty umount --lazy
    rm -rf --one-file-system "$work"
  fi
}
install_engine() {
  local packages=(debootstrap debian-archive-keyring python3 python3-yaml)
  local missing=() package
  # Docker's own packages, which conflict with Debian's, do as well.
  command -v dockerd >/dev/null || packages+=(docker.io)
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
      missing+=("$package")
  done
  ((${#missing[@]} == 0)) && return
  say "installing ${missing[*]}"
  apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

start_engine() {
  # Nothing of the caller's leads the client to another engine.
  unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH
  export DOCKER_HOST=unix://$work/docker.sock DOCKER_CONFIG=$work/config DOCKER_BUILDKIT=0
  # Nor does this machine's configuration of another engine reach this one.
  echo '{}' >"$work/daemon.json"
  # Where a containerd runs already the engine uses that one: the namespaces keep
  # them apart.
  dockerd --host "$DOCKER_HOST" --pidfile "$work/docker.pid" \
    --config-file "$work/daemon.json" --data-root "$work/data" --exec-root "$work/exec" \
    --containerd-namespace "weightinit-test-$$" \
    --containerd-plugins-namespace "weightinit-test-plugins-$$" \
    --bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
    >"$work/engine.log" 2>&1 &
  engine=$!
  answers() { gone "$engine" || docker version; }
  until_true 60 answers
  ! gone "$engine" && docker version >/dev/null 2>&1
}

# Debian 13 of this machine's mirror, reduced as Debian's own slim images are. The image
# stays in the engine's directory, which is deleted: nothing of this machine's way to
# the packages leaves it.
make_base() {
  local base=$work/base mirror security suite
  mirror=$(debian_mirror) || skip "there is no mirror to make the base image from"
  # shellcheck disable=SC2016  # The placeholders are apt's.
  security=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' |
    awk '$3 == "main" && $2 ~ /-security/ && $1 ~ /\/debian/ {print $1; exit}')
  bare_debian "$base" "$mirror" trixie "" || fail "debootstrap"
  {
    for suite in trixie trixie-updates; do
      echo "deb $mirror $suite main"
    done
    [[ -z $security ]] || echo "deb $security trixie-security main"
  } >"$base/etc/apt/sources.list"

  rm -rf "$base"/usr/share/{doc,man,info,locale,lintian}/* \
    "$base"/var/{cache/apt,lib/apt/lists,log}/*
  printf 'path-exclude /usr/share/%s/*\n' doc man info locale lintian \
    >"$base/etc/dpkg/dpkg.cfg.d/slim"
  tar --directory "$base" --create . |
    docker import --change 'CMD ["bash"]' - debian:trixie-slim >/dev/null ||
    skip "the engine cannot unpack an image on this machine"
  rm -rf --one-file-system "$base"
}
