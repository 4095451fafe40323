# memcached_load.py SOCKET PROCESSES SECONDS - each process writes, reads, appends to, replaces and
# deletes keys of its own over connections that it renews often; what it reads has to be what it
# wrote. A value may be gone (evicted), never wrong. Prints the sum of what was done.
import multiprocessing
import random
import socket
import sys
import time


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def line(self, command):
        self.socket.sendall(command)
        return self.file.readline()

    def store(self, verb, key, value):
        head = b"%s %s 0 0 %d\r\n" % (verb, key, len(value))
        return self.line(head + value + b"\r\n")

    def get(self, keys):
        answers = {}
        head = self.line(b"get " + b" ".join(keys) + b"\r\n")
        while head != b"END\r\n":
            word, key, _, length = head.split()
            assert word == b"VALUE", head
            answers[key] = self.file.read(int(length))
            assert self.file.read(2) == b"\r\n"
            head = self.file.readline()
        return answers


def value_of(key, version, size):
    unit = b"%s#%d|" % (key, version)
    return (unit * (size // len(unit) + 1))[:size]


def step(client, rng, mine, number, version):
    key = b"key-%d-%d" % (number, rng.randrange(1500))
    choice = rng.random()
    if choice < 0.45:
        size = rng.choice((20, 200, 2000, 20000, 150000)) * rng.randrange(50, 100) // 100
        value = value_of(key, version, size)
        answer = client.store(b"set", key, value)
        assert answer in (b"STORED\r\n", b"SERVER_ERROR out of memory storing object\r\n"), answer
        mine.pop(key, None)
        if answer == b"STORED\r\n":
            mine[key] = value
    elif choice < 0.55:
        answer = client.store(b"append", key, b"+tail")
        if answer == b"STORED\r\n":
            assert key in mine, key
            mine[key] += b"+tail"
    elif choice < 0.6:
        client.line(b"delete %s\r\n" % key)
        mine.pop(key, None)
    else:
        keys = [b"key-%d-%d" % (number, rng.randrange(1500)) for _ in range(rng.randrange(1, 12))]
        answers = client.get(keys)
        for found, value in answers.items():
            assert found in keys and value == mine.get(found), (found, len(value))
        return len(answers)
    return 0


def worker(path, number, seconds, results):
    rng = random.Random(number)
    mine, steps, hits = {}, 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        client = Client(path)
        for _ in range(rng.randrange(1, 400)):
            hits += step(client, rng, mine, number, steps)
            steps += 1
        client.close()
    results.put((steps, hits))


def main():
    path, processes, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    results = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=worker, args=(path, number, seconds, results))
        for number in range(processes)
    ]
    for process in workers:
        process.start()
    for process in workers:
        process.join()
    if any(process.exitcode for process in workers):
        sys.exit("a client saw a wrong answer")
    sums = [results.get() for _ in workers]
    steps, hits = (sum(column) for column in zip(*sums))
    if hits < 1000:
        sys.exit(f"only {hits} values were read back")
    print(f"{steps} operations, {hits} values verified")


main()
