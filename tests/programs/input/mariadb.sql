-- mariadb.sql - tables, joins, windows, full text, temporary tables, procedures and blobs, with the
-- same answers every time.
CREATE DATABASE test_data;
USE test_data;
CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(60), kind INT, price DECIMAL(10, 2),
    body MEDIUMTEXT, KEY (kind, price), KEY (name), FULLTEXT (name)) ENGINE = InnoDB;
CREATE TABLE kind (id INT PRIMARY KEY, label VARCHAR(40)) ENGINE = Aria;
INSERT INTO kind SELECT seq, CONCAT('kind ', seq * 37 % 101) FROM seq_1_to_200;
INSERT INTO item SELECT seq, CONCAT('word', seq * 7919 % 997, ' thing', seq % 50), seq % 200 + 1,
    seq * 31 % 9973 / 7, REPEAT(CHAR(97 + seq % 26), seq % 3000) FROM seq_1_to_20000;

SELECT COUNT(*), SUM(price), SUM(LENGTH(body)) FROM item;
SELECT k.label, COUNT(*) AS n, AVG(i.price), GROUP_CONCAT(i.id ORDER BY i.id DESC SEPARATOR '+')
    FROM item i JOIN kind k ON k.id = i.kind WHERE i.price < 300
    GROUP BY k.label ORDER BY n DESC, k.label LIMIT 10;
SELECT id, price, RANK() OVER (PARTITION BY kind ORDER BY price DESC, id) AS place
    FROM item WHERE kind BETWEEN 3 AND 4 ORDER BY kind, place LIMIT 20;
SELECT COUNT(*) FROM item WHERE MATCH (name) AGAINST ('+word77 -thing3' IN BOOLEAN MODE);
SELECT COUNT(*), SUM(a.id) FROM item a JOIN item b ON a.name = b.name AND a.id < b.id;
SELECT MD5(GROUP_CONCAT(body ORDER BY id SEPARATOR '')) FROM item WHERE id < 400;
CREATE TEMPORARY TABLE long_ones AS SELECT * FROM item WHERE LENGTH(body) > 2000;
SELECT COUNT(*), MIN(id), MAX(id) FROM long_ones;
SELECT name, body FROM long_ones ORDER BY REVERSE(body), id LIMIT 3;

DELIMITER //
CREATE PROCEDURE churn()
BEGIN
    DECLARE i INT DEFAULT 0;
    WHILE i < 400 DO
        UPDATE item SET body = CONCAT(body, REPEAT('z', i)), price = price + 1
            WHERE id = i * 13 + 1;
        IF i % 5 = 0 THEN DELETE FROM item WHERE id = i * 7 + 3; END IF;
        INSERT INTO kind VALUES (1000 + i, CONCAT('made ', i));
        SET i = i + 1;
    END WHILE;
END //
DELIMITER ;
START TRANSACTION;
CALL churn();
COMMIT;
START TRANSACTION;
DELETE FROM item;
ROLLBACK;
SELECT COUNT(*), SUM(price), SUM(LENGTH(body)), BIT_XOR(CRC32(body)) FROM item;
ALTER TABLE item ADD COLUMN extra JSON DEFAULT ('{}'), ALGORITHM = COPY;
UPDATE item SET extra = JSON_OBJECT('id', id, 'name', name) WHERE id % 9 = 0;
SELECT JSON_EXTRACT(extra, '$.name') FROM item WHERE id % 9 = 0 ORDER BY id DESC LIMIT 20;
WITH RECURSIVE f (n, a, b) AS (SELECT 1, 0, 1 UNION ALL SELECT n + 1, b, a + b FROM f WHERE n < 40)
    SELECT n, a FROM f WHERE n % 5 = 0;
CHECKSUM TABLE kind EXTENDED;
