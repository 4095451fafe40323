-- queries.sql - a script for sqlite3 whose output and database file depend on nothing but itself.
PRAGMA cache_size = -1500;
PRAGMA threads = 2;
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, age INT, town INT, note BLOB);
CREATE TABLE town (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE trace (person INT, what TEXT);
CREATE TRIGGER older AFTER UPDATE OF age ON person WHEN new.age > 95
    BEGIN INSERT INTO trace VALUES (new.id, old.age || '->' || new.age); END;

BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
INSERT INTO town SELECT i, 'town-' || (i * 7919 % 10007) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
INSERT INTO person SELECT i, 'name ' || (i * 104729 % 59999), i * 31 % 97, i * 17 % 500 + 1,
    CASE WHEN i % 50 = 0 THEN zeroblob(i % 5000) ELSE printf('%0*d', i % 90, i) END FROM n;
COMMIT;
CREATE INDEX by_name ON person (name);
CREATE INDEX by_town ON person (town, age);

SELECT count(*), sum(age), sum(length(note)), min(name), max(name) FROM person;
SELECT t.name, count(*), avg(p.age), group_concat(substr(p.name, 6), '+')
    FROM person p JOIN town t ON t.id = p.town WHERE p.age > 90
    GROUP BY t.name ORDER BY 2 DESC, 1 LIMIT 12;
SELECT count(*), sum(a.id) FROM person a JOIN person b ON a.name = b.name AND a.id < b.id;
SELECT age, total, sum(total) OVER (ORDER BY age) FROM
    (SELECT age, count(*) AS total FROM person GROUP BY age) ORDER BY age LIMIT 10;
SELECT name FROM person WHERE name LIKE '%77%7' ORDER BY substr(name, -3), name LIMIT 10;
SELECT count(*) FROM (SELECT id, name, note FROM person ORDER BY note DESC, name);

UPDATE person SET age = age + 3 WHERE town % 7 = 0;
SELECT count(*), max(person), min(what) FROM trace;
DELETE FROM person WHERE id % 3 = 0;
ALTER TABLE person ADD COLUMN extra TEXT DEFAULT 'none';
UPDATE person SET extra = upper(name) || hex(substr(note, 1, 20)) WHERE id % 11 = 0;

CREATE VIRTUAL TABLE words USING fts5(body);
INSERT INTO words SELECT p.name || ' lives in ' || t.name FROM person p JOIN town t ON t.id = p.town
    ORDER BY p.id;
SELECT count(*) FROM words WHERE words MATCH 'lives AND 77*';
SELECT json_group_array(json_object('id', id, 'extra', extra)) FROM
    (SELECT id, extra FROM person WHERE extra <> 'none' ORDER BY id LIMIT 300);
SAVEPOINT s;
DELETE FROM town;
ROLLBACK TO s;
RELEASE s;
SELECT count(*) FROM town;
VACUUM;
PRAGMA integrity_check;
