"""Certificate authorities of our own."""

import subprocess


class Authority:
    """Signs certificates for 127.0.0.1 and localhost; everything in one folder, made by openssl."""

    def __init__(self, folder, name, days=2):
        self.folder, self.name = folder, name
        self.ca = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", days,
                      "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.ca)

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    def issue(self, name, san="IP:127.0.0.1,DNS:localhost", days=1):
        """The files of a certificate and of its key."""
        key, request, certificate = (self.folder / f"{self.name}-{name}.{end}" for end in ("key", "csr", "pem"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={san}\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key, "-CAcreateserial", "-days",
                      days, "-extfile", extensions, "-out", certificate)
        return certificate, key
