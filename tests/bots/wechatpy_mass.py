"""What a program written on wechatpy says to many at once: nothing in it knows of the server that it is tried with.

Arguments: where the server is, the application's id and secret, the openids of two followers. It says on its way what it
found, one line of JSON each.
"""

import json
import sys

import wechatpy
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


# Whom it is for has another name in either line.
whom = "tag_or_users" if wechatpy.__version__.startswith("2") else "group_or_users"


def text(to, content, **options):
    return message.send_mass_text(**{whom: to, "content": content}, **options)


say("named", text(openids, "to two, taken back")["msg_id"])
say("preview", text(openids[0], "a look", preview=True)["msg_id"])
say("all", text(None, "to all", is_to_all=True)["msg_id"])
say("again", [text(openids, "to two", client_msg_id="m1")["msg_id"] for _ in range(2)])
message.delete_mass(1)
say("status", [message.get_mass(number)["msg_status"] for number in (1, 2, 3, 4)])
say("too_few", refused(text, openids[:1], "to one"))
say("no_openid", refused(text, [openids[0], "nobody"], "to nobody"))
say("nobody", refused(text, "o" * 28, "to nobody", preview=True))
say("by_name", refused(text, "mei", "to mei", preview=True))
