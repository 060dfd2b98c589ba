"""A bot on wechatpy's crypto, which knows one or several pairs of token and key and takes what is genuine under any of them.

Arguments: the port to listen on, the application's id, which of the pairs answers are encrypted with (from 0), and the pairs,
each as token:key. It answers with the number of the pair that it was told something with.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException
from wechatpy.replies import TextReply
from wechatpy.utils import check_signature

port, app_id, answers_with, *pairs = sys.argv[1:]
pairs = [pair.split(":") for pair in pairs]
cryptos = [WeChatCrypto(token, key, app_id) for token, key in pairs]


class Bot(BaseHTTPRequestHandler):
    def query(self):
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        query = self.query()
        for token, _ in pairs:
            try:
                check_signature(token, query["signature"], query["timestamp"], query["nonce"])
                return self.answer(200, query["echostr"].encode())
            except InvalidSignatureException:
                pass
        self.answer(403)

    def do_POST(self):
        query = self.query()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for number, (crypto, (token, _)) in enumerate(zip(cryptos, pairs)):
            try:
                check_signature(token, query["signature"], query["timestamp"], query["nonce"])
                opened = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
            except (InvalidSignatureException, InvalidAppIdException):
                continue
            message = parse_message(opened)
            if message.type != "text":
                return self.answer(200, b"success")
            said = TextReply(content=f"{message.content} {number}", message=message).render()
            sealed = cryptos[int(answers_with)].encrypt_message(said, query["nonce"], query["timestamp"])
            return self.answer(200, sealed.encode())
        self.answer(403)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(port)), Bot).serve_forever()
