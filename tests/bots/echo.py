"""A bot as its author wrote it for WeRoBot: nothing in it knows of the server that it is tried with.

Arguments: the port to listen on, the token, and, for encrypted messages, the key and the application's id.
"""

import sys

import werobot

port, token, *safe = sys.argv[1:]
robot = werobot.WeRoBot(token=token)
if safe:
    robot.config["ENCODING_AES_KEY"], robot.config["APP_ID"] = safe


@robot.subscribe
def welcome(message):
    return "welcome, " + (message.key or "").removeprefix("qrscene_")


@robot.key_click("TEA")
def tea(message):
    return "a cup of tea"


@robot.text
def echo(message):
    return "echo: " + message.content


robot.config["HOST"], robot.config["PORT"] = "127.0.0.1", int(port)
robot.run(server="wsgiref")
