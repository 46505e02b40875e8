"""The checks of certificates: each file holds what TLS needs of it, and a key is that of its certificate."""

import ssl

_CERTIFICATE, _KEY = b"-----BEGIN CERTIFICATE-----", b"PRIVATE KEY-----"
_LARGEST = 2**24


def no_certificate(path: str) -> str | None:
    """Why the file cannot be used for its certificates, if so."""
    # OpenSSL takes more kinds of PEM than the HTTP client does: lists of revoked ones, "TRUSTED CERTIFICATE".
    if why := _lacks(path, _CERTIFICATE):
        return why
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return f"the file {path} holds a certificate that cannot be read"
    return None


def no_key(path: str, cert_path: str | None) -> str | None:
    """Why the file cannot be used for the key of the certificate, if so; what is wrong with that is said elsewhere."""
    if (why := _lacks(path, _KEY)) or cert_path is None or no_certificate(cert_path):
        return why
    try:
        # Without a password here, OpenSSL asks for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert_path, path, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"the key in the file {path} is not that of the certificate in {cert_path}"
        return f"the file {path} holds no usable key; expected: PEM, without a password"
    return None


def _lacks(path: str, mark: bytes) -> str | None:
    try:
        with open(path, "rb") as file:
            held = mark in file.read(_LARGEST)
    except (OSError, ValueError) as error:
        return f"the file {path} cannot be read: {getattr(error, 'strerror', None) or error}"
    return None if held else f'the file {path} has no line with "{mark.decode()}"; expected: PEM'
