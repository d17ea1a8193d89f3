"""A registry of npm's on this machine that has the packages of a release, before they are published: python registry.py FOLDER

Prints its address. What it does not have it sends to npm's own."""

import base64
import hashlib
import json
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

ELSEWHERE = "https://registry.npmjs.org"


def published(folder):
    for file in Path(folder).glob("*.tgz"):
        with tarfile.open(file) as tar:
            yield file, json.load(tar.extractfile("package/package.json"))


class Registry(BaseHTTPRequestHandler):
    def do_GET(self):
        name = unquote(self.path.lstrip("/").partition("?")[0])
        if name in self.server.files:
            return self.answer(self.server.files[name].read_bytes(), "application/octet-stream")
        if name in self.server.packages:
            return self.answer(json.dumps(self.server.packages[name]).encode(), "application/json")
        self.send_response(404 if name.startswith("@firstbyte/") else 302)
        self.send_header("Location", f"{ELSEWHERE}{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
address = f"http://127.0.0.1:{server.server_port}"
server.files, server.packages = {}, {}
for file, package in published(sys.argv[1]):
    server.files[file.name] = file
    sum_of = base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()
    package["dist"] = {"tarball": f"{address}/{file.name}", "integrity": f"sha512-{sum_of}"}
    version = package["version"]
    server.packages[package["name"]] = {"name": package["name"], "dist-tags": {"latest": version}, "versions": {version: package}}
print(address, flush=True)
server.serve_forever()
