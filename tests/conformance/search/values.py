# SPDX-License-Identifier: Apache-2.0
"""What values mean: dates as intervals, decimals as exact points, text without case and accents,
units as factors, references as what they point at. Written from the FHIR specification."""

import calendar
import datetime
import re
import unicodedata
from fractions import Fraction

FOREVER = 1 << 62
TICKS = 10_000_000  # a second in units of 100 ns

DATE = re.compile(r'(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?'
                  r'(Z|[+-]\d\d:\d\d)?)?)?)?', re.A)


class BadValue(Exception):
    """The value is none of its kind."""


def ticks_of(year, month, day, hour=0, minute=0, second=0):
    days = datetime.date(year, month, day).toordinal() - 1
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * TICKS


def stored_interval(text):
    """As a resource has it: a time with a fraction of a second is a point, for an instant has an
    effective width of 0 (and peers agree for every other time)."""
    first, last = date_interval(text)
    return (first, first) if "." in text else (first, last)


def date_interval(text):
    """The first and the last tick that a date may mean; without a zone it is in UTC."""
    match = DATE.fullmatch(text)
    if match is None:
        raise BadValue(text)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    year = int(year)
    if year == 0:
        raise BadValue(text)
    if month is None:
        return ticks_of(year, 1, 1), ticks_of(year, 12, 31) + 86_400 * TICKS - 1
    month = int(month)
    if not 1 <= month <= 12:
        raise BadValue(text)
    length = calendar.monthrange(year, month)[1]
    if day is None:
        return ticks_of(year, month, 1), ticks_of(year, month, length) + 86_400 * TICKS - 1
    day = int(day)
    if not 1 <= day <= length:
        raise BadValue(text)
    start = ticks_of(year, month, day)
    if hour is None:
        return start, start + 86_400 * TICKS - 1
    hour, minute = int(hour), int(minute)
    if hour > 23 or minute > 59 or (second is not None and int(second) > 60):
        raise BadValue(text)
    offset = 0
    if zone not in (None, "Z"):
        east, minutes = int(zone[1:3]), int(zone[4:6])
        if minutes > 59 or east * 60 + minutes > 14 * 60:
            raise BadValue(text)
        offset = (east * 60 + minutes) * 60 * (-1 if zone[0] == "-" else 1)
    start += (hour * 3600 + minute * 60 + int(second or 0) - offset) * TICKS
    if second is None:
        return start, start + 60 * TICKS - 1
    if fraction is None:
        return start, start + TICKS - 1
    digits = min(len(fraction), 7)
    step = 10 ** (7 - digits)
    start += int(fraction[:digits]) * step
    return start, start + step - 1


def period_interval(period):
    """From the first moment of the start to the last of the end; an absent end is open."""
    start, end = period.get("start"), period.get("end")
    return (stored_interval(start)[0] if start else -FOREVER,
            stored_interval(end)[1] if end else FOREVER)


NUMBER = re.compile(r'(-?)(0|[1-9]\d*|\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?', re.A)


def decimal(text):
    """The exact value and the place of the last digit that was written, as a power of ten."""
    match = NUMBER.fullmatch(text)
    if match is None:
        raise BadValue(text)
    sign, whole, fraction, exponent = match.groups()
    fraction = fraction or ""
    place = int(exponent or 0) - len(fraction)
    value = Fraction(int(whole + fraction)) * Fraction(10) ** place
    return (-value if sign else value), place


def precision_range(text):
    """[low, high): half a unit of the last written digit on both sides.

    R4 gives 95 to 105 for 1e2, so one digit before a positive exponent counts as two.
    """
    value, place = decimal(text)
    if place > 0 and value != 0 and abs(value) < 10 ** (place + 1):
        place -= 1
    half = Fraction(10) ** place / 2
    return value - half, value + half


class Span:
    """A point or an interval of numbers; an end is (value, is_excluded), or None where it is open."""
    __slots__ = ("low", "high", "low_excluded", "high_excluded")

    def __init__(self, low, high, low_excluded=False, high_excluded=False):
        self.low, self.high = low, high
        self.low_excluded, self.high_excluded = low_excluded, high_excluded

    def begins_at_or_above(self, at):
        return self.low is not None and self.low >= at

    def begins_above(self, at):
        return self.low is not None and (self.low > at or (self.low == at and self.low_excluded))

    def ends_below(self, at):
        return self.high is not None and (self.high < at
                                          or (self.high == at and self.high_excluded))

    def scaled(self, factor, offset=0):
        return Span(None if self.low is None else self.low * factor + offset,
                    None if self.high is None else self.high * factor + offset,
                    self.low_excluded, self.high_excluded)


def compared_span(value, comparator):
    """A quantity's value with its comparator: "<5" is everything below 5."""
    if comparator in ("<", "<="):
        return Span(None, value, high_excluded=comparator == "<")
    if comparator in (">", ">="):
        return Span(value, None, low_excluded=comparator == ">")
    return Span(value, value)


def number_holds(prefix, operand, span, factor=Fraction(1), offset=Fraction(0)):
    """Whether what a resource says (@span) answers a search for @operand (a decimal's text).

    @factor and @offset bring the operand into the resource's unit.
    """
    def bring(number):
        return number * factor + offset
    point = bring(decimal(operand)[0])
    if prefix in ("eq", "ne"):
        low, high = map(bring, precision_range(operand))
        inside = span.begins_at_or_above(low) and span.ends_below(high)
        return inside == (prefix == "eq")
    if prefix == "gt":
        return span.high is None or span.high > point
    if prefix == "lt":
        return span.low is None or span.low < point
    if prefix == "ge":
        return span.high is None or span.high > point or (span.high == point
                                                          and not span.high_excluded)
    if prefix == "le":
        return span.low is None or span.low < point or (span.low == point
                                                        and not span.low_excluded)
    if prefix == "sa":
        return span.begins_above(point)
    if prefix == "eb":
        return span.ends_below(point)
    tenth = abs(decimal(operand)[0]) / 10  # ap
    value = decimal(operand)[0]
    low, high = bring(value - tenth), bring(value + tenth)
    return not span.begins_above(high) and not span.ends_below(low)


def date_holds(prefix, low, high, first, last):
    """Search for [low, high]; the resource says [first, last]."""
    inside = low <= first and last <= high
    if prefix == "eq":
        return inside
    if prefix == "ne":
        return not inside
    if prefix == "gt":
        return last > high
    if prefix == "lt":
        return first < low
    if prefix == "ge":
        return last > high or inside
    if prefix == "le":
        return first < low or inside
    if prefix == "sa":
        return first > high
    if prefix == "eb":
        return last < low
    return first <= high and last >= low  # ap, after its interval was widened


# Letters that Unicode does not take apart, though a reader sees an accent or two letters.
OPENED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "æ": "ae", "œ": "oe", "ı": "i"})


def fold(text):
    """Text without case, accents and repeated blanks."""
    before = None
    while before != text:
        before = text
        text = unicodedata.normalize("NFKD", text.casefold()).translate(OPENED)
        text = "".join(c for c in text if not unicodedata.category(c).startswith("M"))
    return " ".join(text.split())


# What the units of the tests are made of: metre, gram, second, kelvin, mole.
UCUM = "http://unitsofmeasure.org"
UNITS = {
    "kg": (1000, "g"), "g": (1, "g"), "mg": (Fraction(1, 10**3), "g"), "ug": (Fraction(1, 10**6), "g"),
    "[lb_av]": (Fraction("453.59237"), "g"),
    "m": (1, "m"), "cm": (Fraction(1, 100), "m"), "mm": (Fraction(1, 1000), "m"), "km": (1000, "m"),
    "[in_i]": (Fraction("0.0254"), "m"),
    "s": (1, "s"), "min": (60, "s"), "h": (3600, "s"), "d": (86400, "s"), "ms": (Fraction(1, 1000), "s"),
    "/min": (Fraction(1, 60), "1/s"), "/s": (1, "1/s"),
    "L": (Fraction(1, 1000), "m3"), "mL": (Fraction(1, 10**6), "m3"), "dL": (Fraction(1, 10**4), "m3"),
    "l": (Fraction(1, 1000), "m3"),
    "g/m3": (1, "g/m3"), "g/L": (1000, "g/m3"), "mg/L": (1, "g/m3"), "mg/dL": (10, "g/m3"), "g/dL": (10**4, "g/m3"),
    "kg/m3": (1000, "g/m3"), "ug/mL": (1, "g/m3"), "g/mL": (10**6, "g/m3"),
    "mmol/L": (Fraction("6.02214076e23"), "1/m3"), "mol/L": (Fraction("6.02214076e26"), "1/m3"),
    "umol/L": (Fraction("6.02214076e20"), "1/m3"), "mol": (Fraction("6.02214076e23"), "1"),
    "pg": (Fraction(1, 10**12), "g"), "fL": (Fraction(1, 10**18), "m3"), "kg/m2": (1000, "g/m2"),
    "/uL": (10**9, "1/m3"), "10*3/uL": (10**12, "1/m3"), "10*6/uL": (10**15, "1/m3"),
    "ng/mL": (Fraction(1, 1000), "g/m3"), "pg/mL": (Fraction(1, 10**6), "g/m3"),
    "mL/min": (Fraction(1, 60 * 10**6), "m3/s"), "mg/g": (Fraction(1, 1000), "1"),
    "%": (Fraction(1, 100), "1"), "1": (1, "1"),
    "Pa": (1000, "g/m/s2"), "kPa": (10**6, "g/m/s2"), "mm[Hg]": (Fraction("133322"), "g/m/s2"),
    "K": (1, "K"), "Cel": (1, "K", Fraction("273.15")),
    "[degF]": (Fraction(5, 9), "K", Fraction("459.67") * Fraction(5, 9)),
}


def conversion(source, target):
    """(factor, offset) from one unit to another, or None: they measure something else."""
    one, other = (UNITS.get(re.sub(r'/?\{[^}]*\}', "", code) or "1") for code in (source, target))
    if one is None or other is None or one[1] != other[1]:
        return None
    offset = (one[2] if len(one) > 2 else 0) - (other[2] if len(other) > 2 else 0)
    return Fraction(one[0]) / other[0], Fraction(offset) / other[0]


class Reference:
    """What a reference points at: Type/id of this server, or a URL of somewhere else."""
    __slots__ = ("type", "id", "version", "url")

    def __init__(self, type_=None, id_=None, version=None, url=None):
        self.type, self.id, self.version, self.url = type_, id_, version, url


LOCAL = re.compile(r'([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})(?:/_history/([A-Za-z0-9.\-]{1,64}))?')
IS_ID = re.compile(r'[A-Za-z0-9.\-]{1,64}')


def read_reference(text, base):
    """@text as a resource has it, or as a search gives it (then a bare id may stand there)."""
    if text.startswith(base + "/"):
        text = text[len(base) + 1:]
    match = LOCAL.fullmatch(text)
    if match:
        return Reference(*match.groups())
    if IS_ID.fullmatch(text):
        return Reference(id_=text)
    url, _, version = text.partition("|")
    history = re.fullmatch(r'(.*)/_history/([A-Za-z0-9.\-]{1,64})', url)
    if history:
        url, version = history.groups()
    return Reference(url=url, version=version or None)


def is_at_or_below(path, above):
    """Whether a URL is another one or stands below it, step by step."""
    return path == above or (path.startswith(above)
                             and (above.endswith("/") or path[len(above)] == "/"))
