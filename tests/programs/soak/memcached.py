# tests/programs/soak/memcached.py - values of all sizes, set, appended to, read and deleted through
# connections that come and go, in less room than they want.
import getpass
import os
import socket

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheServerError

from programs.shared.server import Server
from soak.common import SoakMixin, same, some_size, value_of

KEYS = 1500
OPERATIONS_A_CONNECTION = 400


class Session:
    """A value may be gone (evicted), never wrong."""

    def __init__(self, number, generation, rng):
        self.prefix, self.rng, self.version, self.mine = f"{number}-{generation}", rng, 0, {}

    def step(self, server):
        key = f"{self.prefix}-{self.rng.randrange(KEYS)}"
        self.version += 1
        self.rng.choice((self.set, self.set, self.get, self.get, self.append, self.drop))(server,
                                                                                          key)

    def set(self, server, key):
        value = value_of(key, self.version, some_size(self.rng))
        self.mine.pop(key, None)
        try:
            if server.set(key, value, noreply=False):
                self.mine[key] = value
        except MemcacheServerError:  # out of memory storing object
            pass

    def get(self, server, _):
        keys = [f"{self.prefix}-{self.rng.randrange(KEYS)}" for _ in range(8)]
        for key, value in server.get_many(keys).items():
            same(value, self.mine.get(key), key)

    def append(self, server, key):
        if server.append(key, b"+tail", noreply=False):
            self.mine[key] += b"+tail"

    def drop(self, server, key):
        server.delete(key, noreply=False)
        self.mine.pop(key, None)


class Soak(SoakMixin, Server):
    name = "memcached"
    packages = ("memcached", "python3-pymemcache")
    binary = "memcached"

    def make_inputs(self):
        pass

    def server(self):
        return ["memcached", "-u", getpass.getuser(), "-s", self.path("sock"), "-t", "4", "-U", "0",
                "-c", "512", "-m", "48", "-I", "2m"]

    def ready(self):
        if not os.path.exists(self.path("sock")):
            return None
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(self.path("sock"))
            return True
        except ConnectionRefusedError:
            return None

    def talk(self, number, generation, rng):
        session = Session(number, generation, rng)
        while True:
            server = Client(self.path("sock"), timeout=30)
            for _ in range(rng.randrange(1, OPERATIONS_A_CONNECTION)):
                session.step(server)
                self.done(number)
            server.close()
