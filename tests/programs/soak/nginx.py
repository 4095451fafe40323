# tests/programs/soak/nginx.py - pages plain, compressed, included and proxied, over connections
# that are kept or not; reloads, after which new workers serve.
import http.client
import os
import signal
import zlib

from programs.nginx import Nginx, PATHS
from soak.common import SoakMixin, same

REQUESTS_A_CONNECTION = 50
RELOADED = 6  # every so many times that it is disturbed; else the log is reopened


class Soak(SoakMixin, Nginx):
    def fill(self):
        self.pages = {path: self.get(path, False) for path in PATHS}
        with open(self.path("pages", "large.bin"), "rb") as file:
            same(self.pages["/large.bin"], file.read(), "/large.bin")

    def one(self, connection, path, packed):
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"} if packed else {})
        answer = connection.getresponse()
        body = answer.read()
        same(answer.status, 200, path)
        if answer.getheader("Content-Encoding") == "gzip":
            body = zlib.decompress(body, 31)
        same(body, self.pages[path], path)

    def talk(self, number, generation, rng):
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                for _ in range(rng.randrange(1, REQUESTS_A_CONNECTION)):
                    self.one(connection, rng.choice(PATHS), rng.random() < 0.6)
                    self.done(number)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                pass  # an idle connection that a worker of the old configuration closed
            connection.close()

    def measured(self):
        return self.workers()

    def disturb(self):
        super().disturb()
        os.kill(self.process.pid,
                signal.SIGHUP if self.disturbed % RELOADED == 0 else signal.SIGUSR1)
