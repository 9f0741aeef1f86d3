"""Who lives in the world: invented people and companies of many languages. No vendor and no clock.

Every mail domain ends in `.test`. Phone numbers come from ranges kept for fiction where a country has them, else
from a run of fives; all are valid in their country's numbering plan.
"""

import random
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

# (as its bearer writes it, in Latin letters); one part where the two are the same
Spelling = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Culture:
    """Names, numbers and places of one country. `weight` is its share of the people."""

    country: str  # ISO 3166-1 alpha-2
    language: str
    currency: str
    dial: str
    weight: int
    given: Sequence[Spelling]
    family: Sequence[Spelling]  # empty: people have one name
    family_first: bool
    forms: Sequence[str]  # "{} GmbH": how a company's legal form stands around its name
    latin_forms: Sequence[str]
    trades: Sequence[Spelling]
    cities: Sequence[tuple[Spelling, str, str]]  # city, postal code, area code without the leading zero
    streets: Sequence[str]
    mobile: Sequence[tuple[str, int]]  # (national prefix without trunk zero, digits that follow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A company as it is, before any system misspells it. `name` is the core, without the legal form."""

    number: int
    culture: Culture
    name: Spelling
    domain: str
    city: Spelling
    postal_code: str
    street: str
    house: str
    employees: int
    revenue: int
    industry: str

    def legal(self) -> str:
        return self.culture.forms[self.number % len(self.culture.forms)].format(self.name[0])

    def spellings(self) -> list[str]:
        """Every way in which clerks write it."""
        native = [form.format(self.name[0]) for form in self.culture.forms]
        latin = [form.format(self.name[1]) for form in self.culture.latin_forms]
        return list(dict.fromkeys([*native, *latin, self.name[0], self.name[1], self.name[1].upper()]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person as they are. `company` is where they work now, `former` where some systems still believe they work."""

    number: int
    culture: Culture
    given: Spelling
    family: Spelling | None
    prefix: str | None
    title: str
    work_email: str | None
    private_email: str
    phone: str  # E.164
    company: int | None
    former: int | None
    former_email: str | None
    born: date
    likes: float  # 0 to 1: how content they are; answers of every survey come from it

    def full(self) -> str:
        """The name in its bearer's own writing and order."""
        return self._joined(0)

    def latin(self) -> str:
        return self._joined(1)

    def _joined(self, writing: int) -> str:
        if self.family is None:
            return self.given[writing]
        parts = (self.given[writing], self.family[writing])
        if not self.culture.family_first:
            return " ".join(parts)
        if writing == 0 and any(letter >= "\u2e80" for letter in self.family[0]):
            return parts[1] + parts[0]  # no space between the names in Han script
        return f"{parts[1]} {parts[0]}" if writing == 0 else " ".join(parts)


def _same(text: str) -> list[Spelling]:
    """Words in Latin letters; an underscore stands for a space inside a name."""
    return [(word, _latin(word)) for word in (entry.replace("_", " ") for entry in text.split())]


def _pairs(text: str) -> list[Spelling]:
    """`native=Latin native=Latin`, underscores as in `_same`."""
    pairs = (entry.partition("=") for entry in text.split())
    return [(native.replace("_", " "), latin.replace("_", " ")) for native, _, latin in pairs]


_LETTERS: Final = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i",
                                 "æ": "ae", "å": "a", "Å": "A", "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe",
                                 "Ü": "Ue"})  # fmt: skip


def _latin(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word.translate(_LETTERS)) if not unicodedata.combining(c))


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in _latin(text).lower()).strip("-")


def _cities(text: str) -> list[tuple[Spelling, str, str]]:
    """`city/postal code/area code`, the city as in `_pairs` or in one writing."""
    rows = [entry.split("/") for entry in text.split()]
    return [(_pairs(name)[0] if "=" in name else _same(name)[0], code, area) for name, code, area in rows]


CULTURES: Final[Sequence[Culture]] = (
    Culture(
        country="DE", language="de", currency="EUR", dial="49", weight=17, family_first=False,
        given=_same("Anna Jürgen Günther Sabine Björn Käthe Uwe Heike Lukas Jörg Friederike Matthias Özlem Sören"
                    " Ute Holger"
                    " Bärbel Karsten Leonie Maximilian Ingrid Wolfgang Marlene Thorsten"),
        family=_same("Müller Schröder Weiß Hoffmann Krüger Lehmann Groß Köhler Böhm Yılmaz Vogel Schäfer Neumann Jäger"
                     " Brandt Günther Lange Weber Schulze Möller Winkler Meyer Maier Mayr"),
        forms=("{} GmbH", "{} AG", "{} GmbH & Co. KG"), latin_forms=("{} GmbH", "{} Gmbh"),
        trades=_same("Maschinenbau Logistik Textil Energie Medizintechnik Bau Elektronik Papier Möbel Solartechnik"),
        cities=_cities("Berlin/10115/30 Hamburg/20095/40 Köln/50667/221 München/80331/89 Leipzig/04109/341"),
        streets=("Hauptstraße", "Bahnhofstr.", "Am Alten Markt", "Gartenweg"),
        mobile=(("1511555", 4), ("1512555", 4), ("1516555", 4)),
    ),
    Culture(
        country="SE", language="sv", currency="SEK", dial="46", weight=9, family_first=False,
        given=_same("Åsa Björn Linnéa Göran Maja Östen Elsa Håkan Ingvar Frida Nils Märta Sixten Tove Anders Ebba"),
        family=_same("Lindqvist Åkesson Öberg Sjöström Nyström Bergström Hägglund Dahl Ekström Norén Wallin Lindkvist"
                     " Holmgren Sandberg Hedlund Nordin"),
        forms=("{} AB", "AB {}"), latin_forms=("{} AB", "{} Aktiebolag"),
        trades=_same("Solkraft Skog Teknik Verkstad Papper Fisk Möbler Bygg Design Vind"),
        cities=_cities("Stockholm/11120/8 Göteborg/41104/31 Malmö/21115/40 Umeå/90325/90"),
        streets=("Storgatan", "Kungsgatan", "Skolvägen"), mobile=(("70174", 4), ("73174", 4), ("76174", 4)),
    ),
    Culture(
        country="GB", language="en", currency="GBP", dial="44", weight=10, family_first=False,
        given=_same("Oliver Siân Alistair Priya Niamh George Zoë Kwame Emily Rhys Harriet Tariq Isla Callum"
                    " Beatrice Owen"),
        family=_same("O'Neill Smith-Jones Patel MacDonald Hughes Okafor Taylor Ó_Briain Wright Singh Walker"
                     " Evans Clarke"
                     " Begum Turner D'Arcy"),
        forms=("{} Ltd", "{} Limited", "{} PLC"), latin_forms=("{} Ltd.", "{} Limited"),
        trades=_same("Logistics Foods Engineering Textiles Energy Interiors Healthcare Marine Print Farms"),
        cities=_cities("London/EC1A1BB/20 Leeds/LS14AP/113 Birmingham/B11AA/121 Manchester/M11AE/161"),
        streets=("High Street", "Station Road", "Church Lane"), mobile=(("7400555", 3), ("7500555", 3), ("7911555", 3),
                                                                       ("7700155", 3), ("7400556", 3)),
    ),
    Culture(
        country="US", language="en", currency="USD", dial="1", weight=10, family_first=False,
        given=_same("Jennifer Michael José DeShawn Emily Xavier Ashley Tyler María Kevin Brittany Noah Aaliyah"
                    " Hank Renée"
                    " Wyatt"),
        family=_same("Johnson García Washington Nguyen Miller O'Connor Martinez Lee Anderson St._James Brown Kowalski"
                     " Rivera Cohen Jackson Van_Buren"),
        forms=("{}, Inc.", "{} LLC", "{} Corp."), latin_forms=("{} Inc", "{} Incorporated"),
        trades=_same("Industries Foods Labs Trucking Solar Software Supply Medical Paper Homes"),
        cities=_cities("Boston/02108/617 Seattle/98101/206 Chicago/60601/312 Austin/78701/512"),
        streets=("Main St", "2nd Ave", "Oak Blvd"),
        mobile=(("2125550", 3), ("4155550", 3), ("6175550", 3), ("2065550", 3), ("3125550", 3), ("5125550", 3)),
    ),
    Culture(
        country="FR", language="fr", currency="EUR", dial="33", weight=7, family_first=False,
        given=_same("Chloé Benoît Hélène François Amélie Jérôme Inès Loïc Anaïs Théo Noémie Raphaël Maëlle Rémi"),
        family=_same("Lefèvre Dubois Château N'Diaye Gérard Müller Bénard Rousseau D'Hondt Légér Fontaine Garçon"
                     " Perrot"),
        forms=("{} SARL", "{} S.A.S.", "Société {}"), latin_forms=("{} SARL", "{} SAS"),
        trades=_same("Énergie Textiles Vins Conseil Matériaux Santé Logistique Meubles"),
        cities=_cities("Paris/75001/1 Lyon/69001/4 Nîmes/30000/4"), streets=("rue de la Paix", "allée des Chênes"),
        mobile=(("612555", 3), ("623555", 3), ("634555", 3), ("645555", 3)),
    ),
    Culture(
        country="ES", language="es", currency="EUR", dial="34", weight=5, family_first=False,
        given=_same("Begoña Íñigo Lucía Joaquín Sofía Ramón Nuria Andrés Pilar Óscar Ángela Martín"),
        family=_same("Núñez Ibáñez Muñoz Peña Álvarez Güell Domínguez Ordóñez Castaño Vázquez Ruiz García"),
        forms=("{} S.L.", "{}, S.A."), latin_forms=("{} SL", "{} SA"),
        trades=_same("Energía Alimentación Textil Cerámica Logística Aceites"),
        cities=_cities("Madrid/28001/91 Málaga/29001/95 Logroño/26001/94"), streets=("Calle Mayor", "Avenida del Sol"),
        mobile=(("600555", 3), ("611555", 3), ("622555", 3), ("633555", 3)),
    ),
    Culture(
        country="PL", language="pl", currency="PLN", dial="48", weight=6, family_first=False,
        given=_same("Łukasz Małgorzata Paweł Żaneta Grzegorz Agnieszka Michał Świętosław Zofia Jędrzej Bożena"
                    " Wojciech"),
        family=_same("Wiśniewski Wójcik Kamińska Dąbrowski Źrebiec Szczęsny Kowalczyk Łuczak Jabłońska Żak Gołąb"
                     " Mazur"),
        forms=("{} Sp. z o.o.", "{} S.A."), latin_forms=("{} Sp. z o.o.", "{} SA"),
        trades=_same("Meble Spożywcze Energia Budownictwo Tekstylia Maszyny"),
        cities=_cities("Warszawa/00-001/22 Łódź/90-001/42 Kraków/30-001/12"),
        streets=("ul. Długa", "ul. Żółkiewskiego"),
        mobile=(("500555", 3), ("601555", 3), ("602555", 3), ("603555", 3)),
    ),
    Culture(
        country="CZ", language="cs", currency="CZK", dial="420", weight=4, family_first=False,
        given=_same("Jiří Věra Ondřej Božena Matěj Žofie Zdeněk Růžena Luboš Kateřina"),
        family=_same("Dvořák Nováková Šťastný Říha Černý Procházková Křížek Žďárská Novák Šebesta"),
        forms=("{} s.r.o.", "{} a.s."), latin_forms=("{} s.r.o.", "{} sro"),
        trades=_same("Sklo Strojírna Energie Potraviny Nábytek Pivo"),
        cities=_cities("Praha/11000/2 Plzeň/30100/377 Brno/60200/5"), streets=("Nádražní", "Dlouhá třída"),
        mobile=(("601555", 3), ("602555", 3), ("603555", 3)),
    ),
    Culture(
        country="TR", language="tr", currency="TRY", dial="90", weight=4, family_first=False,
        given=_same("Ayşe İsmail Çağla Gökhan Şule Uğur Özge Işıl Mehmet Zeynep"),
        family=_same("Yılmaz Şahin Öztürk Çelik Güneş Kılıç Doğan Aydın Işık Demir"),
        forms=("{} A.Ş.", "{} Ltd. Şti."), latin_forms=("{} AS", "{} Ltd Sti"),
        trades=_same("Tekstil Gıda Enerji İnşaat Lojistik Mobilya"),
        cities=_cities("İstanbul/34000/212 İzmir/35000/232 Ankara/06000/312"), streets=("Atatürk Cad.", "Çınar Sok."),
        mobile=(("532555", 4), ("542555", 4)),
    ),
    Culture(
        country="BD", language="bn", currency="BDT", dial="880", weight=9, family_first=False,
        given=_pairs("শর্মিলা=Sharmila রহিম=Rahim নাসরিন=Nasrin তানভীর=Tanvir ফারহানা=Farhana আরিফ=Arif"
                     " সুমাইয়া=Sumaiya কামাল=Kamal"
                     " রুমানা=Rumana শফিক=Shafiq মেহজাবিন=Mehjabin মোঃ_সোহেল=Md._Sohel জান্নাতুল=Jannatul অনির্বাণ=Anirban"),
        family=_pairs("দত্ত=Dutta উদ্দিন=Uddin সুলতানা=Sultana রহমান=Rahman চৌধুরী=Chowdhury আক্তার=Akter"
                      " হোসেন=Hossain ইসলাম=Islam"
                      " খাতুন=Khatun মুখোপাধ্যায়=Mukhopadhyay বেগম=Begum সরকার=Sarkar"),
        forms=("{} লিমিটেড", "{} লিঃ"), latin_forms=("{} Ltd.", "{} Limited", "{} (Pvt) Ltd"),
        trades=_pairs("টেক্সটাইলস=Textiles ফুডস=Foods জুট_মিলস=Jute_Mills সিরামিকস=Ceramics ফার্মা=Pharma এগ্রো=Agro"),
        cities=_cities("ঢাকা=Dhaka/1205/2 চট্টগ্রাম=Chattogram/4000/31 সিলেট=Sylhet/3100/821"),
        streets=("গুলশান এভিনিউ", "Mirpur Road"),
        mobile=(("1712555", 3), ("1811555", 3), ("1911555", 3), ("1511555", 3), ("1611555", 3), ("1713555", 3)),
    ),
    Culture(
        country="EG", language="ar", currency="EGP", dial="20", weight=4, family_first=False,
        given=_pairs("محمد=Mohamed فاطمة=Fatma أحمد=Ahmed نور=Nour يوسف=Youssef ليلى=Layla عمر=Omar مريم=Mariam"
                     " خالد=Khaled"
                     " هبة=Heba"),
        family=_pairs("عبد_الرحمن=Abdel_Rahman الشريف=El_Sherif حسن=Hassan منصور=Mansour السيد=El_Sayed فاروق=Farouk"
                      " النجار=El_Naggar سليمان=Soliman"),
        forms=("شركة {} ش.م.م", "شركة {}"), latin_forms=("{} S.A.E.", "{} Co.", "{} for Trading"),
        trades=_pairs("للنسيج=Textiles للأغذية=Foods للطاقة=Energy للمقاولات=Contracting"),
        cities=_cities("القاهرة=Cairo/11511/2 الإسكندرية=Alexandria/21500/3"), streets=("شارع التحرير", "Corniche Rd."),
        mobile=(("100555", 4), ("111555", 4)),
    ),
    Culture(
        country="JP", language="ja", currency="JPY", dial="81", weight=5, family_first=True,
        given=_pairs("翔=Sho 美咲=Misaki 健太=Kenta さくら=Sakura 大輔=Daisuke 陽子=Yoko 蓮=Ren 直美=Naomi"
                     " 拓也=Takuya 結衣=Yui"),
        family=_pairs("伊藤=Ito 佐藤=Sato 鈴木=Suzuki 高橋=Takahashi 渡邊=Watanabe 齋藤=Saito 小林=Kobayashi"
                      " 山本=Yamamoto"
                      " 中村=Nakamura 加藤=Kato"),
        forms=("株式会社{}", "{}株式会社", "{}(株)"), latin_forms=("{} K.K.", "{} Co., Ltd."),
        trades=_pairs("製作所=Seisakusho 食品=Foods 電機=Denki 商事=Trading 工業=Kogyo"),
        cities=_cities("東京=Tokyo/100-0001/3 大阪=Osaka/530-0001/6 札幌=Sapporo/060-0001/11"),
        streets=("中央1丁目", "本町2-3"),
        mobile=(("905550", 4), ("805550", 4)),
    ),
    Culture(
        country="CN", language="zh", currency="CNY", dial="86", weight=4, family_first=True,
        given=_pairs("伟=Wei 芳=Fang 秀英=Xiuying 娜=Na 敏=Min 静=Jing 建国=Jianguo 丽华=Lihua 晓明=Xiaoming"
                     " 浩然=Haoran"),
        family=_pairs("王=Wang 李=Li 张=Zhang 刘=Liu 陈=Chen 杨=Yang 欧阳=Ouyang 赵=Zhao 黄=Huang 吴=Wu"),
        forms=("{}有限公司", "{}股份有限公司"), latin_forms=("{} Co., Ltd.", "{} Ltd"),
        trades=_pairs("科技=Technology 贸易=Trading 纺织=Textile 食品=Food 能源=Energy"),
        cities=_cities("北京=Beijing/100000/10 上海=Shanghai/200000/21 深圳=Shenzhen/518000/755"),
        streets=("人民路", "中山大道"),
        mobile=(("1385550", 4), ("1365550", 4)),
    ),
    Culture(
        country="UA", language="uk", currency="UAH", dial="380", weight=4, family_first=False,
        given=_pairs("Олександр=Oleksandr Ганна=Hanna Дмитро=Dmytro Юлія=Yuliia Сергій=Serhii Наталя=Natalia"
                     " Тарас=Taras"
                     " Іванна=Ivanna Богдан=Bohdan Оксана=Oksana"),
        family=_pairs("Шевченко=Shevchenko Коваленко=Kovalenko Бондаренко=Bondarenko Мельник=Melnyk Поліщук=Polishchuk"
                      " Їжак=Yizhak Щербак=Shcherbak Григоренко=Hryhorenko"),
        forms=("ТОВ «{}»", "ПрАТ «{}»"), latin_forms=("{} LLC", "TOV {}"),
        trades=_pairs("Агро=Agro Енергія=Enerhiia Буд=Bud Текстиль=Tekstyl Софт=Soft"),
        cities=_cities("Київ=Kyiv/01001/44 Львів=Lviv/79000/32 Одеса=Odesa/65000/48"),
        streets=("вул. Хрещатик", "вул. Садова"),
        mobile=(("50555", 4), ("67555", 4)),
    ),
    Culture(
        country="VN", language="vi", currency="VND", dial="84", weight=4, family_first=True,
        given=_same("Thị_Hương Văn_An Minh_Đức Thu_Thủy Quốc_Bảo Ngọc_Ánh Hữu_Phước Mỹ_Linh"),
        family=_same("Nguyễn Trần Lê Phạm Hoàng Đặng Bùi Đỗ"),
        forms=("Công ty TNHH {}", "Công ty CP {}"), latin_forms=("{} Co., Ltd", "{} JSC"),
        trades=_same("Dệt_May Thủy_Sản Cà_Phê Năng_Lượng"),
        cities=_cities("Huế/530000/234 Cần_Thơ/900000/292"), streets=("Lê Lợi", "Trần Hưng Đạo"),
        mobile=(("91555", 4), ("90555", 4)),
    ),
    Culture(
        country="ID", language="id", currency="IDR", dial="62", weight=3, family_first=False,
        given=_same("Sukarno Suharti Widodo Megawati Slamet Budiono Sutrisno Wulandari Hartini Suparman Yanti Joko"),
        family=(), forms=("PT {}", "PT {} Tbk"), latin_forms=("PT. {}", "{} PT"),
        trades=_same("Tekstil Pangan Energi Bangunan Kopi"),
        cities=_cities("Jakarta/10110/21 Surabaya/60111/31"), streets=("Jl. Merdeka", "Jl. Sudirman"),
        mobile=(("8125550", 4), ("8135550", 4)),
    ),
    Culture(
        country="BR", language="pt", currency="BRL", dial="55", weight=3, family_first=False,
        given=_same("João Conceição Antônio Luíza Gonçalo Inês Fábio Simões Débora Caíque"),
        family=_same("São_Pedro Araújo Magalhães Brandão Guimarães Falcão Conceição Esteves"),
        forms=("{} Ltda.", "{} S.A."), latin_forms=("{} LTDA", "{} SA"),
        trades=_same("Alimentos Energia Têxtil Café Logística"),
        cities=_cities("Recife/50010/81 Goiânia/74000/62"), streets=("Rua das Flores", "Avenida Brasil"),
        mobile=(("1195555", 4), ("2195555", 4)),
    ),
)  # fmt: skip

_BY_COUNTRY: Final = {culture.country: culture for culture in CULTURES}
TITLES: Final = (
    "Head of Operations", "COO", "CEO", "Buyer", "Geschäftsführerin", "Einkauf", "Account Manager", "CTO",
    "Office Manager",
    "VP Sales", "Procurement Lead", "Responsable achats", "購買部長", "Customer Success", "Plant manager",
    "Finance Director",
)  # fmt: skip
INDUSTRIES: Final = ("Energy", "Textiles", "Food", "Logistics", "Software", "Machinery", "Health", "Retail")
FREE_MAIL: Final = ("freemail.test", "postfach.test", "inbox.test")


def typo(rng: random.Random, text: str) -> str:
    """The text with one slip of the fingers: two letters swapped, one lost, or one doubled."""
    if len(text) < 4:
        return text
    at = rng.randrange(1, len(text) - 2)
    kind = rng.randrange(3)
    if kind == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if kind == 1:
        return text[:at] + text[at + 1 :]
    return text[:at] + text[at] + text[at:]


def as_written(phone: str, rng: random.Random, *, home: str = "DE") -> str:
    """An E.164 number as a clerk writes it: at home without the country, from abroad with it.

    Now and then somebody copies a foreign number from a card as it stands there, without the country.
    """
    culture = next((c for c in CULTURES if phone.startswith("+" + c.dial)), _BY_COUNTRY[home])
    rest = phone.removeprefix("+" + culture.dial)
    head, tail = (rest[:2], rest[2:]) if rest.startswith("89") else (rest[:3], rest[3:])
    trunk = "" if culture.country in _NO_TRUNK else "0"
    at_home = (
        f"{trunk}{rest}",
        f"{trunk}{head} {tail}",
        f"({trunk}{head}) {tail[:3]}-{tail[3:]}",
        f"{trunk}{head}/{tail}",
    )
    abroad = (f"+{culture.dial} {head} {tail}", f"00{culture.dial}{rest}", f"+{culture.dial} ({trunk}){head} {tail}")
    if culture.country == home and rng.random() < 0.7:
        return rng.choice(at_home)
    return rng.choice(at_home if rng.random() < 0.03 else abroad)


_NO_TRUNK: Final = frozenset({"US", "ES", "PL", "CZ"})


def companies(seed: int, size: int) -> list[Company]:
    """About one company to four and a half people; the first two are Nordlicht Solar and Padma Textiles."""
    rng = random.Random(f"{seed}/{size}/companies")
    made = [
        _company(0, _BY_COUNTRY["SE"], ("Nordlicht Solar", "Nordlicht Solar"), "nordlicht-solar.test", rng),
        _company(1, _BY_COUNTRY["BD"], ("পদ্মা টেক্সটাইলস", "Padma Textiles"), "padma.test", rng),
    ]
    taken = {company.domain for company in made}
    weights = [culture.weight for culture in CULTURES]
    for number in range(2, max(6, size * 2 // 9)):
        culture = rng.choices(CULTURES, weights)[0]
        name, domain = _company_name(culture, rng, taken)
        taken.add(domain)
        made.append(_company(number, culture, name, domain, rng))
    return made


def _company_name(culture: Culture, rng: random.Random, taken: set[str]) -> tuple[Spelling, str]:
    parts: list[Spelling] = [rng.choice(culture.family or culture.given), rng.choice(culture.trades)]
    while True:
        glue = "" if culture.country in {"JP", "CN"} else " "
        name = (glue.join(part[0] for part in parts), " ".join(part[1] for part in parts))
        domain = _slug(name[1]) + ".test"
        if domain not in taken:
            return name, domain
        if len(parts) < 4:
            parts.append(rng.choice(culture.cities)[0])
        else:
            parts = [*parts[:3], (str(rng.randrange(2, 9999)),) * 2]


def _company(number: int, culture: Culture, name: Spelling, domain: str, rng: random.Random) -> Company:
    city, postal_code, _area = rng.choice(culture.cities)
    return Company(
        number=number, culture=culture, name=name, domain=domain, city=city, postal_code=postal_code,
        street=rng.choice(culture.streets), house=str(rng.randrange(1, 200)),
        employees=int(10 ** rng.uniform(0.5, 4)), revenue=int(10 ** rng.uniform(5, 8.5)) // 1000 * 1000,
        industry=rng.choice(INDUSTRIES),
    )  # fmt: skip


def people(seed: int, size: int, firms: Sequence[Company]) -> list[Person]:
    """`size` people; the first three are Mara Lindqvist, শর্মিলা দত্ত and Rahim Uddin."""
    rng = random.Random(f"{seed}/{size}/people")
    made = list(_named())[:size]
    weights = [culture.weight for culture in CULTURES]
    mails = {mail for person in made for mail in (person.work_email, person.private_email)}
    numbers: dict[str, int] = {}
    for number in range(len(made), size):
        firm = rng.choice(firms) if rng.random() < 0.82 else None
        # Most people work in their own country.
        culture = firm.culture if firm and rng.random() < 0.8 else rng.choices(CULTURES, weights)[0]
        given = rng.choice(culture.given)
        family = rng.choice(culture.family) if culture.family else None
        former = rng.choice(firms) if firm and rng.random() < 0.07 else None
        numbers[culture.country] = nth = numbers.get(culture.country, -1) + 1
        made.append(
            Person(
                number=number, culture=culture, given=given, family=family,
                prefix=rng.choice(("Dr.", "Prof.", "Ms", "Herr")) if rng.random() < 0.05 else None,
                title=rng.choice(TITLES),
                work_email=_mail(given, family, firm.domain, mails, rng) if firm else None,
                private_email=_mail(given, family, rng.choice(FREE_MAIL), mails, rng),
                phone=_number(culture, nth),
                company=firm.number if firm else None,
                former=former.number if former else None,
                former_email=_mail(given, family, former.domain, mails, rng) if former else None,
                born=date(1955, 1, 1) + timedelta(days=rng.randrange(50 * 365)),
                likes=min(1.0, max(0.0, rng.betavariate(3, 1.6))),
            )
        )  # fmt: skip
    return made


def _named() -> Iterator[Person]:
    """The characters that demos and pages speak of."""
    yield Person(
        number=0, culture=_BY_COUNTRY["SE"], given=("Mara", "Mara"), family=("Lindqvist", "Lindqvist"), prefix=None,
        title="COO", work_email="mara.lindqvist@nordlicht-solar.test", private_email="mara.lindqvist@postfach.test",
        phone="+49895550177", company=0, former=None, former_email=None, born=date(1981, 4, 12), likes=0.2,
    )  # fmt: skip
    yield Person(
        number=1, culture=_BY_COUNTRY["BD"], given=("শর্মিলা", "Sharmila"), family=("দত্ত", "Dutta"), prefix=None,
        title="Head of Operations", work_email="sharmila.dutta@padma.test", private_email="sharmila.dutta@inbox.test",
        phone="+8801711555034", company=1, former=None, former_email=None, born=date(1987, 9, 30), likes=0.9,
    )  # fmt: skip
    yield Person(
        number=2, culture=_BY_COUNTRY["BD"], given=("মোঃ রহিম", "Rahim"), family=("উদ্দিন", "Uddin"), prefix=None,
        title="Buyer", work_email="r.uddin@padma.test", private_email="rahim.uddin@padma.test",
        phone="+8801711555012", company=1, former=None, former_email=None, born=date(1979, 1, 5), likes=0.7,
    )  # fmt: skip


def _number(culture: Culture, nth: int) -> str:
    prefix, digits = culture.mobile[nth // 10 ** culture.mobile[0][1] % len(culture.mobile)]
    return f"+{culture.dial}{prefix}{nth % 10**digits:0{digits}}"


def _mail(given: Spelling, family: Spelling | None, domain: str, taken: set[str | None], rng: random.Random) -> str:
    first = _slug(given[1]).replace("-", "") or "mail"
    last = _slug(family[1]).replace("-", "") if family else ""
    local = rng.choice((f"{first}.{last}", f"{first[0]}.{last}", f"{first}{last}")) if last else first
    mail = f"{local}@{domain}"
    again = 1
    while mail in taken:
        again += 1
        mail = f"{local}{again}@{domain}"
    taken.add(mail)
    return mail
