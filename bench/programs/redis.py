# bench/programs/redis.py - redis-server under redis-benchmark, over a Unix socket.
import re

from .shared.draw import Draw
from .shared.program import Failed
from .shared.server import Server

# Calls of redis-benchmark: tests, requests of each, options. Values of growing and shrinking size
# replace each other under the same keys.
COMMANDS = "incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange_100,mset"
LOADS = (
    ("set,get", 200000, "-d 40 -r 20000 -P 16 -c 50"),
    (COMMANDS, 45000, "-d 120 -r 10000 -P 8 -c 50"),
    ("set,get", 60000, "-d 600 -r 20000 -P 4 -c 20"),
    ("set,get", 25000, "-d 6000 -r 4000 -P 2 -c 20"),
    ("set", 200000, "-d 24 -r 20000 -P 16 -c 50"),
    ("get", 25000, "-d 24 -r 20000 -c 100"),
)
CHECKED_KEYS = 2000
UNCOUNTED = ("ping", "info")  # of waiting for the start, and of asking for the counts


class Redis(Server):
    name = "redis"
    what = "redis-server: redis-benchmark sends fixed numbers of commands of all types and sizes"
    packages = ("redis-server", "redis-tools")
    binary, tools = "redis-server", ("redis-benchmark", "redis-cli")

    def make_inputs(self):
        """Values that the load leaves alone, to be found unharmed after it."""
        draw, lines = Draw(4), []
        for number in range(self.scaled(CHECKED_KEYS, least=20)):
            lines += [f"SET check:{number} '{draw.words(draw.below(40))}.'",
                      f"HSET check:hash:{number % 50} {draw.word()} {draw.words(1)}",
                      f"ZADD check:set:{number % 20} {draw.below(999)} {draw.word()}",
                      f"APPEND check:grown:{number % 30} '{draw.words(3)} '"]
        self.write("fill", "\n".join(lines) + "\n")
        self.keys = sorted({line.split()[1] for line in lines})

    def server(self):
        return ["redis-server", "--port", "0", "--unixsocket", self.path("redis.sock"), "--dir",
                self.folder, "--save", "", "--enable-debug-command", "yes"]

    def cli(self, *words, stdin=None):
        return self.client(["redis-cli", "-e", "-s", self.path("redis.sock"), *words], stdin)

    def ready(self):
        try:
            return self.cli("ping")
        except Failed:
            return None

    def fill(self):
        self.cli(stdin=self.path("fill"))

    def load(self):
        for tests, requests, options in LOADS:
            self.client(["redis-benchmark", "-s", self.path("redis.sock"), "-q", "-t", tests, "-n",
                         str(self.scaled(requests)), *options.split()])

    def answer(self):
        """How often each command was called, and how often in vain; what the checked keys hold."""
        counts = re.findall(r"cmdstat_([^:]+):calls=(\d+).*rejected_calls=(\d+),failed_calls=(\d+)",
                            self.cli("info", "commandstats"))
        counts = [" ".join(line) for line in counts if line[0] not in UNCOUNTED]
        return sorted(counts) + self.cli("debug", "digest-value", *self.keys).split()


def programs(scale=1.0):
    return [Redis(scale)]
