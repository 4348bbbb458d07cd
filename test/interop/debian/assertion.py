"""An identity provider made of pysaml2: what to say, key and certificate from standard input, a signed Response on standard output, as JSON."""

import json
import os
import sys
import tempfile

from saml2 import saml, xmldsig
from saml2.config import IdPConfig
from saml2.server import Server

SERVICE_PROVIDER = """<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="%s">
<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="%s" index="0"/>
</SPSSODescriptor></EntityDescriptor>"""

asked = json.load(sys.stdin)
with tempfile.TemporaryDirectory() as folder:
    paths = {}
    for name in ("key", "certificate"):
        paths[name] = os.path.join(folder, name)
        with open(paths[name], "w") as file:
            file.write(asked[name])
    config = IdPConfig()
    config.load(
        {
            "entityid": asked["issuer"],
            "key_file": paths["key"],
            "cert_file": paths["certificate"],
            "xmlsec_binary": asked["xmlsec"],
            # Without anybody's metadata, it cannot sign a Response.
            "metadata": {"inline": [SERVICE_PROVIDER % (asked["audience"], asked["recipient"])]},
            "service": {
                "idp": {
                    "endpoints": {},
                    "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None}},
                },
            },
        }
    )
    response = Server(config=config).create_authn_response(
        identity=asked["attributes"],
        in_response_to="_request",
        destination=asked["recipient"],
        sp_entity_id=asked["audience"],
        name_id=saml.NameID(format=saml.NAMEID_FORMAT_PERSISTENT, text=asked["name"]),
        authn={"class_ref": saml.AUTHN_PASSWORD_PROTECTED, "authn_auth": asked["issuer"]},
        sign_response=asked["signResponse"],
        sign_assertion=asked["signAssertion"],
        sign_alg=getattr(xmldsig, asked["signature"]),
        digest_alg=getattr(xmldsig, asked["digest"]),
    )
    json.dump({"response": str(response)}, sys.stdout)
