"""Installs the CMake package, builds a project against it, and runs that project.

usage: test_package.py CMAKE BUILD_DIRECTORY SOURCE_DIRECTORY COMPONENT

COMPONENT is core, or all. Of a whole build the component core is tried too, in a project
of its own, and client/examples/cpp is built and run.
"""

import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import zlib


def run(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout


def from_cache(build, variable):
    """The value of a variable in a build directory's cache; "" if it has none."""
    for line in (build / "CMakeCache.txt").read_text().splitlines():
        if line.startswith(f"{variable}:"):
            return line.partition("=")[2]
    return ""


def build_consumer(cmake, build, source, prefix, consumer, component):
    """Builds the project of tests/package against the package in `prefix`."""
    subprocess.run(
        [cmake, "-S", source, "-B", consumer, "-G", "Ninja", f"-DCOMPONENT={component}",
         f"-DCMAKE_PREFIX_PATH={prefix}",
         f"-DCMAKE_CXX_COMPILER={from_cache(build, 'CMAKE_CXX_COMPILER')}"], check=True)
    subprocess.run([cmake, "--build", consumer], check=True)


def crc32_by_core(consumer):
    """The CRC-32, in hexadecimal, of the tensor that core_consumer computes."""
    return f"{zlib.crc32(run(consumer / 'core_consumer')):08x}"


@contextlib.contextmanager
def installed_server(prefix):
    """Its address."""
    process = subprocess.Popen([prefix / "bin" / "weightinit-server", "--listen", "127.0.0.1:0"],
                               stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()


def crc32_by_client(prefix, consumer):
    """The same of the tensor that client_consumer fetches from the installed server."""
    with installed_server(prefix) as address:
        return run(consumer / "client_consumer", address).decode().strip()


def check_example(prefix, example, directory):
    """The example's table is the same with and without a server, and its model the command's."""
    manifest = prefix / "share" / "weightinit" / "models" / "lenet5.yaml"
    table = run(example / "init_model", manifest, "42").decode()
    with installed_server(prefix) as address:
        if run(example / "init_model", manifest, "42", address).decode() != table:
            sys.exit("the example has another table from a server")
    stored = json.loads(run(prefix / "bin" / "weightinit", "model", "init", manifest, "--seed", "42", "--json", "-o",
                            pathlib.Path(directory, "lenet5.safetensors")))
    expected = f"{stored['tensor_count']} tensors, {stored['bytes']} bytes, crc32 {stored['crc32']:08x}"
    lines = table.splitlines()
    if lines[-1] != expected or len(lines) != stored["tensor_count"] + 2:
        sys.exit(f"the example printed\n{table}and not {expected}")
    if subprocess.run([example / "init_model", "no-such.yaml"], capture_output=True).returncode != 1:
        sys.exit("the example does not fail where there is no manifest")
    print(f"the example agrees with the command: {expected}")


def main():
    cmake, build, source, component = sys.argv[1:]
    build = pathlib.Path(build)
    with tempfile.TemporaryDirectory() as directory:
        prefix = pathlib.Path(directory, "prefix")
        subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True)

        core_consumer = pathlib.Path(directory, "core")
        build_consumer(cmake, build, source, prefix, core_consumer, "core")
        if list(prefix.rglob("*.pb.h")) and component == "core":
            sys.exit("a build of the core alone installed generated code")
        crc32 = crc32_by_core(core_consumer)
        print(f"installed core: crc32 {crc32}")
        if component == "core":
            return

        if not (prefix / "bin" / "weightinit").exists():
            sys.exit("the programs were not installed")
        consumer = pathlib.Path(directory, "all")
        build_consumer(cmake, build, source, prefix, consumer, component)
        by_client = crc32_by_client(prefix, consumer)
        if by_client != crc32:
            sys.exit(f"core computed {crc32}, the client fetched {by_client}")
        print(f"installed core and client agree: crc32 {crc32}")

        example = pathlib.Path(directory, "example")
        build_consumer(cmake, build, pathlib.Path(source).parents[1] / "client" / "examples" / "cpp", prefix, example,
                       component)
        check_example(prefix, example, directory)


if __name__ == "__main__":
    main()
