"""Records of people and of companies with the truth about them, as three systems might hold them.

    python -m bench.worlds person 100000 FOLDER [SEED]     writes records.csv and truth.csv

Same seed, same world. Made for judging matching: 1.8 records a person, households with one phone and one mailbox,
switchboards, desks' mailboxes, short names, other scripts, swapped and missing parts, typing mistakes, changed jobs
and family names, duplicates inside one system, namesakes; companies with legal forms, subsidiaries, several scripts.
"""

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Final

from anyascii import anyascii

Row = dict[str, str]
Record = tuple[str, str, Row]  # source, cluster, cells

PERSON_COLUMNS: Final = (
    "given_name", "family_name", "full_name", "email", "phone", "date_of_birth", "street", "postcode", "city",
    "company", "job_title",
)  # fmt: skip
COMPANY_COLUMNS: Final = (
    "company_name", "website", "email", "phone", "street", "postcode", "city", "country", "vat_id",
)  # fmt: skip


def _words(told: str) -> list[str]:
    return told.split()


_GIVEN: Final = _words(
    """
    james mary john patricia robert jennifer michael linda william elizabeth david barbara richard susan joseph
    jessica thomas sarah charles karen christopher nancy daniel lisa matthew betty anthony margaret mark sandra
    donald ashley steven kimberly paul emily andrew donna joshua michelle kenneth carol kevin amanda brian dorothy
    george melissa edward deborah ronald stephanie timothy rebecca jason sharon jeffrey laura ryan cynthia jacob
    kathleen gary amy nicholas angela eric shirley jonathan anna stephen brenda larry pamela justin emma scott
    nicole brandon helen benjamin samantha samuel katherine gregory christine frank debra alexander rachel raymond
    carolyn patrick janet jack catherine dennis maria jerry heather tyler diane aaron ruth jose julie adam olivia
    nathan joyce henry virginia douglas victoria zachary kelly peter lauren hans ursula klaus monika jurgen petra
    wolfgang sabine dieter renate uwe gisela stefan karin andreas ingrid matthias heike pierre marie jean nathalie
    michel isabelle philippe sylvie alain catherine jacques martine luis carmen javier pilar miguel rosa antonio
    dolores jorge teresa giovanni paola marco giulia luca chiara lars astrid erik sigrid bjorn freja wei fang ming
    li jun yan hiroshi yuki kenji sakura minho jiwoo arjun priya rahul ananya vikram deepa omar aisha yusuf layla
    hassan zainab ahmed noor kwame amara chidi ngozi tariq samira mehmet elif mustafa zeynep piotr agnieszka tomasz
    """
)
_SHORT: Final = {
    "william": "bill", "robert": "bob", "richard": "dick", "elizabeth": "liz", "margaret": "peggy", "james": "jim",
    "john": "jack", "michael": "mike", "thomas": "tom", "joseph": "joe", "christopher": "chris", "daniel": "dan",
    "matthew": "matt", "anthony": "tony", "steven": "steve", "andrew": "andy", "joshua": "josh", "kenneth": "ken",
    "edward": "ed", "timothy": "tim", "jeffrey": "jeff", "nicholas": "nick", "jonathan": "jon", "samantha": "sam",
    "benjamin": "ben", "katherine": "kate", "gregory": "greg", "alexander": "alex", "patrick": "pat", "susan": "sue",
    "jennifer": "jen", "deborah": "debbie", "stephanie": "steph", "rebecca": "becky", "pamela": "pam",
    "catherine": "cathy", "victoria": "vicky", "patricia": "pat", "barbara": "barb", "jessica": "jess",
    "kimberly": "kim", "amanda": "mandy", "cynthia": "cindy", "christine": "chris", "antonio": "toni",
    "matthias": "matt", "stefan": "steff", "samuel": "sam", "charles": "charlie", "david": "dave", "ronald": "ron",
}  # fmt: skip
_FAMILY: Final = _words(
    """
    smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson
    anderson thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson
    walker young allen king wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell
    mitchell carter roberts muller schmidt schneider fischer weber meyer wagner becker schulz hoffmann koch bauer
    richter klein wolf neumann schwarz zimmermann rossi russo ferrari bianchi dubois durand leroy moreau simon
    laurent lefebvre andersson johansson karlsson nilsson hansen olsen larsen kowalski nowak wang li zhang chen yang
    tanaka suzuki sato kim park choi patel singh kumar sharma khan ali hussain ahmed yilmaz kaya demir silva santos
    oliveira souza costa
    """
)
_BEGIN: Final = _words(
    """
    al an bar bel ber bor bran bru cal car cor dal dan del dor dun el er fal fen fer gal gar gil gor hal har hel her
    hol jan jor kal kar kel kor lam lar len lin lor mal mar mel mor nal nor ol or pal par pel per ral ran ros sal
    san sel sor stal tal tan tel tor ul val van ver vil wal wel win zal zel
    """
)
_MIDDLE: Final = _words(
    """
    a e i o u an en in on er ar or el il al ber der der ger len ter ten mer ner
    """
)
_END: Final = _words(
    """
    berg bach bauer dal feld gard hagen holm horst land lund mann quist rud sen son stad stein strand strom thal vik
    wald wick worth ey ford ham ley low man more nard ner rick row sey ton ville ward well wood ac ard eau elle ette
    ier in on ot oux ano elli etti i ini one ello ez es is as ov ev in sky ko uk enko ic vic ski czyk ak ek
    """
)
# (Latin, native): as people write themselves in both.
_CYRILLIC: Final = (
    "aleksandr александр|sergey сергей|dmitry дмитрий|andrey андрей|alexey алексей|maxim максим|ivan иван|"
    "mikhail михаил|"
    "anna анна|elena елена|olga ольга|natalia наталья|irina ирина|tatiana татьяна|svetlana светлана|yulia юлия",
    "ivanov иванов|smirnov смирнов|kuznetsov кузнецов|popov попов|vasiliev васильев|petrov петров|sokolov соколов|"
    "mikhailov михайлов|novikov новиков|fedorov федоров|morozov морозов|volkov волков|alekseev алексеев|"
    "lebedev лебедев|"
    "shevchenko шевченко|kovalenko коваленко|bondarenko бондаренко|tkachenko ткаченко|kravchenko кравченко",
)
_BENGALI: Final = (
    "rahim রহিম|karim করিম|jamal জামাল|kamal কামাল|hasan হাসান|nasrin নাসরিন|sharmila শর্মিলা|fatema ফাতেমা|sultana সুলতানা|"
    "anik অনিক|tanvir তানভীর|rafiq রফিক|salma সালমা|rubina রুবিনা|imran ইমরান|sohel সোহেল",
    "uddin উদ্দিন|rahman রহমান|islam ইসলাম|hossain হোসেন|ahmed আহমেদ|khan খান|chowdhury চৌধুরী|sarkar সরকার|das দাস|"
    "dutta দত্ত|akter আক্তার|begum বেগম|mia মিয়া|talukdar তালুকদার|biswas বিশ্বাস|majumder মজুমদার",
)
_GREEK: Final = (
    "giorgos γιώργος|nikos νίκος|kostas κώστας|dimitris δημήτρης|maria μαρία|eleni ελένη|katerina κατερίνα|sofia σοφία",
    "papadopoulos παπαδόπουλος|nikolaidis νικολαΐδης|georgiou γεωργίου|dimitriou δημητρίου|pappas παππάς|"
    "vlachos βλάχος|antoniou αντωνίου|karagiannis καραγιάννης",
)
_STREETS: Final = _words(
    """
    high main church park oak maple station mill bridge garden lake hill forest spring river school king queen
    victoria linden
    """
)
_KINDS: Final = ("Street", "St", "Road", "Rd", "Avenue", "Ave", "Lane", "Drive")
_TOWN_HEADS: Final = "Ash Brad Clare Dun East Fair Glen Hart Kings Lang Mel New Oak Pem Red Stan Tor Up West Wood"
_TOWN_ENDS: Final = "bury field ford ham ton worth mouth dale bridge port"
_TOWNS: Final = [head + end for head in _words(_TOWN_HEADS) for end in _words(_TOWN_ENDS)]
_FREE: Final = ("gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "gmx.de", "web.de", "icloud.com", "mail.ru")
_TITLES: Final = ("Manager", "Sales Manager", "Head of Operations", "CEO", "CTO", "Engineer", "Accountant", "Buyer",
                  "Marketing Manager", "Assistant", "Consultant", "Director", "Team Lead", "Analyst")  # fmt: skip
_DESKS: Final = ("info", "sales", "office", "contact", "support", "billing")
_WORDS: Final = _words(
    """
    nord sud ost west alpha delta omega prima nova terra aqua luna solar stella vita veri digi cyber inter trans
    euro global uni multi pan tri bio eco geo hydro thermo aero micro macro nano opti medi agri indu logi fin cap
    """
)
_STEMS: Final = _words(
    """
    tec net sys ware log med pharm chem form mat plast steel wood glas text ford werk licht kraft haus land gas dyn
    form lab line point gate path mark trade craft works ton ia ix ex or is on us um
    """
)
_TRADES: Final = ("Solar", "Textiles", "Logistics", "Pharma", "Systems", "Foods", "Energy", "Consulting", "Software",
                  "Engineering", "Holding", "Trading", "Services", "Media", "Construction", "Chemicals", "Plastics",
                  "Motors", "Electronics", "Design", "Partners", "Group", "Industries", "Capital")  # fmt: skip
_FORMS: Final = {
    "DE": ("GmbH", "AG", "GmbH & Co. KG", "KG"), "GB": ("Ltd", "Limited", "PLC"), "US": ("Inc.", "LLC", "Corp."),
    "FR": ("SARL", "SAS", "SA"), "IT": ("S.r.l.", "S.p.A."), "SE": ("AB",), "PL": ("Sp. z o.o.",),
    "BD": ("Ltd.", "Limited", "Pvt. Ltd."), "JP": ("K.K.", "Co., Ltd."), "RU": ("OOO",),
}  # fmt: skip
_EQUAL_FORMS: Final = {"Ltd": "Limited", "Limited": "Ltd", "Ltd.": "Limited", "Inc.": "Inc", "GmbH": "GmbH",
                       "Corp.": "Corporation", "S.r.l.": "Srl", "S.p.A.": "SpA", "Sp. z o.o.": "Sp z oo",
                       "Co., Ltd.": "Co Ltd", "LLC": "L.L.C."}  # fmt: skip
_CODES: Final = {"DE": "49", "GB": "44", "US": "1", "FR": "33", "IT": "39", "SE": "46", "PL": "48", "BD": "880",
                 "JP": "81", "RU": "7"}  # fmt: skip


class _Common:
    """Draws by Zipf's law: the first of a list often, the last seldom."""

    def __init__(self, values: Sequence[str], *, shift: float = 3.0, power: float = 1.0) -> None:
        self._values = values
        self._weights = list(accumulate(1 / (rank + shift) ** power for rank in range(len(values))))

    def draw(self, random: Random) -> str:
        return random.choices(self._values, cum_weights=self._weights)[0]


def _families() -> list[str]:
    made = dict.fromkeys(_FAMILY)
    random = Random(11)
    while len(made) < 30_000:
        made[
            random.choice(_BEGIN) + (random.choice(_MIDDLE) if random.random() < 0.4 else "") + random.choice(_END)
        ] = None
    return list(made)


def _natives(told: str, made: Sequence[str] = (), letters: dict[int, str] | None = None) -> list[tuple[str, str]]:
    """Names in Latin letters and their own; those that are told, then those made of syllables."""
    known = [(latin, native) for latin, native in (one.split(" ") for one in told.split("|"))]
    return known + [(name, name.translate(letters)) for name in made if letters]


def _joined(begins: str, ends: str) -> list[str]:
    return [begin + end for begin in begins.split() for end in ends.split()]


def slip(text: str, random: Random) -> str:
    """One typing mistake."""
    if len(text) < 3:
        return text
    at = random.randrange(1, len(text))
    way = random.random()
    letter = random.choice("abcdefghijklmnopqrstuvwxyz")
    if way < 0.3:
        return text[:at] + text[at + 1 :]
    if way < 0.6:
        return text[:at] + letter + text[at + 1 :]
    if way < 0.8:
        return text[:at] + letter + text[at:]
    return text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]


class _Firm:
    def __init__(self, random: Random, number: int) -> None:
        self.name = firm_name(random)
        self.domain = "".join(self.name.lower().split()[:2]) + random.choice((".com", ".de", ".net", ".co.uk", ".io"))
        if random.random() < 0.3:
            self.domain = f"{number}-{self.domain}"
        self.switchboard = f"+4930{random.randrange(10**6):06}0"
        self.street, self.postcode, self.city = address(random)
        self.form = random.choice(("GmbH", "Ltd", "Inc.", "AG", "AB", "LLC"))


def firm_name(random: Random) -> str:
    way = random.random()
    if way < 0.35:
        head = random.choice(_FAMILIES_HEAD).title()
    else:
        head = (random.choice(_WORDS) + random.choice(_STEMS)).title()
        if way > 0.75:
            head = (random.choice(_BEGIN) + random.choice(_MIDDLE) + random.choice(_STEMS)).title()
    tail = [random.choice(_TRADES)] if random.random() < 0.8 else []
    if random.random() < 0.15:
        tail.append(random.choice(_TRADES))
    return " ".join([head, *tail])


def address(random: Random) -> tuple[str, str, str]:
    town = random.choice(_TOWNS)
    street = f"{random.randrange(1, 180)} {random.choice(_STREETS).title()} {random.choice(_KINDS)}"
    return street, f"{10000 + _TOWNS.index(town) * 400 + random.randrange(40)}", town


_FAMILIES_HEAD: Final = _families()[:4000]


@dataclass(slots=True, kw_only=True)
class _Person:
    """One human being, before any system has written something down."""

    cluster: str
    given: str
    family: str
    native: tuple[str, str] | None
    birth: str
    home: tuple[str, str, str]
    landline: str
    mobile: str
    mail: str
    work: str  # the local part of the address at work
    house_mail: str
    firm: _Firm
    old_firm: _Firm
    married: str
    title: str
    uses: str  # which address they use wherever they go: work, home, or now this and now that
    desk: str


def people(records: int, seed: int = 1) -> Iterator[Record]:
    """Records of people, in no order."""
    random = Random(seed)
    count = round(records / 1.8)
    given, family = _Common(_GIVEN, shift=12), _Common(_families(), shift=20)
    scripts = _scripts()
    taken: set[str] = set()
    firms = [_Firm(random, number) for number in range(max(5, count // 9))]
    often = list(accumulate(1 / (rank + 10) ** 0.7 for rank in range(len(firms))))
    made = 0
    number = 0
    while made < records:
        size = random.choices((1, 2, 3, 4), (62, 22, 10, 6))[0]
        for person in _household(random, number, size, given, family, scripts, firms, often):
            _own_mailbox(person, taken)
            number += 1
            for source in _sources(random):
                if made < records:
                    made += 1
                    yield source, person.cluster, _written(person, source, random)


def _scripts() -> list[tuple[list[tuple[str, str]], list[tuple[str, str]]]]:
    """Given and family names of those who do not write themselves in Latin letters."""
    russian = _joined(
        """
        abram anton baran belin bogdan borod denis egor filip gavril gorb grig kalin kir klim kondrat kot krasin lazar
        lukin maxim medin nazar nikit orl pavl platon romn savel sem sidor tar tikhn ustin vinogr voron zakhr zhil
        """,
        "ov enko in uk ovskiy ich",
    )
    greek = _joined(
        """
        alex anast andr chrest dem elefther ioann kal kap kondyl kout makr manol mark pan pet rous sotir stav theod
        tsoum vasil zaf
        """,
        "opoulos idis akis atos elis",
    )
    bengali = _joined(
        """
        abul amin anis azad badal belal dulal faruk habib harun iqbal jalil kabir latif mahbub manik masud monir nazrul
        rashid sabuj selim tarek
        """,
        "udin ahmad haque miah",
    )
    made = ((_CYRILLIC, russian, _TO_CYRILLIC), (_BENGALI, bengali, _TO_BENGALI), (_GREEK, greek, _TO_GREEK))
    return [(_natives(told[0]), _natives(told[1], some, letters)) for told, some, letters in made]


def _own_mailbox(one: "_Person", taken: set[str]) -> None:
    """No two people have one address from one provider, nor from one firm."""
    while one.mail in taken:
        local, _, host = one.mail.partition("@")
        one.mail = f"{local}{len(taken) % 89 + 1}@{host}"
    taken.add(one.mail)
    for firm in {one.firm.domain, one.old_firm.domain}:
        while f"{one.work}@{firm}" in taken:
            one.work += "x" if one.work[-1] != "x" else "2"
        taken.add(f"{one.work}@{firm}")


def _household(
    random: Random, number: int, size: int, given: _Common, family: _Common,
    scripts: Sequence[Sequence[Sequence[tuple[str, str]]]], firms: Sequence[_Firm], often: Sequence[float],
) -> Iterator[_Person]:  # fmt: skip
    native = random.choice(scripts) if random.random() < 0.22 else None
    name = random.choice(native[1]) if native else (family.draw(random), "")
    home, landline = address(random), f"+4940{random.randrange(10**7):07}"
    mailbox = f"familie.{anyascii(name[0])}{random.randrange(100)}@{random.choice(_FREE)}"
    age = random.randrange(1940, 1990)
    called: set[str] = set()
    for at in range(size):
        first = random.choice(native[0]) if native else (given.draw(random), "")
        while first[0] in called:  # people of one house have names of their own
            first = random.choice(native[0]) if native else (given.draw(random), "")
        called.add(first[0])
        called_given, called_family = first[0], name[0] if random.random() < 0.88 else family.draw(random)
        if not native and random.random() < 0.06:
            called_given += " " + given.draw(random)
        if not native and random.random() < 0.04:
            called_family += " " + family.draw(random)
        year = age + (random.randrange(-6, 7) if at < 2 else 27 + random.randrange(12))
        firm, old_firm = random.choices(firms, cum_weights=often, k=2)
        yield _Person(
            cluster=f"p{number + at}",
            given=called_given,
            family=called_family,
            native=(first[1], name[1]) if native and called_family == name[0] else None,
            birth=f"{year}-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}",
            home=home,
            landline=landline,
            mobile=f"+4917{random.randrange(10**8):08}",
            mail=_mailbox(called_given, called_family, random) + "@" + random.choice(_FREE),
            work=f"{called_given.split()[0]}.{called_family.split()[0]}",
            house_mail=mailbox if size > 1 and random.random() < 0.12 else "",
            firm=firm,
            old_firm=old_firm if random.random() < 0.14 else firm,
            married=family.draw(random) if random.random() < 0.03 else "",
            title=random.choice(_TITLES),
            uses=random.choices(("work", "home", ""), (40, 48, 12))[0],
            desk=random.choice(_DESKS) if random.random() < 0.06 else "",
        )


def _mailbox(given: str, family: str, random: Random) -> str:
    given, family = given.split()[0], family.split()[0]
    way = random.random()
    if way < 0.4:
        return f"{given}.{family}{random.choice(('', '', random.randrange(100)))}"
    if way < 0.6:
        return f"{given[0]}{family}{random.randrange(1000)}"
    if way < 0.8:
        return f"{given}{random.randrange(10000)}"
    return f"{random.choice(_WORDS)}{random.choice(_STEMS)}{random.randrange(1000)}"


def _sources(random: Random) -> list[str]:
    found = [source for source, share in (("crm", 0.62), ("shop", 0.55), ("survey", 0.45)) if random.random() < share]
    found = found or [random.choice(("crm", "shop", "survey"))]
    return [*found, *(source for source in found if random.random() < 0.035)]


def _written(one: _Person, source: str, random: Random) -> Row:
    row = dict.fromkeys(PERSON_COLUMNS, "")
    chance: Callable[[], float] = random.random
    firm = one.firm if source == "crm" or chance() < 0.7 else one.old_firm
    _name(one, source, row, random)
    if source == "crm":
        if chance() < 0.92:
            row["email"] = f"{one.desk}@{firm.domain}" if one.desk else _mail(one, firm, random, work=0.75)
        if chance() < 0.8:
            row["phone"] = firm.switchboard if chance() < 0.22 else one.mobile
        row["company"] = _firm_written(firm, random) if chance() < 0.9 else ""
        row["job_title"] = one.title if chance() < 0.6 else ""
        if (way := chance()) < 0.6:
            row["street"], row["postcode"], row["city"] = (
                (firm.street, firm.postcode, firm.city) if way < 0.25 else one.home
            )
    elif source == "shop":
        if chance() < 0.93:
            row["email"] = one.house_mail or _mail(one, firm, random, work=0.1)
        if chance() < 0.8:
            row["phone"] = one.landline if chance() < 0.2 else one.mobile
        if chance() < 0.85:
            row["street"], row["postcode"], row["city"] = one.home
        row["date_of_birth"] = one.birth if chance() < 0.4 else ""
    else:
        if chance() < 0.93:
            mail = _mail(one, firm, random, work=0.5)
            row["email"] = mail.replace("@", "+nps@") if chance() < 0.15 else mail
        row["phone"] = one.mobile if chance() < 0.5 else ""
        row["company"] = _firm_written(firm, random) if chance() < 0.45 else ""
        row["date_of_birth"] = one.birth if chance() < 0.15 else ""
        row["city"] = one.home[2] if chance() < 0.3 else ""
    _soil(row, random)
    return row


def _mail(one: _Person, firm: _Firm, random: Random, *, work: float) -> str:
    """Most people use one address wherever they go; the others one for work."""
    work = {"work": 1.0, "home": 0.0}.get(one.uses, work)
    return _work_mail(one, firm) if random.random() < work else one.mail


def _work_mail(one: _Person, firm: _Firm) -> str:
    return f"{one.work}@{firm.domain}"


def _firm_written(firm: _Firm, random: Random) -> str:
    way = random.random()
    if way < 0.45:
        return f"{firm.name} {firm.form}"
    return firm.name if way < 0.9 else firm.name.upper()


def _name(one: _Person, source: str, row: Row, random: Random) -> None:
    given, family = one.given, one.married if one.married and random.random() < 0.5 else one.family
    if one.native and source != "crm" and random.random() < 0.4:
        given, family = one.native
    else:
        first, _, rest = given.partition(" ")
        if random.random() < 0.12:
            first = _SHORT.get(first, first)
        given = f"{first} {rest}".strip() if random.random() < 0.6 else first
        if random.random() < 0.07:
            given = given[0]
        if random.random() < 0.04:
            given = slip(given, random)
        if random.random() < 0.04:
            family = slip(family, random)
        given, family = given.title(), family.title()
    if random.random() < 0.03:
        given, family = family, given
    if random.random() < (0.03 if source != "survey" else 0.12):
        given = ""
    if random.random() < (0.02 if source != "survey" else 0.15):
        family = ""
    if source == "survey" or random.random() < 0.15:
        row["full_name"] = " ".join(part for part in (given, family) if part)
        if random.random() < 0.05:
            row["full_name"] = f"{random.choice(('Mr.', 'Dr.', 'Mrs'))} {row['full_name']}"
    else:
        row["given_name"], row["family_name"] = given, family


def _soil(row: Row, random: Random) -> None:
    if row["email"] and random.random() < 0.02:
        local, _, host = row["email"].partition("@")
        row["email"] = f"{slip(local, random)}@{host}"
    if row["email"] and random.random() < 0.1:
        row["email"] = row["email"].title()
    if number := row["phone"]:
        way = random.random()
        if way < 0.02:
            at = random.randrange(5, len(number))
            number = number[:at] + str(random.randrange(10)) + number[at + 1 :]
        row["phone"] = (
            number
            if way < 0.5
            else f"0{number[3:6]} {number[6:]}"
            if way < 0.85
            else f"{number[:3]} ({number[3:6]}) {number[6:]}"
        )
    if row["date_of_birth"] and random.random() < 0.03:
        year, month, day = row["date_of_birth"].split("-")
        row["date_of_birth"] = (
            f"{year}-{day}-{month}" if int(day) <= 12 else f"{year}-{month}-{random.randrange(1, 29):02}"
        )
    if row["street"] and random.random() < 0.06:
        row["street"] = slip(row["street"], random)
    if row["postcode"] and random.random() < 0.02:
        row["postcode"] = slip(row["postcode"], random)


# -- companies -------------------------------------------------------------------------------------------------

_TO_CYRILLIC: Final = str.maketrans(dict(zip("abvgdezijklmnoprstufhcyxqw", "абвгдезийклмнопрстуфхкыксв", strict=True)))
_TO_GREEK: Final = str.maketrans(dict(zip("abdefghiklmnoprstuvxyz", "αβδεφγχικλμνοπρστουξυζ", strict=True)))
_KANA: Final = (
    "a ア i イ u ウ e エ o オ ka カ ki キ ku ク ke ケ ko コ sa サ si シ su ス se セ so ソ ta タ ti チ tu ツ te テ "
    "to ト na ナ ni ニ nu ヌ ne ネ no ノ ha ハ ma マ mi ミ mu ム me メ mo モ ra ラ ri リ ru ル re レ ro ロ n ン"
)
_TO_KANA: Final = dict(zip(_words(_KANA)[::2], _words(_KANA)[1::2], strict=True))
_TO_BENGALI: Final = str.maketrans(
    dict(zip("abcdefghijklmnopqrstuvwxyz", "াবচদেফগহিজকলমনোপকরসতুভওক্সয়জ"[:26], strict=True))
)


@dataclass(slots=True, kw_only=True)
class _Company:
    cluster: str
    name: str
    form: str
    country: str
    script: str
    domain: str
    street: str
    postcode: str
    city: str
    phone: str
    vat: str


def companies(records: int, seed: int = 1) -> Iterator[Record]:
    """Records of companies, in no order."""
    random = Random(seed)
    made = number = 0
    while made < records:
        for one in _concern(random, number):
            number += 1
            for source in _sources(random):
                if made < records:
                    made += 1
                    yield source, one.cluster, _company_written(one, source, random)


def _concern(random: Random, number: int) -> Iterator[_Company]:
    """A company, and now and then what belongs to it."""
    head = _company(random, number)
    yield head
    way = random.random()
    if way < 0.06:  # a daughter abroad: the same name and domain, another form, country, address
        yield _daughter(head, random, number + 1, name=head.name, domain=head.domain)
    elif way < 0.10:  # a daughter in another trade
        name = f"{head.name.split()[0]} {random.choice(_TRADES)}"
        if name != head.name:
            yield _daughter(head, random, number + 1, name=name, domain=head.domain, country=head.country)
    elif way < 0.12:  # somebody else of the same name
        yield _daughter(head, random, number + 1, name=head.name, domain="")


def _company(random: Random, number: int) -> _Company:
    name = firm_name(random)
    country = random.choices(list(_FORMS), (20, 15, 20, 8, 6, 5, 5, 9, 7, 5))[0]
    ending = {"US": ".com", "GB": ".co.uk"}.get(country, f".{country.lower()}")
    street, postcode, city = address(random)
    return _Company(
        cluster=f"c{number}",
        name=name,
        form=random.choice(_FORMS[country]),
        country=country,
        script=country if country in ("BD", "JP", "RU") else "",
        domain="-".join(name.lower().split()[:2]) + random.choice((ending, ending, ".com")),
        street=street,
        postcode=postcode,
        city=city,
        phone=f"+{_CODES[country]}{random.randrange(10**8, 10**9)}",
        vat=f"{country}{random.randrange(10**8, 10**9)}",
    )


def _daughter(
    head: _Company, random: Random, number: int, *, name: str, domain: str, country: str | None = None
) -> _Company:
    one = _company(random, number)
    while country is None and one.country == head.country:
        one = _company(random, number)
    if country is not None:
        one.country, one.script = country, ""
        one.form = random.choice(_FORMS[country])
    one.name, one.domain = name, domain or one.domain
    return one


def _company_written(one: _Company, source: str, random: Random) -> Row:
    row = dict.fromkeys(COMPANY_COLUMNS, "")
    chance = random.random
    row["company_name"] = _company_name(one, source, random)
    if chance() < (0.8 if source == "crm" else 0.5):
        row["website"] = random.choice(("", "https://www.", "www.", "http://")) + one.domain
    if chance() < 0.35:
        row["email"] = (
            f"{random.choice(_DESKS)}@{one.domain}" if chance() < 0.85 else f"{one.name.split()[0].lower()}@gmail.com"
        )
    if chance() < (0.6 if source != "survey" else 0.25):
        row["phone"] = one.phone if chance() < 0.6 else f"+{_CODES[one.country]} {one.phone[-9:-6]} {one.phone[-6:]}"
    if chance() < (0.75 if source != "survey" else 0.2):
        row["street"], row["postcode"], row["city"] = one.street, one.postcode, one.city
        if chance() < 0.08:
            row["street"], row["postcode"], _ = address(random)  # moved within the town
    elif chance() < 0.5:
        row["city"] = one.city
    row["country"] = one.country if chance() < 0.7 else ""
    row["vat_id"] = one.vat if chance() < 0.2 else ""
    return row


def _company_name(one: _Company, source: str, random: Random) -> str:
    name, form = one.name, one.form
    if one.script and source != "crm" and random.random() < 0.4:
        return _native(name, one.script, form)
    way = random.random()
    if way < 0.35:
        form = ""
    elif way < 0.5:
        form = _EQUAL_FORMS.get(form, form)
    if random.random() < 0.05:
        name = slip(name, random)
    if random.random() < 0.08 and len(name.split()) > 2:
        name = " ".join(name.split()[:2])
    if random.random() < 0.1:
        name = name.upper()
    if random.random() < 0.03:
        name = name.replace(" ", "")
    return f"{name} {form}".strip()


def _native(name: str, script: str, form: str) -> str:
    low = name.lower()
    if script == "RU":
        return f"ООО {low.translate(_TO_CYRILLIC).title()}"
    if script == "BD":
        return f"{low.translate(_TO_BENGALI)} লিমিটেড"
    return f"株式会社{''.join(_kana(word) for word in low.split())}"


def _kana(word: str) -> str:
    word = word.translate(str.maketrans("lvbpdgzcjfhwyqx", "rwhhtkskshhayks"))
    told, at = "", 0
    while at < len(word):
        for length in (2, 1):
            part = word[at : at + length]
            if part in _TO_KANA:
                told, at = told + _TO_KANA[part], at + length
                break
        else:
            told, at = told + _TO_KANA.get(word[at] + "u", ""), at + 1
    return told


def write(folder: Path, kind: str, records: int, seed: int = 1) -> tuple[Path, Path]:
    """The files that `crosswalk match evaluate` takes; their paths."""
    columns, made = (COMPANY_COLUMNS, companies) if kind == "company" else (PERSON_COLUMNS, people)
    folder.mkdir(parents=True, exist_ok=True)
    told, truth = folder / "records.csv", folder / "truth.csv"
    with told.open("w", newline="", encoding="utf-8") as file, truth.open("w", newline="", encoding="utf-8") as answers:
        rows, clusters = csv.writer(file), csv.writer(answers)
        rows.writerow(("rid", "source", *columns))
        clusters.writerow(("rid", "cluster"))
        shuffled = Random(seed + 1)
        for source, cluster, row in made(records, seed):
            rid = f"{source}-{shuffled.getrandbits(52):013x}"
            rows.writerow((rid, source, *(row[column] for column in columns)))
            clusters.writerow((rid, cluster))
    return told, truth


if __name__ == "__main__":
    write(Path(sys.argv[3]), sys.argv[1], int(sys.argv[2]), int(sys.argv[4]) if len(sys.argv) > 4 else 1)
