# Sourced by docker/test-image: containers of the image, and what has to be true of them.
# Uses $image, its numeric user $uid, and $work, a directory of the test's.

field() { docker inspect --format "$2" "$1"; }

# serve NAME OPTION...: starts a container of the image as securely as it can run.
hardened=(--read-only --cap-drop ALL --security-opt no-new-privileges)
serve() {
  local name=$1
  shift
  docker run --detach --name "$name" "${hardened[@]}" "$@" "$image" >/dev/null
  healthy() {
    [[ $(field "$name" '{{.State.Running}} {{.State.Health.Status}}') == "true healthy" ]]
  }
  until_true 60 healthy || {
    docker logs "$name" >&2
    docker inspect --format '{{json .State}}' "$name" >&2
    fail "$name did not become healthy in 60 s"
  }
  say "$name is healthy"
}

# in_container OPTION... -- ARGUMENT...: the image's command line, in a container.
in_container() {
  local options=()
  while [[ $1 != -- ]]; do
    options+=("$1")
    shift
  done
  shift
  docker run --rm "${hardened[@]}" --no-healthcheck --entrypoint weightinit \
    "${options[@]}" "$image" "$@"
}

# json FIELD <OBJECT
json() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

expect() {
  [[ $2 == "$3" ]] || fail "$1 is '$2', not '$3'"
  say "$1: $2"
}

check_metadata() {
  local version=$1 revision=$2
  expect user "$(field $image '{{.Config.User}}')" "$uid:$uid"
  expect "stop signal" "$(field $image '{{.Config.StopSignal}}')" SIGTERM
  expect "exposed ports" "$(field $image '{{json .Config.ExposedPorts}}')" '{"50051/tcp":{}}'
  expect "health check" "$(field $image '{{json .Config.Healthcheck.Test}}')" \
    '["CMD","/usr/local/bin/weightinit-server","--health-check"]'
  label() { field $image "{{index .Config.Labels \"org.opencontainers.image.$1\"}}"; }
  expect "label title" "$(label title)" weightinit
  expect "label licenses" "$(label licenses)" Apache-2.0
  expect "label version" "$(label version)" "$version"
  expect "label revision" "$(label revision)" "$revision"
  expect "label source" "$(label source)" unknown
  [[ -n $(label description) ]] || fail "there is no label description"
  expect "version of the programs" \
    "$(in_container --network none -- --version | grep -oE '[0-9]+(\.[0-9]+)+')" "$version"
}

# Every package that is in the image, and no other.
check_sbom() {
  local inside listed
  # shellcheck disable=SC2016  # The placeholders are dpkg's.
  inside=$(docker run --rm --network none --no-healthcheck --entrypoint dpkg-query "$image" \
    -W -f '${Package} ${Version}\n' | sort)
  listed=$(docker run --rm --network none --no-healthcheck --entrypoint cat "$image" \
    /usr/share/doc/weightinit/sbom.cdx.json |
    python3 -c 'import json, sys
for part in json.load(sys.stdin)["components"]: print(part["name"], part["version"])' | sort)
  [[ $inside == "$listed" ]] || fail "the SBOM differs from the packages of the image"
  say "the SBOM lists the $(wc -l <<<"$inside") packages of the image"
}

# What the kernel says of the server's process, not what the engine was asked for.
check_confinement() {
  local name=$1 status refusal
  status=$(docker exec "$name" cat /proc/1/status)
  of_status() { awk -v key="$1:" '$1 == key {print $2}' <<<"$status"; }
  expect "uid of the server" "$(of_status Uid)" "$uid"
  expect "capabilities of the server" "$(of_status CapEff)" 0000000000000000
  expect "no new privileges" "$(of_status NoNewPrivs)" 1
  # As root, who would be let by the file's mode.
  refusal=$(docker exec --user 0 "$name" touch /usr/probe 2>&1) || true
  [[ $refusal == *"Read-only file system"* ]] ||
    fail "root could try to write the root filesystem: '$refusal'"
  say "the root filesystem is read-only"
}

check_fetch() {
  local name=$1 address=$2
  local layer=(init --shape 512x256 --activation relu --seed 42 --name fc1.weight)
  local out=$work/out client=() directory
  install -d -o $uid -g $uid "$out"

  in_container --network none --volume "$out:/out" -- \
    "${layer[@]}" --json -o /out/computed.bin >"$out/computed.json"

  in_container --network none -- "${layer[@]}" -o - | cmp - "$out/computed.bin" ||
    fail "standard output differs from the file"

  # A command line built on this machine; else that of the image, in a second container.
  for directory in build/*/bin; do
    if "$directory/weightinit" --version >/dev/null 2>&1; then
      client=("$directory/weightinit" "${layer[@]}" -o "$out/fetched.bin")
      say "fetching from outside with $directory/weightinit"
      break
    fi
  done
  if ((${#client[@]} == 0)); then
    client=(in_container --network host --volume "$out:/out" --
      "${layer[@]}" -o /out/fetched.bin)
    say "fetching from outside with a second container"
  fi
  "${client[@]}" --server "$address" --json >"$out/fetched.json"

  expect "crc32, fetched and computed in-process" \
    "$(json crc32 <"$out/fetched.json")" "$(json crc32 <"$out/computed.json")"
  expect "bytes fetched" "$(stat -c %s "$out/fetched.bin")" $((512 * 256 * 4))
  cmp "$out/fetched.bin" "$out/computed.bin" || fail "the bytes differ"
  say "the bytes are equal"
}

# The fields that compose.yaml promises; prints the client's command, a word a line.
read_compose() {
  python3 - docker/compose.yaml <<'PYTHON'
import shlex
import sys

import yaml

compose = yaml.safe_load(open(sys.argv[1]))
server, client = compose["services"]["server"], compose["services"]["client"]
for service in server, client:
    assert service["image"] == "weightinit"
    assert service["build"]["dockerfile"] == "docker/Dockerfile"
for name, service in compose["services"].items():
    assert service["read_only"] is True, name
    assert service["cap_drop"] == ["ALL"], name
    assert service["security_opt"] == ["no-new-privileges:true"], name
    assert "privileged" not in service, name
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
assert server["ports"] == ["127.0.0.1:50051:50051"]
assert server["stop_grace_period"] == "30s"
assert "healthcheck" not in server, "the image's own is to be inherited"
assert client["depends_on"] == {"server": {"condition": "service_healthy"}}
assert client["entrypoint"] == ["weightinit"]
assert client["volumes"] == ["weights:/out"] and "weights" in compose["volumes"]
print("\n".join(shlex.split(client["command"])))
PYTHON
}

# Runs what compose.yaml's client runs, into a new volume, on the host's network.
check_compose() {
  local address=$1 words command
  words=$(read_compose) || fail "docker/compose.yaml"
  if docker compose version >/dev/null 2>&1; then
    docker compose --file docker/compose.yaml --profile client config --quiet
    say "docker compose accepts compose.yaml"
  else
    say "no docker compose here: compose.yaml was parsed and its fields checked"
  fi
  mapfile -t command <<<"${words//server:50051/$address}"
  in_container --network host --volume weights:/out -- "${command[@]}" --json >/dev/null
  expect "what compose's client left in its volume" \
    "$(docker run --rm --network none --no-healthcheck --volume weights:/out \
      --entrypoint stat "$image" --format '%n %s' /out/fc1.npy)" \
    "/out/fc1.npy $((128 + 512 * 256 * 4))"
}

check_stop() {
  local name=$1 before=$SECONDS grace=30
  docker stop --time $grace "$name" >/dev/null
  expect "exit status after docker stop" "$(field "$name" '{{.State.ExitCode}}')" 0
  ((SECONDS - before < grace)) || fail "$name needed the whole grace period of $grace s"
  say "$name stopped in about $((SECONDS - before)) s"
}
