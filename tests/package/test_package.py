"""Installs the CMake package, builds a project against it, and runs that project.

usage: test_package.py CMAKE BUILD_DIRECTORY SOURCE_DIRECTORY
"""

import pathlib
import subprocess
import sys
import tempfile


def main():
    cmake, build, source = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        prefix = pathlib.Path(directory, "prefix")
        consumer = pathlib.Path(directory, "build")
        run = lambda *command: subprocess.run(command, check=True)
        run(cmake, "--install", build, "--prefix", str(prefix))
        compiler = [
            line.partition("=")[2]
            for line in pathlib.Path(build, "CMakeCache.txt").read_text().splitlines()
            if line.startswith("CMAKE_CXX_COMPILER:")
        ][0]
        run(cmake, "-S", source, "-B", str(consumer), "-G", "Ninja",
            f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={compiler}")
        run(cmake, "--build", str(consumer))
        installed = prefix / "bin" / "weightinit-server"
        if not installed.exists() or not (prefix / "bin" / "weightinit").exists():
            sys.exit("the programs were not installed")

        core = subprocess.run([consumer / "core_consumer"], check=True,
                              capture_output=True, text=True).stdout
        process = subprocess.Popen([installed, "--listen", "127.0.0.1:0"],
                                   stdout=subprocess.PIPE, text=True)
        try:
            address = process.stdout.readline().split()[-1]
            client = subprocess.run([consumer / "client_consumer", address], check=True,
                                    capture_output=True, text=True).stdout
        finally:
            process.terminate()
            process.wait()
        if core != client or len(core.strip()) != 8:
            sys.exit(f"core computed {core!r}, the client fetched {client!r}")
        print(f"installed core and client agree: crc32 {core.strip()}")


if __name__ == "__main__":
    main()
