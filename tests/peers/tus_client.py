"""Brings a file in parts with tuspy, which knows nothing of this server.

Arguments: address, token, file, metadata (JSON), bytes of a part, where to stop (0: at the end), the upload to go on with
(empty: a new one). Prints where the upload is, and how much of it has come.
"""

import json
import sys

from tusclient.client import TusClient

address, token, path, metadata, part, stop, url = sys.argv[1:]
client = TusClient(f"{address}/v1/uploads", headers={"Authorization": f"Bearer {token}"})
uploader = client.uploader(
    path, url=url or None, chunk_size=int(part), metadata=json.loads(metadata), upload_checksum=True
)
uploader.upload(stop_at=int(stop) or None)
print(uploader.url, uploader.offset)
