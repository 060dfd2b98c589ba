"""Verifies what a webhook was told, as its author would with the library of Standard Webhooks.

Reads one line of JSON for each call: the secrets, the headers and the body. Says for each, on a line of its own, which of the
secrets it is genuine under.
"""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def genuine(secret, call):
    try:
        return Webhook(secret).verify(call["body"], dict(call["headers"])) == json.loads(call["body"])
    except WebhookVerificationError:
        return False


for line in sys.stdin:
    call = json.loads(line)
    print(json.dumps([genuine(secret, call) for secret in call["secrets"]]), flush=True)
