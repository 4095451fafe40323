# tests/programs/soak/redis.py - strings that grow and shrink, lists, hashes, counters; BGSAVE.
import importlib

from programs.redis import Redis
from soak.common import SoakMixin, same, some_size, value_of

client_library = importlib.import_module("redis")  # not this file: that is soak.redis

KEYS = 250
OPERATIONS_A_CONNECTION = 400


class Session:
    """One client's keys and what has to be in them."""

    def __init__(self, number, generation, rng):
        self.prefix = f"client{number}:{generation}"
        self.strings, self.lists, self.hashes, self.sum = {}, {}, {}, 0
        self.rng, self.version = rng, 0

    def step(self, server):
        key = f"{self.prefix}:{self.rng.randrange(KEYS)}"
        self.version += 1
        self.rng.choice((self.set, self.set, self.get, self.get, self.get, self.append, self.drop,
                         self.push, self.field, self.count))(server, key)

    def set(self, server, key):
        value = value_of(key, self.version, some_size(self.rng))
        server.set(key, value)
        self.strings[key] = value

    def get(self, server, key):
        same(server.get(key), self.strings.get(key), key)

    def append(self, server, key):
        tail = value_of(key, self.version, self.rng.randrange(500))
        server.append(key, tail)
        self.strings[key] = self.strings.get(key, b"") + tail

    def drop(self, server, key):
        same(server.delete(key), 1 if key in self.strings else 0, key)
        self.strings.pop(key, None)

    def push(self, server, key):
        key = key + ":list"
        mine = self.lists.setdefault(key, [])
        value = value_of(key, self.version, self.rng.randrange(200))
        server.lpush(key, value)
        mine.insert(0, value)
        if len(mine) > 40:
            server.ltrim(key, 0, 9)
            del mine[10:]
        same(server.lrange(key, 0, -1), mine, key)

    def field(self, server, key):
        key = key + ":hash"
        mine = self.hashes.setdefault(key, {})
        name = b"field%d" % self.rng.randrange(60)
        value = value_of(key, self.version, self.rng.randrange(100))
        server.hset(key, name, value)
        mine[name] = value
        same(server.hgetall(key), mine, key)

    def count(self, server, _):
        self.sum += 3
        same(server.incrby(self.prefix + ":sum", 3), self.sum, "the counter")


class Soak(SoakMixin, Redis):
    packages = (*Redis.packages, "python3-redis")

    def talk(self, number, generation, rng):
        session = Session(number, generation, rng)
        dead = f"client{number}:{generation - 1}"
        first = True
        while True:
            with client_library.Redis(unix_socket_path=self.path("redis.sock")) as server:
                if first:  # what the one that was killed left behind
                    server.delete(*[f"{dead}:{i}{kind}" for i in range(KEYS)
                                    for kind in ("", ":list", ":hash")], dead + ":sum")
                    first = False
                for _ in range(rng.randrange(1, OPERATIONS_A_CONNECTION)):
                    session.step(server)
                    self.done(number)

    def disturb(self):
        super().disturb()
        with client_library.Redis(unix_socket_path=self.path("redis.sock")) as server:
            told = server.info("persistence")
            same(told["rdb_last_bgsave_status"], "ok", "the last BGSAVE")
            if not told["rdb_bgsave_in_progress"]:
                server.bgsave()
