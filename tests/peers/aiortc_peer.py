"""One end of a call: aiortc's WebRTC, found through a Teahouse server.

It reads one JSON object on standard input: `url`, `token`, `call`, `peer` (the other device), `role` ("caller" or "callee"),
`relay` (whether only ways through TURN may be taken) and `frames` (how many decoded pictures are enough). It writes
"ready" when its WebSocket stands, then one JSON object when that many pictures and as many pieces of sound were decoded: what it
counted, and the way that was taken. It ends when its standard input does.
"""

import asyncio
import json
import sys
import urllib.request

import websockets
from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack

DEADLINE_SECONDS = 300


class Peer:
    def __init__(self, task):
        self.task = task
        self.counts = {"video": 0, "audio": 0}
        self.seq = 0
        self.enough = asyncio.Event()

    def ask(self, method, path):
        headers = {"Authorization": f"Bearer {self.task['token']}"}
        request = urllib.request.Request(self.task["url"] + path, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as reply:
            return json.load(reply)

    async def tell(self, signal):
        self.seq += 1
        frame = {"type": "signal", "call": self.task["call"], "to": self.task["peer"], "seq": self.seq, "signal": signal}
        await self.socket.send(json.dumps(frame))

    async def heard(self):
        """The next signal of the other device."""
        while True:
            said = json.loads(await self.socket.recv())
            if said["type"] == "error":
                raise RuntimeError(said)
            if said["type"] == "signal":
                assert said["from"] == self.task["peer"], said
                return said["signal"]

    async def count(self, track):
        try:
            while True:
                await track.recv()
                self.counts[track.kind] += 1
                if min(self.counts.values()) >= self.task["frames"]:
                    self.enough.set()
        except MediaStreamError:
            pass

    def connection(self):
        servers = self.ask("GET", "/v1/calls/ice-servers")["ice_servers"]
        policy = RTCIceTransportPolicy.RELAY if self.task["relay"] else RTCIceTransportPolicy.ALL
        connection = RTCPeerConnection(
            RTCConfiguration(iceServers=[RTCIceServer(**server) for server in servers], iceTransportPolicy=policy)
        )
        connection.on("track", lambda track: asyncio.ensure_future(self.count(track)))
        connection.addTrack(AudioStreamTrack())
        connection.addTrack(VideoStreamTrack())
        return connection

    async def agree(self, connection):
        """The caller offers, the callee answers; all ways are in the descriptions."""
        if self.task["role"] == "caller":
            await connection.setLocalDescription(await connection.createOffer())
            await self.tell({"kind": "offer", "sdp": connection.localDescription.sdp})
            answer = await self.heard()
            await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        else:
            offer = await self.heard()
            await connection.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
            await connection.setLocalDescription(await connection.createAnswer())
            await self.tell({"kind": "answer", "sdp": connection.localDescription.sdp})

    async def run(self):
        url = self.task["url"].replace("http", "ws", 1) + "/v1/ws"
        headers = {"Authorization": f"Bearer {self.task['token']}"}
        async with websockets.connect(
            url, additional_headers=headers, open_timeout=None, ping_interval=None
        ) as self.socket:
            connection = self.connection()
            print("ready", flush=True)
            # The other end is ready too when there is a line.
            await asyncio.to_thread(sys.stdin.readline)
            await self.agree(connection)
            await asyncio.wait_for(self.enough.wait(), DEADLINE_SECONDS)
            transport = connection.getTransceivers()[0].sender.transport.transport
            pair = transport._connection._nominated[1]
            ways = {"local": pair.local_candidate.type, "remote": pair.remote_candidate.type}
            print(json.dumps({**self.counts, **ways}), flush=True)
            await asyncio.to_thread(sys.stdin.read)
            await connection.close()


task = json.loads(sys.stdin.readline())
asyncio.run(Peer(task).run())
