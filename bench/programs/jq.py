# bench/programs/jq.py - jq reads a large JSON text and turns it over.
import json

from .shared.command import Command
from .shared.draw import Draw

PEOPLE = 80000

FILTER = """
[.people[] | select(.age > 20) | . + {full: (.first + " " + .last), tags: (.tags | unique)}]
| group_by(.city)
| map({city: .[0].city, count: length, names: map(.full) | sort, oldest: max_by(.age).full,
       money: map(.accounts | to_entries | map(.value) | add // 0) | add,
       tags: map(.tags[]) | group_by(.) | map({key: .[0], value: length}) | from_entries})
"""


class Jq(Command):
    name = "jq"
    what = "jq: a JSON text of several MiB is read, selected from, grouped, sorted and printed"
    packages = ("jq",)
    binary = "jq"

    def make_inputs(self):
        draw = Draw(9)
        people = [self.person(draw, number) for number in range(self.scaled(PEOPLE))]
        self.write("people.json", json.dumps({"people": people}))

    @staticmethod
    def person(draw, number):
        return {"id": number, "first": draw.word(), "last": draw.word(), "age": draw.below(100),
                "city": f"city {draw.below(150)}",
                "tags": [draw.word()[:4] for _ in range(draw.below(6))],
                "accounts": {draw.word(): draw.below(10000) / 100 for _ in range(draw.below(4))},
                "about": draw.words(draw.below(12))}

    def command(self):
        return ["jq", FILTER, self.path("people.json")]


def programs(scale=1.0):
    return [Jq(scale)]
