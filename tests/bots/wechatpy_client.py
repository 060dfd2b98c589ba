"""What a program written on wechatpy does with its account: nothing in it knows of the server that it is tried with.

Arguments: where the server is, the application's id and secret, a follower's openid, the path of a picture. It says on its
way what it found, one line of JSON each.
"""

import json
import sys

import wechatpy
from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

base, app_id, secret, openid, picture = sys.argv[1:]

# The library calls one host only. What it sends is taken elsewhere, as a name server would; it is not told.
send = HTTPAdapter.send


def elsewhere(self, request, **settings):
    request.url = request.url.replace("https://api.weixin.qq.com", base)
    return send(self, request, **settings)


HTTPAdapter.send = elsewhere
client = WeChatClient(app_id, secret)


def say(what, value):
    print(json.dumps({what: value}), flush=True)


tag = client.tag.create("fans")["id"]
client.tag.tag_user(tag, [openid])
client.user.update_remark(openid, "Lin")
info = client.user.get(openid)
say("info", [info["remark"], info["tagid_list"] == [tag]])
say("tags", [row["name"] for row in client.tag.get()])
say("followers", list(client.user.iter_followers()) == [openid])

with open(picture, "rb") as file:
    media = client.media.upload("image", file)
with open(picture, "rb") as file:
    say("fetched", client.media.download(media["media_id"]).content == file.read())

client.message.send_text(openid, "a word")
client.message.send_image(openid, media["media_id"])

article = {"title": "Spring tea", "thumb_media_id": media["media_id"], "content": "<p>The first leaves</p>"}
draft = client.post("draft/add", data={"articles": [article, dict(article, title="Green tea")]})["media_id"]
say("draft", [item["title"] for item in client.post("draft/get", data={"media_id": draft})["news_item"]])
published = client.post("freepublish/submit", data={"media_id": draft})["publish_id"]
status = client.post("freepublish/get", data={"publish_id": published})
say("published", [status["publish_status"], status["article_detail"]["count"]])

# Whom it is for has another name in either line.
whom = "tag_or_users" if wechatpy.__version__.startswith("2") else "group_or_users"
once = {"content": "to fans", "client_msg_id": "m1", whom: tag}
sent = [client.message.send_mass_text(**once)["msg_id"] for _ in range(2)]
say("mass", [sent, client.message.get_mass(sent[0])["msg_status"]])
client.message.send_mass_article(media_id=draft, is_to_all=True, **{whom: None})
client.message.delete_mass(sent[0])
say("deleted", client.message.get_mass(sent[0])["msg_status"])

try:
    client.message.send_text("o" * 28, "nobody")
except WeChatClientException as error:
    say("refused", error.errcode)
