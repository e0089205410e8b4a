"""Certificates of a test's own, by the openssl command."""

import os
import subprocess
import tempfile
import time

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def _openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def _period(days):
    """How long a certificate is valid. OpenSSL 3.5 takes no negative days, those before 3.4 no dates."""
    version = subprocess.run(["openssl", "version"], check=True, capture_output=True, text=True).stdout.split()[1]
    if days >= 0 or tuple(map(int, version.split(".")[:2])) < (3, 4):
        return "-days", str(days)
    begin, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 86400 * day)) for day in (days - 1, days))
    return "-not_before", begin, "-not_after", end


class Authority:
    """One that signs certificates; its own is the file `cert`. Files are in `directory`."""

    def __init__(self, directory, name="authority"):
        self._directory = directory
        self.cert = os.path.join(directory, f"{name}.pem")
        self._key = os.path.join(directory, f"{name}.key")
        _openssl("req", "-x509", *_KEY, "-keyout", self._key, "-out", self.cert, "-subj", f"/CN={name}", "-days", "30")

    def issue(self, name, names="DNS:localhost,IP:127.0.0.1", days=30):
        """Writes NAME.pem and NAME.key, each in one moment; returns their paths. Negative days have expired."""
        cert = os.path.join(self._directory, f"{name}.pem")
        key = os.path.join(self._directory, f"{name}.key")
        with tempfile.TemporaryDirectory(dir=self._directory) as work:
            new_key, request, new_cert, extensions = (os.path.join(work, each) for each in "krce")
            with open(extensions, "w", encoding="ascii") as file:
                file.write(f"subjectAltName={names}\n")
            _openssl("req", *_KEY, "-keyout", new_key, "-out", request, "-subj", f"/CN={name}")
            _openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self._key, "-CAcreateserial",
                     "-out", new_cert, *_period(days), "-extfile", extensions)
            os.replace(new_key, key)
            os.replace(new_cert, cert)
        return cert, key
