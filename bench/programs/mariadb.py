# bench/programs/mariadb.py - a private mariadbd under mariadb-slap with eight connections.
import getpass
import os
import shutil
import subprocess

from .shared.draw import Draw
from .shared.program import PATH
from .shared.server import Server

ITEMS = 8000
QUERIES = 20000
STATEMENTS = 320  # different ones; each connection goes through them again and again
CONNECTIONS = 8

# Changes are of a kind that does not depend on their order.
KINDS = (
    "SELECT * FROM item WHERE id = {id}",
    "SELECT id, name, price FROM item WHERE kind = {kind} AND price < 3000"
    " ORDER BY price, id LIMIT 20",
    "SELECT i.name, COUNT(*), MAX(e.note) FROM item i JOIN event e ON e.item = i.id"
    " WHERE i.kind = {kind} AND i.price < 1500 GROUP BY i.name ORDER BY 2 DESC, 1 LIMIT 10",
    "SELECT GROUP_CONCAT(UPPER(name) ORDER BY id SEPARATOR ', ') FROM item"
    " WHERE id BETWEEN {id} AND {id} + 30",
    "UPDATE item SET stock = stock + {kind} WHERE id = {id}",
    "INSERT INTO event (item, note) VALUES ({id}, REPEAT('{word} ', {kind}))",
    "SELECT COUNT(*) FROM item WHERE id BETWEEN {id} AND {id} + 80 AND name LIKE '%{word}%'",
    "SELECT JSON_OBJECT('id', id, 'text', CONCAT(name, REVERSE(body))) FROM item WHERE id = {id}",
)
TABLES = """CREATE DATABASE bench; USE bench;
CREATE TABLE item (id INT PRIMARY KEY, kind INT, price INT, stock BIGINT, name VARCHAR(80),
    body TEXT, KEY (kind, price)) ENGINE=InnoDB;
CREATE TABLE event (id INT PRIMARY KEY AUTO_INCREMENT, item INT, note TEXT, KEY (item))
    ENGINE=InnoDB;
"""
QUESTION = """SELECT COUNT(*), SUM(stock), SUM(CRC32(CONCAT(id, name, body))) FROM bench.item;
SELECT COUNT(*), SUM(CRC32(CONCAT(item, note))) FROM bench.event;
SELECT kind, SUM(stock), GROUP_CONCAT(name ORDER BY id) FROM bench.item WHERE id < 400
    GROUP BY kind ORDER BY kind;"""


class Mariadb(Server):
    name = "mariadb"
    what = "mariadbd: mariadb-slap sends a fixed number of queries and changes, 8 at a time"
    packages = ("mariadb-server-core", "mariadb-client")
    binary = "mariadbd"
    tools = ("mariadb-install-db", "mariadb-slap", "mariadb", "mariadb-admin")

    def make_inputs(self):
        draw = Draw(6)
        items = self.scaled(ITEMS, least=500)
        self.write("queries.sql", ";\n".join(self.statement(draw, number, items)
                                             for number in range(STATEMENTS)) + ";\n")
        self.helper(["mariadb-install-db", "--no-defaults", f"--user={getpass.getuser()}",
                     f"--datadir={self.path('template')}", "--skip-test-db",
                     "--auth-root-authentication-method=normal", "--innodb-log-file-size=8M"])
        self.write("tables.sql", TABLES + self.rows(draw, items))

    @staticmethod
    def statement(draw, number, items):
        return KINDS[number % len(KINDS)].format(
            id=1 + draw.below(items), kind=draw.below(40), word=draw.word())

    @staticmethod
    def rows(draw, items):
        lines = []
        for number in range(1, items + 1):
            lines += [f"INSERT INTO item VALUES ({number}, {draw.below(40)}, {draw.below(9999)}, "
                      f"0, '{draw.words(3)}', '{draw.words(draw.below(60))}');",
                      f"INSERT INTO event (item, note) VALUES ({1 + draw.below(items)}, "
                      f"'{draw.words(6)}');"]
        return "START TRANSACTION;\n" + "\n".join(lines) + "\nCOMMIT;\n"

    def login(self):
        return ["--no-defaults", f"--socket={self.path('sock')}", "--user=root"]

    def before(self):
        shutil.rmtree(self.path("data"), ignore_errors=True)
        shutil.copytree(self.path("template"), self.path("data"))

    def server(self):
        return ["mariadbd", "--no-defaults", f"--user={getpass.getuser()}",
                f"--datadir={self.path('data')}", f"--socket={self.path('sock')}",
                "--skip-networking", f"--pid-file={self.path('pid')}", f"--tmpdir={self.folder}",
                "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M",
                "--innodb-flush-log-at-trx-commit=0", "--innodb-use-native-aio=0",
                "--key-buffer-size=4M", "--max-connections=50"]

    def ready(self):
        """Asked without a word in the log of the clients, which would fail many times."""
        asked = subprocess.run(["mariadb-admin", *self.login(), "ping"], check=False,
                               env={**os.environ, "PATH": PATH}, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return asked.returncode == 0 or None

    def fill(self):
        self.client(["mariadb", *self.login()], self.path("tables.sql"))

    def load(self):
        said = self.client([
            "mariadb-slap", *self.login(), "--create-schema=bench", "--no-drop", "--delimiter=;",
            f"--query={self.path('queries.sql')}", f"--concurrency={CONNECTIONS}",
            f"--number-of-queries={self.scaled(QUERIES, least=STATEMENTS * CONNECTIONS)}"])
        self.check("Average number of queries per client" in said, said)

    def answer(self):
        self.write("question.sql", QUESTION)
        return self.client(["mariadb", *self.login(), "--batch"], self.path("question.sql"))


def programs(scale=1.0):
    return [Mariadb(scale)]
