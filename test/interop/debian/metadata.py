"""Lets authlib judge metadata documents: kind and document from standard input, the complaint or null on standard output, as JSON."""

import json
import sys

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata

kinds = {"oauth": AuthorizationServerMetadata, "openid": OpenIDProviderMetadata}
asked = json.load(sys.stdin)
try:
    kinds[asked["kind"]](asked["document"]).validate()
    json.dump(None, sys.stdout)
except ValueError as complaint:
    json.dump(str(complaint), sys.stdout)
