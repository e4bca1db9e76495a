"""Cases for rules about hashes, ciphers, keys, random numbers and signatures."""

from __future__ import annotations

from tests.unit.adapters.local.rule_cases import Case

CASES = (
    Case(
        "ORC-PY-301",
        bad="""
        import hashlib
        from hashlib import md5 as quick

        def digest(data, secret):
            quick(data)  # low/medium
            hashlib.new("SHA-1", data)  # low/medium
            token = hashlib.sha1(data)  # medium/medium

        def sign(data):
            return hashlib.sha1(data).hexdigest()  # medium/medium
        """,
        good="""
        import hashlib
        from package import md5

        def digest(data):
            hashlib.sha256(data)
            hashlib.md5(data, usedforsecurity=False)
            hashlib.new("sha256", data)
            return md5(data)
        """,
    ),
    Case(
        "ORC-PY-302",
        bad="""
        import hashlib
        from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

        def store(user, password, salt):
            hashlib.sha256(password.encode())  # high/medium
            hashlib.md5(salt + user.password)  # high/medium
            hashlib.pbkdf2_hmac("sha256", password, salt, 1000)  # medium/high
            PBKDF2HMAC(algorithm=None, length=32, salt=salt, iterations=5000)  # medium/high
        """,
        good="""
        import hashlib

        def store(data, password, salt):
            hashlib.sha256(data)
            hashlib.scrypt(password, salt=salt, n=16384, r=8, p=1)
            hashlib.pbkdf2_hmac("sha256", password, salt, 600_000)
        """,
    ),
    Case(
        "ORC-PY-303",
        bad="""
        from Crypto.Cipher import AES, ARC4, DES
        from Cryptodome.Cipher import Blowfish
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        def encrypt(key):
            DES.new(key)  # high/high
            ARC4.new(key)  # high/high
            Blowfish.new(key)  # high/high
            AES.new(key, AES.MODE_ECB)  # medium/high
            algorithms.TripleDES(key)  # high/high
            Cipher(algorithms.AES(key), modes.ECB())  # medium/high
        """,
        good="""
        from Crypto.Cipher import AES
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
        from shapes import DES

        def encrypt(key, nonce):
            DES.new(key)
            AES.new(key, AES.MODE_GCM, nonce=nonce)
            return Cipher(algorithms.AES(key), modes.GCM(nonce))
        """,
    ),
    Case(
        "ORC-PY-304",
        bad="""
        import random
        from random import choice

        def make_reset_token():
            return "".join(choice("abc") for _ in range(20))  # medium/medium

        def start(user):
            user.session_id = random.getrandbits(64)  # medium/medium
            salt = random.randbytes(16)  # medium/medium
        """,
        good="""
        import random
        import secrets

        def roll():
            dice = random.randint(1, 6)
            token = secrets.token_hex()
            token_count = random.randint(1, 6)
            return random.SystemRandom().choice("abc"), dice, token
        """,
    ),
    Case(
        "ORC-PY-305",
        bad="""
        import hashlib
        import hmac

        def check(key, message, given, request_token, session_token):
            if hmac.new(key, message).hexdigest() == given:  # medium/medium
                return True
            if given.digest != hashlib.sha256(message).digest():  # low/low
                return False
            return request_token == session_token  # low/low
        """,
        good="""
        import hashlib
        import hmac

        class Entry:
            def __eq__(self, other):
                return self.signature == other.signature

        def check(key, message, given, token, data, other):
            if hashlib.sha256(data).hexdigest() == expected_name:
                return None
            if token == "EOF" or token.kind == token.name:
                return None
            if hashlib.sha256(data).digest() == hashlib.sha256(other).digest():
                return None
            assert hmac.new(key, message).hexdigest() == given
            return hmac.compare_digest(hmac.new(key, message).digest(), given)
        """,
    ),
    Case(
        "ORC-PY-306",
        bad="""
        from Crypto.PublicKey import RSA
        from cryptography.hazmat.primitives.asymmetric import rsa

        RSA.generate(1024)  # medium/high
        rsa.generate_private_key(public_exponent=65537, key_size=1024)  # medium/high
        """,
        good="""
        from Crypto.PublicKey import RSA
        from cryptography.hazmat.primitives.asymmetric import rsa

        RSA.generate(2048)
        rsa.generate_private_key(public_exponent=65537, key_size=4096)
        rsa.generate_private_key(65537, bits_from_settings())
        """,
    ),
    Case(
        "ORC-PY-307",
        bad="""
        import jwt

        def read(token, key):
            jwt.decode(token, key, verify=False)  # high/high
            jwt.decode(token, options={"verify_signature": False})  # high/high
            jwt.decode(token, key, algorithms=["HS256", "none"])  # high/high
            jwt.encode({}, key, algorithm="none")  # high/high
        """,
        good="""
        import jwt

        def read(token, key, codec):
            jwt.decode(token, key, algorithms=["HS256"])
            jwt.decode(token, key, algorithms=["RS256"], options={"verify_aud": False})
            jwt.encode({}, key, algorithm="HS256")
            codec.decode(token, verify=False)
        """,
    ),
    Case(
        "ORC-PY-308",
        bad="""
        import ssl
        from ssl import SSLContext

        context = SSLContext(ssl.PROTOCOL_TLSv1)  # medium/high
        """,
        good="""
        import ssl
        from codes import PROTOCOL_TLSv1

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        number = PROTOCOL_TLSv1
        """,
    ),
)
