"""Lets authlib ask about a token: endpoint, credentials and token from standard input, the answer on standard output, as JSON."""

import json
import sys

from authlib.integrations.requests_client import OAuth2Session

asked = json.load(sys.stdin)
session = OAuth2Session(asked["id"], asked["secret"], token_endpoint_auth_method=asked["method"])
answer = session.introspect_token(asked["endpoint"], token=asked["token"], token_type_hint="access_token")
json.dump({"status": answer.status_code, "body": answer.json()}, sys.stdout)
