"""The upstream of the conformance fixtures: fixed answers over HTTP. ``python upstream.py [PORT]``; prints the port it has."""

from __future__ import annotations

import base64
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
SILENCE = (
    b"RIFF$\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00@\x1f\x00\x00@\x1f\x00\x00\x01\x00\x08\x00data\x00\x00\x00\x00"
)
ANSWERS = {
    "/text": (200, "text/plain", b"This is a simple text response for testing."),
    "/image": (200, "image/png", base64.b64decode(PIXEL)),
    "/audio": (200, "audio/wav", SILENCE),
    "/document": (200, "application/pdf", b"%PDF-1.7"),
    "/failure": (422, "text/plain", b"This tool intentionally returns an error for testing"),
}


class Fixtures(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        number = self.path.removeprefix("/data/")
        data = {"id": number, "templateTest": True, "data": f"Data for ID: {number}"}
        status, kind, body = ANSWERS.get(self.path, (200, "application/json", json.dumps(data).encode()))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Silent."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Fixtures)
    print(server.server_port, flush=True)
    server.serve_forever()
