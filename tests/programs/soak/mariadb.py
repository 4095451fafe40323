# tests/programs/soak/mariadb.py - rows that are replaced, read, sorted, summed and deleted by
# connections that come and go.
import pymysql

from programs.mariadb import Mariadb
from soak.common import SoakMixin, same, some_size, value_of

ROWS = 120
QUERIES_A_CONNECTION = 60
TABLE = """CREATE DATABASE soak; CREATE TABLE soak.item (owner INT, id INT, version INT,
    body MEDIUMBLOB, PRIMARY KEY (owner, id), KEY (version)) ENGINE=InnoDB;
"""


class Session:
    def __init__(self, owner, rng):
        self.owner, self.rng, self.version, self.rows = owner, rng, 0, {}

    def step(self, cursor):
        row = self.rng.randrange(ROWS)
        self.version += 1
        self.rng.choice((self.put, self.put, self.get, self.get, self.drop, self.sums,
                         self.text))(cursor, row)

    def put(self, cursor, row):
        body = value_of(f"{self.owner}:{row}", self.version, some_size(self.rng))
        cursor.execute("REPLACE INTO item VALUES (%s, %s, %s, %s)",
                       (self.owner, row, self.version, body))
        self.rows[row] = (self.version, body)

    def get(self, cursor, row):
        cursor.execute("SELECT version, body FROM item WHERE owner = %s AND id = %s",
                       (self.owner, row))
        same(cursor.fetchone(), self.rows.get(row), f"row {row} of {self.owner}")

    def drop(self, cursor, row):
        cursor.execute("DELETE FROM item WHERE owner = %s AND id = %s", (self.owner, row))
        same(cursor.rowcount, 1 if row in self.rows else 0, "rows deleted")
        self.rows.pop(row, None)

    def sums(self, cursor, _):
        cursor.execute("SELECT COUNT(*), COALESCE(SUM(version), 0), COALESCE(SUM(LENGTH(body)), 0)"
                       " FROM item WHERE owner = %s", (self.owner,))
        wanted = (len(self.rows), sum(version for version, _ in self.rows.values()),
                  sum(len(body) for _, body in self.rows.values()))
        same(tuple(int(field) for field in cursor.fetchone()), wanted, "sums")

    def text(self, cursor, _):
        cursor.execute("SELECT GROUP_CONCAT(CONCAT(id, '=', version) ORDER BY id SEPARATOR ' ')"
                       " FROM item WHERE owner = %s", (self.owner,))
        wanted = " ".join(f"{row}={self.rows[row][0]}" for row in sorted(self.rows)) or None
        same(cursor.fetchone()[0], wanted, "text")


class Soak(SoakMixin, Mariadb):
    packages = (*Mariadb.packages, "python3-pymysql")

    def fill(self):
        super().fill()
        self.write("soak.sql", TABLE)
        self.helper(["mariadb", *self.login()], self.path("soak.sql"))

    def connect(self):
        return pymysql.connect(unix_socket=self.path("sock"), user="root", database="soak",
                               autocommit=True)

    def talk(self, number, generation, rng):
        session = Session(number * 1000000 + generation, rng)
        first = True
        while True:
            with self.connect() as connection, connection.cursor() as cursor:
                if first:  # what those that were killed left behind
                    cursor.execute("DELETE FROM item WHERE owner >= %s AND owner < %s",
                                   (number * 1000000, session.owner))
                    first = False
                for _ in range(rng.randrange(1, QUERIES_A_CONNECTION)):
                    session.step(cursor)
                    self.done(number)

    def disturb(self):
        super().disturb()
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("OPTIMIZE TABLE item" if self.disturbed % 6 == 0 else "FLUSH TABLES")
            cursor.fetchall()
