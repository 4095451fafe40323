# bench/programs/sqlite.py - the sqlite3 shell runs a script on a database in memory.
from .shared.command import Command

ROWS = 45000

SCRIPT = """
CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, city TEXT, born INTEGER);
CREATE TABLE sale(id INTEGER PRIMARY KEY, customer INTEGER, day INTEGER, cents INTEGER, note TEXT);
WITH RECURSIVE n(i, r) AS (SELECT 1, 12345 UNION ALL
    SELECT i + 1, (r * 1103515245 + 12345) & 2147483647 FROM n WHERE i < {customers})
INSERT INTO customer SELECT i, printf('name %x', r), 'city ' || (r >> 8) % 300, 1920 + (r >> 6) % 90
    FROM n;
WITH RECURSIVE n(i, r) AS (SELECT 1, 777 UNION ALL
    SELECT i + 1, (r * 1103515245 + 12345) & 2147483647 FROM n WHERE i < {rows})
INSERT INTO sale SELECT i, 1 + (r >> 5) % {customers}, (r >> 7) % 3650, (r >> 3) % 100000,
    substr('a note that may be longer or shorter than the other notes of the table', 1,
           (r >> 9) % 70) FROM n;
CREATE INDEX sale_customer ON sale(customer, day);
CREATE INDEX sale_note ON sale(note, cents);
CREATE INDEX customer_city ON customer(city, name);
SELECT city, count(*), sum(cents), max(note) FROM sale JOIN customer ON customer.id = customer
    GROUP BY city ORDER BY 3 DESC LIMIT 50;
SELECT day / 365, count(DISTINCT customer), group_concat(DISTINCT length(note)) FROM sale
    GROUP BY 1;
SELECT count(*), sum(length(line)) FROM (SELECT name || ': ' || group_concat(note, '; ') AS line
    FROM sale JOIN customer ON customer.id = customer GROUP BY customer ORDER BY name);
SELECT sum(place * cents % 1009) FROM (SELECT cents, row_number() OVER
    (PARTITION BY customer ORDER BY cents, id) AS place FROM sale);
UPDATE sale SET note = note || ' / ' || upper(note), cents = cents + 1 WHERE id % 3 = 0;
DELETE FROM sale WHERE day % 5 = 0;
INSERT INTO sale SELECT id + {rows}, customer, day, cents * 2, note || note FROM sale WHERE id % 2;
SELECT a.city, count(*) FROM customer a JOIN customer b ON a.born = b.born AND a.id < b.id
    AND a.city = b.city GROUP BY a.city ORDER BY 2 DESC, 1 LIMIT 20;
SELECT json_group_array(json_object('id', id, 'note', note, 'cents', cents)) FROM
    (SELECT * FROM sale WHERE day < 200 ORDER BY id);
SELECT count(*), sum(cents), sum(length(note)) FROM sale WHERE note GLOB '*longer*';
"""


class Sqlite(Command):
    name = "sqlite3"
    what = "sqlite3: a database in memory with inserts, indexes, joins, windows and updates"
    packages = ("sqlite3",)
    binary = "sqlite3"

    def make_inputs(self):
        rows = self.scaled(ROWS, least=1000)
        self.write("script.sql", SCRIPT.format(rows=rows, customers=max(100, rows // 12)))

    def stdin(self):
        return self.path("script.sql")

    def command(self):
        return ["sqlite3", "-batch", "-bail", "-init", "/dev/null", ":memory:"]


def programs(scale=1.0):
    return [Sqlite(scale)]
