"""Currencies: their codes, and which prices of electricity look like a slip of the pen.

Amounts of two currencies are never added and never converted: a rate of exchange is another figure, with a
day and a source of its own, and nobody stated one.
"""

from __future__ import annotations

import difflib

from wattmark.core.errors import UsageError

CODES = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN
    BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
    GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW
    KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
    NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
    SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED
    VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905 (a list of quoted words is harder to read)
)
"""Codes of money in circulation (ISO 4217:2015, list one), and ANG and BGN, which old bills still name."""

_STRONG = frozenset(
    "EUR USD GBP CHF CAD AUD NZD SGD BND KWD BHD OMR JOD FKP GIP SHP KYD BMD BSD PAB XCD".split()  # noqa: SIM905
)
"""One unit buys a kilowatt-hour or two nearly everywhere: a price beyond DEAREST is in hundredths."""
DEAREST = 2.0
"""Highest flat price per kWh of a strong currency that is believed without being asked for again."""
SPIKE = 10.0
"""Highest price of a single hour. The limit of the European day-ahead market is 4 EUR/kWh; it rises in steps
when prices come near it (ACER, January 2023: harmonised maximum and minimum clearing prices)."""
CHEAPEST = 0.002
"""Prices of a strong currency that are all below this are per kWh, and were called per MWh."""
MOST = 1e6
"""Beyond any price of a kilowatt-hour in any currency."""


def checked_currency(code: str) -> str:
    """The code itself. Raises UsageError for one that ISO 4217 does not know, with the nearest."""
    if code in CODES:
        return code
    near = difflib.get_close_matches(code.upper(), sorted(CODES), n=1)
    if code.upper() in CODES:
        meant = f"write {code.upper()}"
    elif code.lower() in {"ct", "cent", "cents", "p", "pence", "c"}:
        meant = "give the price in whole units (0.30, not 30) and the code, such as EUR"
    else:
        meant = f"did you mean {near[0]}?" if near else "give one such as EUR or USD"
    raise UsageError(f"{code!r:.20} is no currency of ISO 4217: {meant}")


def checked_price(per_kwh: float, currency: str) -> float:
    """The price itself. Raises UsageError for one that looks like hundredths, or like a price per MWh."""
    most = DEAREST if currency in _STRONG else MOST
    if not abs(per_kwh) <= most:
        raise UsageError(
            f"{per_kwh:g} {currency} per kWh is more than any tariff: is it in hundredths, or per MWh? "
            f"Give {currency} per kWh, such as 0.30"
        )
    return per_kwh


def checked_prices(per_kwh: list[float], currency: str) -> None:
    """Raise UsageError where the prices of a market cannot be in this unit: by their middle and ends."""
    if not per_kwh:
        return
    strong = currency in _STRONG
    far = max(per_kwh, key=abs)
    if not abs(far) <= (SPIKE if strong else MOST):
        raise UsageError(
            f"{far:g} {currency} per kWh is beyond any market: is the column per MWh (`per_mwh`), "
            "or in hundredths?"
        )
    middle = abs(sorted(per_kwh)[len(per_kwh) // 2])
    if strong and middle > DEAREST:
        raise UsageError(
            f"half of the prices are beyond {DEAREST:g} {currency} per kWh: is the column per MWh "
            "(`per_mwh`), or in hundredths?"
        )
    if strong and 0 < middle < CHEAPEST and max(map(abs, per_kwh)) < CHEAPEST:
        raise UsageError(
            f"no price reaches {CHEAPEST:g} {currency} per kWh: is the column per kWh (`per_kwh`)?"
        )
