# SPDX-License-Identifier: Apache-2.0
"""Keys, certificates and tokens made by python's `cryptography`: nothing of it is the endpoint's own library."""
import base64
import datetime
import hashlib
import hmac
import ipaddress
import json
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

AUDIENCE = "https://fhir.example/fhir"
ISSUER = "https://issuer.example"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def part(value):
    return b64(json.dumps(value).encode())


def pem_of(key):
    """A public key as text, as it stands in many a configuration."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


class RsaKey:
    alg = "RS256"

    def __init__(self, kid, bits=2048):
        self.kid, self.key = kid, rsa.generate_private_key(65537, bits)

    def jwk(self):
        told = self.key.public_key().public_numbers()
        return {"kty": "RSA", "n": number(told.n), "e": number(told.e)}

    def sign(self, data):
        return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())


class EcKey:
    alg = "ES256"

    def __init__(self, kid):
        self.kid, self.key = kid, ec.generate_private_key(ec.SECP256R1())

    def jwk(self):
        told = self.key.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": number(told.x, 32), "y": number(told.y, 32)}

    def sign(self, data):
        r, s = utils.decode_dss_signature(self.sign_der(data))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def sign_der(self, data):
        return self.key.sign(data, ec.ECDSA(hashes.SHA256()))


class EdKey:
    alg = "EdDSA"

    def __init__(self, kid):
        self.kid, self.key = kid, ed25519.Ed25519PrivateKey.generate()

    def jwk(self):
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}

    def sign(self, data):
        return self.key.sign(data)


def claims_of(**changes):
    """The claims of a good token; None takes one out."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "Practitioner/7", "exp": int(time.time()) + 300,
              "scope": "user/Patient.rs", **changes}
    return {name: value for name, value in claims.items() if value is not None}


def token_of(key, header=None, sign=None, **changes):
    """A token; @header changes what its head says, @sign how it is signed."""
    head = {"alg": key.alg, "typ": "JWT", "kid": key.kid, **(header or {})}
    head = {name: value for name, value in head.items() if value is not None}
    signed = f"{part(head)}.{part(claims_of(**changes))}"
    return f"{signed}.{b64((sign or key.sign)(signed.encode()))}"


def hmac_with(secret):
    return lambda data: hmac.new(secret, data, hashlib.sha256).digest()


def key_set(keys):
    return {"keys": [{"kid": key.kid, "use": "sig", "alg": key.alg, **key.jwk()} for key in keys]}


def make_certificate(folder):
    """The paths of a certificate for this machine, which is its own authority, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    # 38, which Debian has, takes times without a zone.
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
                   .not_valid_after(now + datetime.timedelta(days=1))
                   .add_extension(x509.SubjectAlternativeName(names), False)
                   .add_extension(x509.BasicConstraints(ca=True, path_length=0), True).sign(key, hashes.SHA256()))
    (folder / "tls.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return str(folder / "tls.crt"), str(folder / "tls.key")
