"""Lets PyJWT verify a token by the published keys: token, key set, issuer and audience from standard input, the verdict as JSON."""

import json
import sys

import jwt

asked = json.load(sys.stdin)
try:
    key = jwt.PyJWKClient(asked["keys"]).get_signing_key_from_jwt(asked["token"])
    claims = jwt.decode(
        asked["token"],
        key.key,
        algorithms=["ES256"],
        issuer=asked["issuer"],
        audience=asked["audience"],
        options={"require": ["exp", "iat", "iss", "sub", "aud", "jti", "client_id"]},
    )
    json.dump({"type": jwt.get_unverified_header(asked["token"])["typ"], "claims": claims}, sys.stdout)
except jwt.PyJWTError as refusal:
    json.dump({"refused": type(refusal).__name__}, sys.stdout)
