"""The key pair of the JWT bearer flow. The org knows its public half; clients of the sandbox are given the private one.

It is made of two fixed primes, so that it is the same in every run, and opens nothing but this sandbox.
"""

from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_P: Final = int(
    "d89b39e873241aab1236d5de31744447326f48f180c7e2877c8f732ead805a11275e95ed3cccf189fb3eb72d2e307bac3ed3"
    "b0e018b14b25c223840f9e5bd875b77dcc1c674d343618a22964d84476782679da6d088cfcc5d3a66f7c6a529a2dc375a7fc"
    "9c4aed295015d2e5b28459f0708e8bf9b86b69dd80f1b3ef1f6e5b2f", 16
)  # fmt: skip
_Q: Final = int(
    "d3fef6cd89742a05953b60d899d5f4154e1474e1b8cd39aeedd96e0fe32442635de18ffd03a6b39296254d17d98b0423c127"
    "544d4518616ba0cefa5a1f1b72c180678eec60fa3da6349442ea0af247e5b93a84b62915ce4c6503639ad9085801db377061"
    "a4fab01e2629e5be8364436268559f7ce5828d2a0c89055dbb528c4b", 16
)  # fmt: skip
_EXPONENT: Final = 65537


@cache
def private_key() -> rsa.RSAPrivateKey:
    d = pow(_EXPONENT, -1, (_P - 1) * (_Q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=_P, q=_Q, d=d, dmp1=rsa.rsa_crt_dmp1(d, _P), dmq1=rsa.rsa_crt_dmq1(d, _Q), iqmp=rsa.rsa_crt_iqmp(_P, _Q),
        public_numbers=rsa.RSAPublicNumbers(_EXPONENT, _P * _Q),
    )  # fmt: skip
    return numbers.private_key()


@cache
def private_pem() -> str:
    """As a client reads it: PKCS #8 in PEM."""
    return private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
