# tests/programs/soak/redis.py - strings that grow and shrink, lists, hashes, counters; BGSAVE.
import importlib

from programs.redis import Redis
from soak.common import SoakMixin, same, some_size, value_of

client_library = importlib.import_module("redis")  # not this file: that is soak.redis

KEYS = 250
OPERATIONS_A_CONNECTION = 400
LIST_MAX, LIST_TRIMMED = 40, 10
FIELDS = 60


class Session:
    """One client's keys and what has to be in them."""

    def __init__(self, number, generation, rng):
        self.prefix = f"client{number}:{generation}"
        self.strings, self.lists, self.hashes, self.sum = {}, {}, {}, 0
        self.rng, self.version = rng, 0

    def fill(self, server):
        """Lists and hashes as the steps below leave them in the long run, and all strings, of which
        those leave three quarters: what a killed client leaves does not follow the machine's
        speed."""
        for i in range(KEYS):
            key = f"{self.prefix}:{i}"
            self.version += 1
            self.set(server, key)
            self.extend(server, key + ":list", (LIST_MAX + LIST_TRIMMED) // 2)
            self.write_fields(server, key + ":hash", range(FIELDS))

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
        mine = self.extend(server, key, 1)
        if len(mine) > LIST_MAX:
            server.ltrim(key, 0, LIST_TRIMMED - 1)
            del mine[LIST_TRIMMED:]
        same(server.lrange(key, 0, -1), mine, key)

    def extend(self, server, key, count):
        mine = self.lists.setdefault(key, [])
        values = [value_of(key, self.version, self.rng.randrange(200)) for _ in range(count)]
        server.lpush(key, *values)
        mine[:0] = reversed(values)
        return mine

    def field(self, server, key):
        key = key + ":hash"
        mine = self.write_fields(server, key, [self.rng.randrange(FIELDS)])
        same(server.hgetall(key), mine, key)

    def write_fields(self, server, key, numbers):
        mine = self.hashes.setdefault(key, {})
        written = {b"field%d" % number: value_of(key, self.version, self.rng.randrange(100))
                   for number in numbers}
        server.hset(key, mapping=written)
        mine.update(written)
        return mine

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
                    session.fill(server)
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
