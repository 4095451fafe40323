# bench/programs/input/work.py ROUNDS - what python3 does: in each round half of the records are
# replaced, and all of them printed, read, sorted, grouped and searched. Prints a digest.
import collections
import hashlib
import json
import re
import sys

RECORDS = 6000
WORDS = ["alder", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine", "rowan"]
NUMBER = re.compile(r"(?P<word>[a-z]+)-(?P<number>\d+)")


class Draw:
    def __init__(self, seed):
        self.state = seed

    def below(self, most):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (self.state >> 33) % most


class Node:
    def __init__(self, key, value):
        self.key, self.value = key, value
        self.left = self.right = None


def insert(root, key, value):
    node = root
    while True:
        if key == node.key:
            node.value = value
            return
        side = "left" if key < node.key else "right"
        if getattr(node, side) is None:
            setattr(node, side, Node(key, value))
            return
        node = getattr(node, side)


def depth(root):
    level, count = [root], 0
    while level:
        level = [n for node in level for n in (node.left, node.right) if n is not None]
        count += 1
    return count


def record(draw, number):
    return {"id": number,
            "name": f"{WORDS[draw.below(11)]}-{draw.below(100000)}",
            "tags": [WORDS[draw.below(11)] * (1 + draw.below(3)) for _ in range(draw.below(6))],
            "price": draw.below(100000) / 100,
            "parts": {WORDS[draw.below(11)]: draw.below(1 << 40) for _ in range(draw.below(5))},
            "text": " ".join(WORDS[draw.below(11)] for _ in range(draw.below(40)))}


def one_round(draw, records):
    for index in range(0, len(records), 2):
        records[index] = record(draw, records[index]["id"])
    text = json.dumps(records)
    again = json.loads(text)
    again.sort(key=lambda r: (r["name"], -r["price"]))
    groups = collections.defaultdict(list)
    for entry in again:
        groups[NUMBER.match(entry["name"]).group("word")].append(entry)
    counts = collections.Counter(word for entry in again for word in entry["text"].split())
    swapped = re.sub(r"\b(oak|elm) (\w+)", r"\2 \1", " ".join(e["text"] for e in again))
    root = Node("m", None)
    for entry in records:
        insert(root, entry["name"], tuple(entry["tags"]))
    lines = [f"{word}: {count:>8} {len(groups[word])}" for word, count in sorted(counts.items())]
    return "\n".join(lines) + swapped + str(depth(root)) + text


def main():
    draw, seen = Draw(7), hashlib.sha256()
    records = [record(draw, number) for number in range(RECORDS)]
    for _ in range(int(sys.argv[1])):
        seen.update(one_round(draw, records).encode())
    print(seen.hexdigest())


main()
