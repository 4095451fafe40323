# bench/programs/nginx.py - nginx with one worker under wrk: small, large, compressed and proxied
# pages.
#
# wrk runs for a time; a script of ours ends it after a fixed number of answers, so the figures are
# of the same work in each run (a few answers more may be under way: one in a thousand at most).
import getpass
import grp
import os
import re
import socket
import urllib.error
import urllib.request

from .shared.draw import Draw
from .shared.program import Failed, digest
from .shared.server import Server

REQUESTS = 60000
CONNECTIONS = 32
STOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "input", "requests.lua")
PATHS = ("/small.txt", "/proxied/small.txt", "/page.html", "/proxied/page.html", "/parts.shtml",
         "/large.bin")

CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log combined buffer=64k;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/html html shtml; }}
    gzip on;
    gzip_comp_level 1;
    keepalive_requests 1000;
    server {{ listen unix:{folder}/origin.sock; root {folder}/pages; gzip off; }}
    server {{
        listen 127.0.0.1:{port};
        root {folder}/pages;
        ssi on;
        rewrite ^/old/(.*)$ /$1;
        location /proxied/ {{ proxy_pass http://unix:{folder}/origin.sock:/; }}
    }}
}}
"""


class Nginx(Server):
    name = "nginx"
    what = "nginx: wrk asks for a fixed number of pages, plain, compressed, included and proxied"
    packages = ("nginx-light", "wrk")
    binary, tools = "nginx", ("wrk",)

    def make_inputs(self):
        draw = Draw(8)
        os.mkdir(self.path("pages"))
        os.chmod(self.folder, 0o755)
        self.write("pages/small.txt", draw.words(20) + "\n")
        self.write("pages/page.html", "".join(f"<p>{draw.words(9)}\n" for _ in range(60)))
        self.write("pages/large.bin", draw.words(15000))
        self.write("pages/parts.shtml", '<!--# include virtual="/small.txt" --><hr>' * 6)

    def before(self):
        """A port that is free now; taken by another meanwhile, it fails the run and says so."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        name = getpass.getuser()
        user = f"user {name} {grp.getgrgid(os.getgid()).gr_name};" if os.getuid() == 0 else ""
        self.write("nginx.conf",
                   CONFIGURATION.format(folder=self.folder, port=self.port, user=user))
        self.write("error.log", "")

    def log(self):
        return self.path("error.log")

    def server(self):
        return ["nginx", "-c", self.path("nginx.conf"), "-e", self.path("error.log")]

    def get(self, path, packed):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if packed:
            request.add_header("Accept-Encoding", "gzip")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read()

    def ready(self):
        try:
            return self.get("/small.txt", False)
        except urllib.error.URLError:
            return None

    def load(self):
        url = f"http://127.0.0.1:{self.port}"
        requests = self.scaled(REQUESTS)
        said = self.client(["wrk", "-t1", f"-c{CONNECTIONS}", "-d300s", "--timeout", "60s", "-s",
                            STOP, url, "--", str(requests), *PATHS])
        told = re.search(r"^answers (\d+)\nbad 0$", said, re.MULTILINE)
        self.check(told and 0 <= int(told.group(1)) - requests <= CONNECTIONS, said)

    def answer(self):
        return [digest(self.get(path, packed)) for path in PATHS for packed in (False, True)]


def programs(scale=1.0):
    return [Nginx(scale)]
