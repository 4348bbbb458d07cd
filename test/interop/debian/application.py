"""An application made of authlib: one token request, read from standard input, and its answer on standard output, as JSON."""

import json
import sys

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT

asked = json.load(sys.stdin)
session = OAuth2Session(
    asked["clientId"],
    asked["clientSecret"],
    token_endpoint_auth_method=asked["method"],
)
if asked["method"] == "private_key_jwt":
    # The audience of the assertion; left to itself, authlib takes the token endpoint.
    session.register_client_auth_method(PrivateKeyJWT(asked["audience"], headers={"kid": asked["kid"]}, alg="ES256"))
try:
    answer = session.fetch_token(asked["tokenEndpoint"], grant_type=asked["grantType"], **asked["parameters"])
    json.dump(answer, sys.stdout)
except OAuthError as refusal:
    json.dump({"refused": refusal.error, "description": refusal.description}, sys.stdout)
