"""Reads tokens as other people's software does: `tokens.py JWKS_URL ISSUER TOKEN…`.
The last token is forged and must be refused."""

import json
import sys
import urllib.request

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

url, issuer, *tokens, forged = sys.argv[1:]
with urllib.request.urlopen(url) as answer:
    published = json.load(answer)
keys = KeySet.import_key_set(published)
for key in keys.keys:
    assert key.thumbprint() == key.kid, key.kid
    assert not key.is_private, key.kid

rules = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": issuer},
    aud={"essential": True, "value": "mainstay"},
    sub={"essential": True},
    exp={"essential": True},
    nbf={"essential": True},
)
used = set()
for text in tokens:
    token = jwt.decode(text, keys, algorithms=["EdDSA"])
    rules.validate(token.claims)
    assert token.header["typ"] == "at+jwt", token.header
    used.add(token.header["kid"])
try:
    jwt.decode(forged, keys, algorithms=["EdDSA"])
    sys.exit("a forged token was accepted")
except JoseError:
    pass
print(f"joserfc believes {len(tokens)} tokens of {len(used)} keys")
