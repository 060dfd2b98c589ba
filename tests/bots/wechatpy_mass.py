"""What a program written on wechatpy says to many at once: nothing in it knows of the server that it is tried with.

Arguments: where the server is, the application's id and secret, the openids of two followers. It says on its way what it
found, one line of JSON each.
"""

import json
import sys

from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

base, app_id, secret, *openids = sys.argv[1:]

# The library calls one host only. What it sends is taken elsewhere, as a name server would; it is not told.
send = HTTPAdapter.send


def elsewhere(self, request, **settings):
    request.url = request.url.replace("https://api.weixin.qq.com", base)
    return send(self, request, **settings)


HTTPAdapter.send = elsewhere
message = WeChatClient(app_id, secret).message


def say(what, value):
    print(json.dumps({what: value}), flush=True)


def refused(call, *arguments, **options):
    try:
        return call(*arguments, **options)
    except WeChatClientException as error:
        return error.errcode


say("named", message.send_mass_text(openids, "to two, taken back")["msg_id"])
say("preview", message.send_mass_text(openids[0], "a look", preview=True)["msg_id"])
say("all", message.send_mass_text(None, "to all", is_to_all=True)["msg_id"])
say("again", [message.send_mass_text(openids, "to two", client_msg_id="m1")["msg_id"] for _ in range(2)])
message.delete_mass(1)
say("status", [message.get_mass(number)["msg_status"] for number in (1, 2, 3, 4)])
say("too_few", refused(message.send_mass_text, openids[:1], "to one"))
say("no_openid", refused(message.send_mass_text, [openids[0], "nobody"], "to nobody"))
say("nobody", refused(message.send_mass_text, "o" * 28, "to nobody", preview=True))
say("by_name", refused(message.send_mass_text, "mei", "to mei", preview=True))
