# tests/programs/kv_protocol.py - every command of kv_server and its rules, by a client in Python.
#
# usage: kv_protocol.py unix:PATH|tcp:PORT
# Exit status 0: all as bench/kv/kv_protocol.h says; else the first difference is raised.
import os
import socket
import struct
import sys
import time

GET, SET, DEL, APPEND, INCR, MGET, STATS, FLUSH = range(1, 9)
OK, MISSING, TOO_BIG, NOT_NUMBER, NO_MEMORY = range(5)
ABSENT = 0xFFFFFFFF
VALUE_MAX = 65536
PATIENCE_S = 30


def connect(address):
    kind, _, where = address.partition(":")
    if kind == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE_S)
        connection.connect(where)
        return connection
    return socket.create_connection(("127.0.0.1", int(where)), PATIENCE_S)


def request(op, key=b"", body=b"", ttl_ms=0, tag=0):
    return struct.pack("<BBHIII", ord("q"), op, len(key), len(body), ttl_ms, tag) + key + body


def receive(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise EOFError("the server closed the connection")
        data += part
    return data


def reply(connection):
    magic, status, zero, count, tag = struct.unpack("<BBHII", receive(connection, 12))
    assert (magic, zero) == (ord("r"), 0), (magic, zero)
    return status, receive(connection, count), tag


def ask(connection, *arguments, **more):
    connection.sendall(request(*arguments, **more))
    status, body, _ = reply(connection)
    return status, body


def same(got, wanted):
    assert got == wanted, f"got {got!r:.200}, wanted {wanted!r:.200}"


def stats(connection):
    status, body = ask(connection, STATS)
    same(status, OK)
    pairs = (line.split() for line in body.decode().splitlines())
    return {name: int(number) for name, number in pairs}


def check_values(connection):
    same(ask(connection, GET, b"k"), (MISSING, b""))
    for value in (b"", b"one", os.urandom(16), os.urandom(511), os.urandom(VALUE_MAX)):
        same(ask(connection, SET, b"k", value), (OK, b""))
        same(ask(connection, GET, b"k"), (OK, value))
    same(ask(connection, SET, b"x" * 250, b"longest key"), (OK, b""))
    same(ask(connection, GET, b"x" * 250), (OK, b"longest key"))
    same(ask(connection, DEL, b"k"), (OK, b""))
    same(ask(connection, DEL, b"k"), (MISSING, b""))


def check_append(connection):
    whole = b""
    while len(whole) + 997 <= VALUE_MAX:
        part = os.urandom(997)
        whole += part
        same(ask(connection, APPEND, b"a", part), (OK, struct.pack("<I", len(whole))))
    same(ask(connection, APPEND, b"a", b"." * 997), (TOO_BIG, b""))
    same(ask(connection, GET, b"a"), (OK, whole))
    same(ask(connection, APPEND, b"a", b""), (OK, struct.pack("<I", len(whole))))


def check_increment(connection):
    same(ask(connection, INCR, b"n", struct.pack("<q", 5)), (OK, b"5"))
    same(ask(connection, INCR, b"n", struct.pack("<q", -7)), (OK, b"-2"))
    same(ask(connection, GET, b"n"), (OK, b"-2"))
    same(ask(connection, INCR, b"n", struct.pack("<q", 2**63 - 1)), (OK, b"9223372036854775805"))
    same(ask(connection, INCR, b"n", struct.pack("<q", 100)), (NOT_NUMBER, b""))
    for text in (b"word", b"12x", b"", b"9" * 20, b"1" * 100):
        same(ask(connection, SET, b"t", text), (OK, b""))
        same(ask(connection, INCR, b"t", struct.pack("<q", 1)), (NOT_NUMBER, b""))


def check_mget(connection):
    values = {b"m%d" % i: os.urandom(i * 300) for i in range(64)}
    for key, value in values.items():
        same(ask(connection, SET, key, value), (OK, b""))
    same(ask(connection, DEL, b"m7"), (OK, b""))
    keys = b"".join(struct.pack("<H", len(key)) + key for key in values)
    values[b"m7"] = None
    wanted = b"".join(struct.pack("<I", ABSENT) if value is None else
                      struct.pack("<I", len(value)) + value for value in values.values())
    same(ask(connection, MGET, body=keys), (OK, wanted))


def check_ttl(connection):
    before = stats(connection)["expired"]
    for number in range(500):
        same(ask(connection, SET, b"short%d" % number, b"x", ttl_ms=1), (OK, b""))
    same(ask(connection, SET, b"long", b"y", ttl_ms=3_600_000), (OK, b""))
    # Nobody asks for the short ones: the server's own sweep has to find them.
    deadline = time.monotonic() + PATIENCE_S
    while stats(connection)["expired"] < before + 500 and time.monotonic() < deadline:
        time.sleep(0.05)
    same(stats(connection)["expired"], before + 500)
    same(ask(connection, GET, b"short0"), (MISSING, b""))
    same(ask(connection, GET, b"long"), (OK, b"y"))


def check_pipeline(connection):
    """Requests in pieces of odd lengths, replies in order."""
    count = 300
    stream = b"".join(request(SET, b"p%d" % i, b"v" * (i * 7), tag=i) +
                      request(GET, b"p%d" % i, tag=i + count) for i in range(count))
    for at in range(0, len(stream), 4099):
        connection.sendall(stream[at:at + 4099])
    for i in range(count):
        same(reply(connection), (OK, b"", i))
        same(reply(connection), (OK, b"v" * (i * 7), i + count))


def check_slow_reader(address):
    """Far more replies than sockets hold: the server must keep or stop reading, not lose any."""
    connection = connect(address)
    value = os.urandom(VALUE_MAX)
    same(ask(connection, SET, b"big", value), (OK, b""))
    connection.sendall(b"".join(request(GET, b"big", tag=i) for i in range(400)))
    time.sleep(0.2)
    for i in range(400):
        same(reply(connection), (OK, value, i))
    connection.close()


def check_refused(address, data):
    connection = connect(address)
    connection.sendall(data)
    try:
        same(connection.recv(1), b"")
    except ConnectionResetError:
        pass
    connection.close()


def check_malformed(address):
    for data in (b"GET / HTTP/1.0\r\n\r\n", request(0, b"k"), request(9, b"k"),
                 request(GET), request(GET, b"k", b"body"), request(STATS, b"k"),
                 request(SET, b"k" * 251, b"v"), request(FLUSH, b"", b"body"),
                 struct.pack("<BBHIII", ord("q"), SET, 1, VALUE_MAX + 1, 0, 0),
                 request(INCR, b"n", b"short"), request(MGET, body=b"\xff\xff?"),
                 request(MGET, body=b"\0\0" * 65)):
        check_refused(address, data)


def check_dropped(address):
    """Clients that leave in the middle of a request, or with replies unread."""
    for data in (request(SET, b"k", b"v" * 1000)[:500], request(GET, b"big") * 50, b"q"):
        connection = connect(address)
        connection.sendall(data)
        connection.close()


def main():
    address = sys.argv[1]
    connection = connect(address)
    same(ask(connection, FLUSH), (OK, b""))
    for check in (check_values, check_append, check_increment, check_mget, check_ttl,
                  check_pipeline):
        check(connection)
    for check in (check_slow_reader, check_malformed, check_dropped):
        check(address)
    same(ask(connection, FLUSH), (OK, b""))
    left = stats(connection)
    same((left["keys"], left["bytes"]), (0, 0))


main()
