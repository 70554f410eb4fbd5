"""The words that synthetic texts are made of. A change here changes every set: raise ``prose.VERSION``."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ROLES = _words(
    "engineer gardener baker teacher sailor carpenter farmer miner printer weaver painter doctor pilot "
    "librarian judge musician shepherd smith tailor driver clerk guard student nurse potter mason"
)
THINGS = _words(
    "lamp wheel engine letter map clock boat ladder basket mirror hammer bottle book door window table "
    "chair rope bell coat cable battery meter fan pump valve drum kettle ticket bridge fence wagon"
)
PLACES = _words(
    "harbour mill market station river garden tower valley forest school library square hill lake museum "
    "workshop farm bakery theatre hospital castle island quarry village orchard canal"
)
QUALITIES = _words(
    "quiet old bright heavy narrow cold warm green broken clean simple strange careful slow quick small "
    "large early late empty full wooden golden dusty gentle famous hidden distant plain steep"
)
DEEDS = _words(
    "measured repaired carried painted found lost sold bought opened closed moved watched cleaned counted "
    "described tested lifted dropped borrowed returned hid kept built showed cut weighed"
)
HOW = (
    "slowly",
    "quickly",
    "carefully",
    "twice",
    "again",
    "alone",
    "together",
    "at once",
    "in the rain",
    "with great care",
    "for the first time",
    "without a word",
    "every morning",
)
TIMES = (
    "in the morning",
    "at noon",
    "in the evening",
    "last winter",
    "in early spring",
    "after the storm",
    "before the harvest",
    "during the night",
    "on the third day",
    "a week later",
)
LINKS = ("and", "but", "while", "because", "so", "although", "until", "when")
OPENINGS = (
    "It is said that",
    "Nobody knew that",
    "In the end",
    "For many years",
    "According to the report",
    "Everyone agreed that",
    "From that day on",
    "Not long ago",
)
FRONTS = _words("Bel Nor Ash Wind Oak Stone Mar Lin Thorn Elm Fair High West Grey Black Red")
BACKS = _words("ford ton bury field mouth wick bridge gate haven dale moor well")
PRAISE = _words(
    "wonderful excellent delightful superb charming reliable brilliant pleasant generous perfect "
    "outstanding lovely"
)
BLAME = _words(
    "terrible awful boring dreadful faulty useless disappointing rude dull poor unpleasant wasteful"
)
OFFERS = _words("meal film book hotel phone concert game service lamp journey lesson camera")
NOUN_TWINS = (
    ("doctor", "physician"),
    ("sailor", "seaman"),
    ("road", "street"),
    ("boat", "ship"),
    ("forest", "wood"),
    ("gift", "present"),
    ("stone", "rock"),
    ("shop", "store"),
)
QUALITY_TWINS = (
    ("small", "little"),
    ("large", "big"),
    ("quick", "fast"),
    ("old", "ancient"),
    ("bright", "shining"),
    ("quiet", "silent"),
)
"""Words that mean about the same."""
GOODS = _words("apples pencils books candles bottles eggs stamps coins loaves tickets")
PLAIN = _words(
    "a an the of in on at to by for from with and or but not no is was were are be been has had have it its "
    "he she they them their there this that these those which who what when where why how many much one two "
    "three four five six seven eight nine ten as if than then so all some any each every more less most year "
    "years day days made built opened named people cost costs high wide long metres kilometres visitors "
    "designed by question answer let us think step therefore total left gives away buys sells packs into box "
    "boxes summary text review i my we our you your very really never always would recommend again came back "
    "saw near behind under over beside between before after because while until although when nobody knew "
    "said end agreed everyone according report reported began started road street "
    "does did now come see open design story far"
)


def vocabulary() -> tuple[str, ...]:
    """Every word once, in the order in which it first stands here, in small letters."""
    groups = (PLAIN, ROLES, THINGS, PLACES, QUALITIES, DEEDS, PRAISE, BLAME, OFFERS, GOODS)
    words = [word for group in groups for word in group]
    words += [word for phrase in (*HOW, *TIMES, *LINKS, *OPENINGS) for word in phrase.lower().split()]
    words += [word for pair in (*NOUN_TWINS, *QUALITY_TWINS) for word in pair]
    words += [f"{front}{back}".lower() for front in FRONTS for back in BACKS]
    return tuple(dict.fromkeys(words))
