"""Given names and what people are called instead. Of a few languages; a name that is missing is compared as it is."""

from functools import lru_cache
from typing import Final

from mapping.match.latin import latin

# The name, then its short and familiar forms. One form may belong to several names ("alex").
_TABLE: Final = """
abigail: abby gail | abraham: abe | adelaide: addie | adrian: ade | agnes: aggie | albert: al bert bertie
alexander: alex al alec sandy sasha xander aleksandr alejandro alexandre alessandro sascha
alexandra: alex sandra sandy sasha lexi aleksandra alejandra | alfred: alf fred alfie | alice: ali | alison: ali
amanda: mandy | amelia: amy millie | andrew: andy drew andreas andre andrei andrea andres | angela: angie
anna: ann anne annie anya ania anja hannah | anthony: tony antonio anton toni | antoinette: toni nettie
arthur: art | augustine: gus august | barbara: barb babs bobbie | benjamin: ben benny benji | bernard: bernie
bernadette: bernie | bertha: bert | beatrice: bea trixie | bradley: brad | bridget: biddy | caroline: carrie carol
cassandra: cass cassie | catherine: cathy kate katie kathy cat kitty kathryn katherine katharina katrin katarzyna
catalina ekaterina katya | cecilia: cissy celia | charles: charlie chuck chas carl karl carlos
charlotte: charlie lottie | christina: chris tina chrissie christine kirsten | christian: chris
christopher: chris kit topher kris christoph | clarence: clarry | claudia: claudie | clifford: cliff
constance: connie | cornelius: con neil | cynthia: cindy | daniel: dan danny daniil | david: dave davey
deborah: deb debbie debra | dennis: denny | derek: del | diana: di diane | dmitri: dima dmitry dimitri
dominic: dom nick | donald: don donny | dorothy: dot dolly dottie thea | douglas: doug | edith: edie
edward: ed eddie ted teddy ned eduard eduardo | edwin: ed eddie | eleanor: ellie nell nora elena
elizabeth: liz beth betty lizzie eliza lisa libby bess elisabeth elsie lisbeth elise isabel isabella
emily: em emmy millie | emma: em emmy | ernest: ernie ernst | eugene: gene | evelyn: eve evie | fatima: fatema
florence: flo | frances: fran fanny francesca franziska | francis: frank fran frankie francisco paco franz francois
franklin: frank | frederick: fred freddie rick fritz friedrich | gabriel: gabe | gabrielle: gabby gabi gabriele
geoffrey: geoff jeff | george: georgie jorge georg georgios | gerald: gerry jerry | gerard: gerry | gertrude: gertie
giovanni: gianni | giuseppe: beppe | gloria: glo | gregory: greg grigori | guadalupe: lupe | gwendolyn: gwen
hans: johann | harold: harry hal | harriet: hattie | heather: heath | helen: nell ellen elena lena helena
henry: harry hank hal heinrich heinz enrique henri | herbert: herb bert | howard: howie | hubert: hugh bert
ignacio: nacho | irene: rene | isaac: ike zac | ivan: vanya | jacob: jake jakob jack | jacqueline: jackie
james: jim jimmy jamie jem jaime | jane: jenny janet janey | janice: jan | jasmine: jas | jason: jay | jean: jeanie
jeffrey: jeff geoff | jennifer: jen jenny jenna | jeremy: jerry jem | jerome: jerry | jesse: jess | jessica: jess
joan: joanie | joanna: jo joanne | john: jack johnny jon jonny johan johann jan juan jean ian hans giovanni ivan
johannes: hans johann jan | jonathan: jon jonny nathan | joseph: joe joey jo josef jose pepe giuseppe
josephine: jo josie | joshua: josh | judith: judy jude | julia: julie jules | julian: jules | karen: kaz
katarina: kat kata | kenneth: ken kenny | kevin: kev | kimberly: kim | konstantin: kostya | laura: laurie lori
lawrence: larry laurie lars laurent lorenzo | leonard: len lenny leo | leonardo: leo | leslie: les | lewis: lew louie
lillian: lily lil | linda: lin lindy | louis: lou louie ludwig luis lewis | louise: lou luise | lucille: lucy
luke: lucas lukas | lydia: lyddie | madeleine: maddie madeline | magdalena: magda lena | malcolm: mal
margaret: maggie meg peggy marge rita greta madge margarita margarete daisy gretel margot
maria: mary marie mia mariya masha maryam marija | marcus: mark marc marco markus | marianne: mari | martha: marty
martin: marty | martina: tina | matilda: tilly mattie | matthew: matt matty matthias mateo matteo | maurice: mo
maximilian: max | maxwell: max | megan: meg | melanie: mel | melissa: mel missy lissa
michael: mike mick mickey micky mikey michel miguel mikhail misha michele mihail | michelle: shelly
mildred: millie | miriam: mim | mitchell: mitch | mohammed: mo md mohammad muhammad mohamed mohd mehmet
monica: mona | nancy: nan | natalie: nat natalia natasha natalya | nathan: nate nat | nathaniel: nat nate nathan
nicholas: nick nicky nico nikolas nicolas nikolai klaus | nicole: nicky nikki | nikolai: kolya | norman: norm
oliver: ollie olli | olivia: liv livvy | oscar: ossie | pamela: pam | patricia: pat patty tricia trish
patrick: pat paddy patricio | paul: pauly paulo pablo pavel paolo | paula: polly | penelope: penny
peter: pete petr pedro pyotr pieter petros | philip: phil pip felipe philipp | philippa: pippa
priscilla: cilla | rachel: rach rae | raymond: ray | rebecca: becky becca | reginald: reg reggie | rhonda: ron
richard: rick dick rich ricky richie ricardo | robert: bob rob bobby robbie bert robin roberto
roberta: bobbie | roderick: rod | rodney: rod | roger: rodge | roland: rollo | ronald: ron ronnie | rosemary: rose rosie
rosa: rosie rose | roxanne: roxy | rudolf: rudi | russell: russ | ruth: ruthie | samantha: sam sammy
samuel: sam sammy | sandra: sandy | sarah: sally sadie sara | sebastian: seb bastian basti | sergei: seryozha sergey
sharon: shaz | sheila: she | shirley: shirl | sidney: sid | simon: si | sophia: sophie sofia sofie sofiya
stanley: stan | stephanie: steph stefanie | stephen: steve steven stevie stefan stephan esteban stefano stepan
stuart: stu | susan: sue susie suzy susanna suzanne sanna susanne | sylvia: syl | tamara: tammy | tatiana: tanya
teresa: terry tess theresa tracy therese | terence: terry | theodore: ted teddy theo | thomas: tom tommy tomas tomasz
timothy: tim timmy | tobias: toby tobi | tyler: ty | ulrich: uli | ursula: uschi | valentina: valya | valerie: val
vanessa: nessa | veronica: ronnie vera | victor: vic viktor | victoria: vicky tori viktoria | vincent: vince vinnie
virginia: ginny | vivian: viv | vladimir: vova volodya | walter: walt wally | wendy: wen | wilhelm: willi willy
william: bill billy will willy liam wilhelm guillermo guillaume | winifred: winnie fred | wolfgang: wolf
yevgeny: zhenya evgeny | yusuf: yousuf joseph | zachary: zach zack
"""


def _read() -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    of: dict[str, set[str]] = {}
    roots: dict[str, str] = {}
    for entry in _TABLE.replace("\n", " | ").split("|"):
        whole, colon, forms = entry.partition(":")
        if colon:
            last = whole.strip()
            of.setdefault(last, set()).add(last)
        for form in (forms if colon else entry).split():
            of.setdefault(form, set()).add(last)
            roots.setdefault(form, last)
    for form, names in of.items():
        if form in names:
            roots[form] = form
    return {form: frozenset(names) for form, names in of.items()}, roots


_NAMES, _ROOTS = _read()
_NONE: Final[frozenset[str]] = frozenset()


def familiar(one: str, other: str) -> bool:
    """May two folded given names of one word be the same person's: William and Bill, Katie and Kathy?"""
    ours, theirs = _NAMES.get(latin(one), _NONE), _NAMES.get(latin(other), _NONE)
    return not ours.isdisjoint(theirs)


def is_familiar_form(name: str) -> bool:
    """Whether there are other forms of a folded name."""
    return latin(name) in _NAMES


@lru_cache(maxsize=100_000)
def root(name: str) -> str:
    """One name for all familiar forms of it, for looking up; of a form of several names, one of them."""
    plain = latin(name)
    return _ROOTS.get(plain, plain)
