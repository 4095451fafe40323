# bench/programs/shared/draw.py - numbers and words for generated inputs, the same for every seed on
# every version of Python.

MULTIPLIER, INCREMENT, MASK = 6364136223846793005, 1442695040888963407, (1 << 64) - 1
SYLLABLES = ("ka", "lo", "mi", "ter", "san", "vel", "or", "ni", "dra", "pe", "sto", "ul", "gri",
             "ban", "ex", "fo", "qui", "ja", "hem", "wy")


class Draw:
    """Knuth's linear congruential generator of 64 bits; its upper half is used."""

    def __init__(self, seed):
        self.state = seed
        self.below(2)

    def below(self, most):
        self.state = (self.state * MULTIPLIER + INCREMENT) & MASK
        return (self.state >> 32) * most >> 32

    def one_of(self, things):
        return things[self.below(len(things))]

    def word(self):
        return "".join(self.one_of(SYLLABLES) for _ in range(1 + self.below(4)))

    def words(self, count):
        return " ".join(self.word() for _ in range(count))
